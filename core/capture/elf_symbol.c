/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/elf_symbol.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

#if defined(__aarch64__)
#define THIS_MACHINE EM_AARCH64
#define MACHINE_32 EM_NONE /* the kernel has no probes for EM_ARM */
#else
#define THIS_MACHINE EM_X86_64
#define MACHINE_32 EM_386
#endif

enum { HEADERS_MAX = 4096, SYMBOLS_MAX = 1 << 20 };

struct image {
	const uint8_t *data;
	size_t len;
	bool narrow; /* of 32 bits: what is taken is made as wide as the others' */
};

/* Copies what is at that place: nothing in a file need be aligned. False: it is not there. */
static bool take(const struct image *f, uint64_t at, void *out, size_t n)
{
	if (at > f->len || f->len - at < n)
		return false;
	memcpy(out, f->data + at, n);
	return true;
}

static bool take_elf(struct image *f, Elf64_Ehdr *elf)
{
	size_t part = sizeof(Elf64_Phdr), section = sizeof(Elf64_Shdr);
	Elf32_Ehdr small;

	if (!take(f, 0, elf, sizeof(elf->e_ident)) || memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 ||
	    elf->e_ident[EI_DATA] != ELFDATA2LSB)
		return false;
	f->narrow = elf->e_ident[EI_CLASS] == ELFCLASS32;
	if (f->narrow) {
		if (!take(f, 0, &small, sizeof(small)) || small.e_machine != MACHINE_32)
			return false;
		elf->e_phoff = small.e_phoff;
		elf->e_phentsize = small.e_phentsize;
		elf->e_phnum = small.e_phnum;
		elf->e_shoff = small.e_shoff;
		elf->e_shentsize = small.e_shentsize;
		elf->e_shnum = small.e_shnum;
		part = sizeof(Elf32_Phdr);
		section = sizeof(Elf32_Shdr);
	} else if (elf->e_ident[EI_CLASS] != ELFCLASS64 || !take(f, 0, elf, sizeof(*elf)) ||
	           elf->e_machine != THIS_MACHINE) {
		return false;
	}
	return elf->e_phentsize == part && elf->e_shentsize == section && elf->e_phoff <= f->len && elf->e_shoff <= f->len;
}

static bool take_part(const struct image *f, const Elf64_Ehdr *elf, unsigned i, Elf64_Phdr *part)
{
	Elf32_Phdr small;

	if (!f->narrow)
		return take(f, elf->e_phoff + i * sizeof(*part), part, sizeof(*part));
	if (!take(f, elf->e_phoff + i * sizeof(small), &small, sizeof(small)))
		return false;
	*part = (Elf64_Phdr){.p_type = small.p_type,
	                     .p_flags = small.p_flags,
	                     .p_offset = small.p_offset,
	                     .p_vaddr = small.p_vaddr,
	                     .p_filesz = small.p_filesz};
	return true;
}

static bool take_section(const struct image *f, const Elf64_Ehdr *elf, uint64_t i, Elf64_Shdr *section)
{
	Elf32_Shdr small;

	if (!f->narrow)
		return take(f, elf->e_shoff + i * sizeof(*section), section, sizeof(*section));
	if (!take(f, elf->e_shoff + i * sizeof(small), &small, sizeof(small)))
		return false;
	*section = (Elf64_Shdr){
	    .sh_type = small.sh_type, .sh_offset = small.sh_offset, .sh_size = small.sh_size, .sh_link = small.sh_link};
	return true;
}

static bool take_symbol(const struct image *f, const Elf64_Shdr *symbols, uint64_t i, Elf64_Sym *symbol)
{
	Elf32_Sym small;

	if (!f->narrow)
		return i < symbols->sh_size / sizeof(*symbol) &&
		       take(f, symbols->sh_offset + i * sizeof(*symbol), symbol, sizeof(*symbol));
	if (i >= symbols->sh_size / sizeof(small) ||
	    !take(f, symbols->sh_offset + i * sizeof(small), &small, sizeof(small)))
		return false;
	*symbol = (Elf64_Sym){
	    .st_name = small.st_name, .st_info = small.st_info, .st_shndx = small.st_shndx, .st_value = small.st_value};
	return true;
}

/* The place of an address, if it is in a part that is executed; 0: it is not. */
static uint64_t place_of(const struct image *f, const Elf64_Ehdr *elf, uint64_t address)
{
	for (unsigned i = 0; i < elf->e_phnum && i < HEADERS_MAX; i++) {
		Elf64_Phdr part;

		if (!take_part(f, elf, i, &part))
			break;
		if (part.p_type == PT_LOAD && part.p_flags & PF_X && address >= part.p_vaddr &&
		    address - part.p_vaddr < part.p_filesz && part.p_offset < f->len &&
		    address - part.p_vaddr < f->len - part.p_offset)
			return part.p_offset + (address - part.p_vaddr);
	}
	return 0;
}

static bool is_named(const struct image *f, const Elf64_Shdr *strings, uint32_t at, const char *name)
{
	size_t n = strlen(name) + 1;

	return at < strings->sh_size && strings->sh_size - at >= n && strings->sh_offset <= f->len &&
	       at < f->len - strings->sh_offset && f->len - strings->sh_offset - at >= n &&
	       memcmp(f->data + strings->sh_offset + at, name, n) == 0;
}

static uint64_t find_in(const struct image *f, const Elf64_Ehdr *elf, const Elf64_Shdr *symbols, const char *name)
{
	Elf64_Shdr strings;
	Elf64_Sym symbol;

	if (symbols->sh_link >= elf->e_shnum || !take_section(f, elf, symbols->sh_link, &strings))
		return 0;
	for (uint64_t i = 0; i < SYMBOLS_MAX && take_symbol(f, symbols, i, &symbol); i++)
		if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx != SHN_UNDEF &&
		    is_named(f, &strings, symbol.st_name, name))
			return place_of(f, elf, symbol.st_value);
	return 0;
}

uint64_t elf_symbol_offset(const void *data, size_t len, const char *name)
{
	struct image f = {data, len, false};
	Elf64_Shdr section;
	Elf64_Ehdr elf;

	if (!take_elf(&f, &elf))
		return 0;
	for (unsigned i = 0; i < elf.e_shnum && i < HEADERS_MAX && take_section(&f, &elf, i, &section); i++)
		if (section.sh_type == SHT_DYNSYM)
			return find_in(&f, &elf, &section, name);
	return 0;
}

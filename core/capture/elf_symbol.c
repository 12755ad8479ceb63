/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/elf_symbol.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

#if defined(__aarch64__)
#define THIS_MACHINE EM_AARCH64
#else
#define THIS_MACHINE EM_X86_64
#endif

enum { HEADERS_MAX = 4096, SYMBOLS_MAX = 1 << 20 };

struct image {
	const uint8_t *data;
	size_t len;
};

/* Copies what is at that place: nothing in a file need be aligned. False: it is not there. */
static bool take(const struct image *f, uint64_t at, void *out, size_t n)
{
	if (at > f->len || f->len - at < n)
		return false;
	memcpy(out, f->data + at, n);
	return true;
}

/* The place of an address, if it is in a part that is executed; 0: it is not. */
static uint64_t place_of(const struct image *f, const Elf64_Ehdr *elf, uint64_t address)
{
	for (unsigned i = 0; i < elf->e_phnum && i < HEADERS_MAX; i++) {
		Elf64_Phdr part;

		if (!take(f, elf->e_phoff + i * sizeof(part), &part, sizeof(part)))
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
	uint64_t n = symbols->sh_size / sizeof(Elf64_Sym);
	Elf64_Shdr strings;

	if (symbols->sh_link >= elf->e_shnum ||
	    !take(f, elf->e_shoff + (uint64_t)symbols->sh_link * sizeof(strings), &strings, sizeof(strings)))
		return 0;
	for (uint64_t i = 0; i < n && i < SYMBOLS_MAX; i++) {
		Elf64_Sym symbol;

		if (!take(f, symbols->sh_offset + i * sizeof(symbol), &symbol, sizeof(symbol)))
			break;
		if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx != SHN_UNDEF &&
		    is_named(f, &strings, symbol.st_name, name))
			return place_of(f, elf, symbol.st_value);
	}
	return 0;
}

uint64_t elf_symbol_offset(const void *data, size_t len, const char *name)
{
	struct image f = {data, len};
	Elf64_Ehdr elf;

	if (!take(&f, 0, &elf, sizeof(elf)) || memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
	    elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_ident[EI_DATA] != ELFDATA2LSB || elf.e_machine != THIS_MACHINE ||
	    elf.e_phentsize != sizeof(Elf64_Phdr) || elf.e_shentsize != sizeof(Elf64_Shdr) || elf.e_phoff > len ||
	    elf.e_shoff > len)
		return 0;
	for (unsigned i = 0; i < elf.e_shnum && i < HEADERS_MAX; i++) {
		Elf64_Shdr section;

		if (!take(&f, elf.e_shoff + i * sizeof(section), &section, sizeof(section)))
			break;
		if (section.sh_type == SHT_DYNSYM)
			return find_in(&f, &elf, &section, name);
	}
	return 0;
}

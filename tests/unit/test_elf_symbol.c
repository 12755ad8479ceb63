/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Functions of shared objects: of the C library that this runs with, and of what is damaged. */
#include "core/capture/elf_symbol.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <netdb.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "tests/tap.h"
#include "tests/unit/scratch.h"

/* Where the loader has put it, less where it has put the library: the parts of a library keep their distances. */
static uint64_t distance(const char *name, char **path)
{
	void *at = dlsym(RTLD_DEFAULT, name);
	Dl_info info;

	if (!at || !dladdr(at, &info))
		abort();
	*path = mem_strdup(info.dli_fname);
	return (uint64_t)((char *)at - (char *)info.dli_fbase);
}

/* As of 32 bits: one part at 0x300 of the file, 0x1000 in memory, and a function 0x44 into it. */
static struct small {
	Elf32_Ehdr elf;
	Elf32_Phdr part;
	Elf32_Shdr section[2];
	Elf32_Sym symbol[2];
	char names[16], code[1024];
} small_object(void)
{
	struct small o = {
	    .elf = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
	            .e_machine = EM_386,
	            .e_phoff = offsetof(struct small, part),
	            .e_phentsize = sizeof(Elf32_Phdr),
	            .e_phnum = 1,
	            .e_shoff = offsetof(struct small, section),
	            .e_shentsize = sizeof(Elf32_Shdr),
	            .e_shnum = 2},
	    .part = {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0x300, .p_vaddr = 0x1000, .p_filesz = 0x100},
	    .section = {{.sh_type = SHT_DYNSYM,
	                 .sh_offset = offsetof(struct small, symbol),
	                 .sh_size = 2 * sizeof(Elf32_Sym),
	                 .sh_link = 1},
	                {.sh_type = SHT_STRTAB, .sh_offset = offsetof(struct small, names), .sh_size = 16}},
	    .symbol = {{.st_name = 0, .st_value = 0x1011, .st_info = ELF32_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = 1},
	               {.st_name = 3, .st_value = 0x1044, .st_info = ELF32_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = 1}},
	    .names = "ab\0getaddrinfo",
	};

	return o;
}

static void narrow(void)
{
	struct small o = small_object();
#if defined(__x86_64__)
	uint64_t known = 0x344;
#else
	uint64_t known = 0; /* the kernel has no probes for these */
#endif
	int wrong = 0;

	is_int((long long)elf_symbol_offset(&o, sizeof(o), "getaddrinfo"), (long long)known, "an object of 32 bits");
	is_int(elf_symbol_offset(&o, sizeof(o), "getaddrinf"), 0, "which has it by its whole name");
	for (size_t n = 0; n < offsetof(struct small, code); n++) {
		char *cut = mem_copy(&o, n ? n : 1);

		wrong += elf_symbol_offset(cut, n, "getaddrinfo") != 0;
		free(cut);
	}
	is_int(wrong, 0, "of which nothing is found when it is cut");
	o.elf.e_machine = EM_ARM;
	is_int(elf_symbol_offset(&o, sizeof(o), "getaddrinfo"), 0, "nor when it is another machine's");
}

int main(void)
{
	char *path, *data, *other;
	uint64_t address = distance("getaddrinfo", &path), offset;
	size_t len, found = 0;
	Elf64_Ehdr elf;

	data = scratch_read(path, &len);
	offset = elf_symbol_offset(data, len, "getaddrinfo");
	ok(offset && offset < len, "%s has the function at %#llx", path, (unsigned long long)offset);
	memcpy(&elf, data, sizeof(elf));
	for (unsigned i = 0; i < elf.e_phnum; i++) {
		Elf64_Phdr part;

		memcpy(&part, data + elf.e_phoff + i * sizeof(part), sizeof(part));
		found += part.p_type == PT_LOAD && offset - part.p_offset + part.p_vaddr == address &&
		         offset - part.p_offset < part.p_filesz;
	}
	is_int(found, 1, "which is where the loader has it");
	is_int(elf_symbol_offset(data, len, "getaddrinf"), 0, "not by the beginning of its name");
	is_int(elf_symbol_offset(data, len, "no_such_function"), 0, "nor what it does not have");
	is_int(elf_symbol_offset(data, 0, "getaddrinfo"), 0, "nothing is in nothing");
	found = 0;
	for (size_t n = 1; n < len; n += 1 + len / 300) {
		other = mem_copy(data, n);
		offset = elf_symbol_offset(other, n, "getaddrinfo");
		found += offset && offset >= n;
		free(other);
	}
	is_int(found, 0, "of what is cut, nothing beyond its end");
	data[4] = ELFCLASS32;
	is_int(elf_symbol_offset(data, len, "getaddrinfo"), 0, "nor in an object of 32 bits, of a machine that has 64");
	narrow();
	free(data);
	free(path);
	return tap_done();
}

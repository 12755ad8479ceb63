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
	is_int(elf_symbol_offset(data, len, "getaddrinfo"), 0, "nor in an object of 32 bits");
	free(data);
	free(path);
	return tap_done();
}

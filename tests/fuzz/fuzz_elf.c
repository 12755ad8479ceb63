/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a shared object: a function is in it, or there is none. */
#include <stdlib.h>
#include <string.h>

#include "core/capture/elf_symbol.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *memory = malloc(size ? size : 1);

	memcpy(memory, data, size);
	must(elf_symbol_offset(memory, size, "f") < (size ? size : 1));
	free(memory);
	return 0;
}

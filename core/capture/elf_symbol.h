/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a shared object has a function. Any bytes are allowed. Pure. */
#ifndef PS_CAPTURE_ELF_SYMBOL_H
#define PS_CAPTURE_ELF_SYMBOL_H

#include <stddef.h>
#include <stdint.h>

/* The place in the file, at data[0..len), of a function that the object has for others to use; or 0: there is none. Of
 * this machine, and of 64 or of 32 bits where that can be probed. */
uint64_t elf_symbol_offset(const void *data, size_t len, const char *name);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a fuzz target has: it aborts when something is wrong, and gives 0. */
#ifndef PS_TESTS_FUZZ_TARGET_H
#define PS_TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(condition)                                                                                                \
	do {                                                                                                               \
		if (!(condition)) {                                                                                            \
			fprintf(stderr, "%s:%d: must be: %s\n", __FILE__, __LINE__, #condition);                                   \
			abort();                                                                                                   \
		}                                                                                                              \
	} while (0)

#endif

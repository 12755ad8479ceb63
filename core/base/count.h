/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts of bytes and calls, which stop at the largest number. */
#ifndef PS_BASE_COUNT_H
#define PS_BASE_COUNT_H

#include <stdint.h>

static inline uint64_t count_add(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

/* Of what may be below zero, in a store that someone else wrote. */
static inline int64_t count_add_signed(int64_t a, int64_t b)
{
	int64_t sum;

	return !__builtin_add_overflow(a, b, &sum) ? sum : b < 0 ? INT64_MIN : INT64_MAX;
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether something that is looked at time and again is nearly full: with a distance between the two states, so
 * that each change of state is told once. Pure.
 */
#ifndef PS_LEDGER_FILL_H
#define PS_LEDGER_FILL_H

#include <stdbool.h>
#include <stdint.h>

enum {
	FILL_NEAR_PERCENT = 90, /* from this on it is nearly full ... */
	FILL_CALM_PERCENT = 75, /* ... until it was below this ... */
	FILL_CALM_TIMES = 10,   /* ... so many times in a row */
};

/* Begins as zeros. */
struct fill {
	bool near;
	unsigned calm;
	uint64_t room, last, most; /* most: since start */
};

/* Takes note of how much there was. True if it is in the other state now. */
bool fill_see(struct fill *, uint64_t n, uint64_t room);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a store has answered, as `picosnitch view` keeps it. Bounded: what has no room is counted.
 *
 * Values are as stored. What is shown of them is valid UTF-8 without control characters, and cut in the middle.
 */
#ifndef PS_VIEW_ROWS_H
#define PS_VIEW_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/mem.h"
#include "core/question.h"

enum {
	VIEW_ROWS_MAX = 100000,
	VIEW_BYTES_MAX = 64 << 20, /* of values */
	VIEW_SHOWN_MAX = 4096,     /* bytes of one */
	VIEW_LOSSES_MAX = 32,
	VIEW_STEPS_MAX = 30, /* of a trend */
	VIEW_BESIDE_MAX = 256,
};

struct view_row {
	struct ps_text value; /* with a NUL behind it */
	const char *shown;
	const char *beside; /* a country, a verdict; "": nothing is known; NULL: it was not asked for yet */
	bool alarming;      /* the verdict */
	uint64_t sent, received, calls, rows;
	int64_t first, last;
	const uint64_t *trend; /* bytes in each step; NULL: it was not asked for yet */
};

struct view_loss {
	const char *stage, *text;
	uint64_t count, sent, received;
};

struct view_rows {
	struct arena memory;
	enum ps_dimension by;
	enum ps_order order;
	int64_t from, to; /* of the question */
	struct view_row *rows;
	size_t n;
	size_t bytes;    /* of values */
	uint64_t groups; /* also those that had no room */
	uint64_t sent, received, calls, stored;
	int64_t first, last; /* of all rows; first > last: there are none */
	struct view_loss losses[VIEW_LOSSES_MAX];
	unsigned n_losses;
	/* Of trends, steps from `begin` on; step: also of rows by time. */
	int64_t begin, step;
	unsigned steps;
	int64_t took_ns;
};

#endif

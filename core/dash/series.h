/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts by value and step, in any order, become a series for each of the largest values, and one of all others. No
 * I/O. */
#ifndef PS_DASH_SERIES_H
#define PS_DASH_SERIES_H

#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/base/value.h"
#include "core/dash/steps.h"

/* What is kept until it is known which are the largest: 24 bytes each. */
enum { SERIES_CELLS_MAX = 1 << 20 };

struct series_sums {
	uint64_t sent, received;
};

struct series_group {
	struct ps_text value;
	struct series_sums total;
	struct series_cell *cells;
	size_t n_cells, room;
	struct series_sums *steps; /* as many as there are, of the largest and of those that had as many cells; or NULL */
};

struct series {
	const struct steps *steps;
	size_t top, n_cells;
	struct table by_value;
	struct series_group **groups; /* after series_fold(): the largest first */
	size_t n_groups, room;
	struct series_sums *other; /* of all behind the first `top`; NULL: there are none */
	struct arena memory;
};

void series_init(struct series *, const struct steps *, size_t top);
void series_done(struct series *);

/* Adds to the step that begins at that time, or that it is in, however often. 0, or -E2BIG: there are too many. */
int series_put(struct series *, struct ps_text value, int64_t time, uint64_t sent, uint64_t received);

/* Makes groups[0..top) and other; how many groups there are in them is n_groups - top. */
void series_fold(struct series *);

#endif

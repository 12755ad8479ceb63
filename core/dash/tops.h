/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts by several dimensions, in any order, become the values of each dimension by itself, the largest first. No
 * I/O. */
#ifndef PS_DASH_TOPS_H
#define PS_DASH_TOPS_H

#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/question.h"

/* What is kept until it is known which are the largest. */
enum { TOPS_BYTES_MAX = 64 << 20 };

struct tops_value {
	struct ps_text value;
	uint64_t sent, received, rows;
	uint64_t size;  /* by what tops_order() orders them */
	int64_t number; /* of a value that is one */
};

struct tops_of {
	struct table by_value;
	struct tops_value **values; /* after tops_order(): the largest first */
	size_t n, room;
};

struct tops {
	unsigned n;
	const enum ps_dimension *by;
	struct tops_of of[PS_DIMENSIONS];
	uint64_t sent, received, rows; /* of all */
	size_t bytes;
	struct arena memory;
};

/* Of n dimensions, which have to outlive it. */
void tops_init(struct tops *, const enum ps_dimension *by, unsigned n);
void tops_done(struct tops *);

/* Adds to a value of each dimension. 0, or -E2BIG: there are too many. */
int tops_put(struct tops *, const struct ps_answer_row *);

/* PS_ORDER_TOTAL, PS_ORDER_SENT or PS_ORDER_RECEIVED; those of a size by value, as stores do. */
void tops_order(struct tops *, enum ps_order);

#endif

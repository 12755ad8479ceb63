/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A range of time as steps of one length, for a chart. No I/O but the time zone. */
#ifndef PS_DASH_STEPS_H
#define PS_DASH_STEPS_H

#include <stddef.h>
#include <stdint.h>

enum { STEPS_MAX = 2001 }; /* one more than points, for the range may begin within a step */

struct steps {
	int64_t first;        /* when the first one begins: at or before the range */
	int64_t step, origin; /* of the question */
	size_t n;
};

/* step: their length, or 0: the shortest usual one of which no more than `points` (at least 2), and of `least` seconds
 * or more, make up from <= time < to. They begin as range_origin() says. 0, or -ERANGE: there would be more than
 * STEPS_MAX. */
int steps_make(struct steps *, int64_t from, int64_t to, unsigned points, int64_t least, int64_t step);

/* Which step that time is in: n if it is in none. */
size_t steps_at(const struct steps *, int64_t time);

#endif

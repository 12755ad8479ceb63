/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/steps.h"

#include <errno.h>

#include "core/query/range.h"

static void lay(struct steps *s, int64_t from, int64_t to, int64_t step, int64_t least)
{
	int64_t into;

	s->step = step;
	s->origin = range_origin(from, step, least);
	into = (from - s->origin) % step;
	s->first = from - (into < 0 ? into + step : into);
	s->n = (size_t)((to - s->first + step - 1) / step);
}

int steps_make(struct steps *s, int64_t from, int64_t to, unsigned points, int64_t least, int64_t step)
{
	if (!step)
		step = range_step(from, to, points, least);
	if ((to - from) / step >= STEPS_MAX)
		return -ERANGE;
	lay(s, from, to, step, least);
	return s->n <= STEPS_MAX ? 0 : -ERANGE;
}

size_t steps_at(const struct steps *s, int64_t time)
{
	uint64_t at = (uint64_t)(time - s->first) / (uint64_t)s->step;

	return time < s->first || at >= s->n ? s->n : (size_t)at;
}

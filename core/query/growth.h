/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What has come to the groups of an answer since it was given before. One thread. */
#ifndef PS_QUERY_GROWTH_H
#define PS_QUERY_GROWTH_H

#include <stdbool.h>

#include "core/base/table.h"
#include "core/question.h"

struct growth {
	uint32_t n_by;
	struct table groups;
};

void growth_init(struct growth *, uint32_t n_by);

/* Takes note of a row, and makes of it what was not there the last time: counts are differences, `first` is what
 * `last` was then, if that is later. False if that is nothing. */
bool growth_row(struct growth *, struct ps_answer_row *);

void growth_done(struct growth *);

#endif

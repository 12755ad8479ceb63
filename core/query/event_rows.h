/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events, the earliest first, as lines for people, as CSV or as JSON, one object a line. */
#ifndef PS_QUERY_EVENT_ROWS_H
#define PS_QUERY_EVENT_ROWS_H

#include <stdio.h>

#include "core/base/table.h"
#include "core/query/ask.h"

struct event_rows {
	const struct ask *ask;
	FILE *out;
	struct event_line **lines; /* that wait for their order */
	size_t n;
	struct table told; /* lines that were written, by their text: once each, if the ask is followed */
	int began;
};

void event_rows_init(struct event_rows *, const struct ask *, FILE *out);

/* A ps_answer.event whose arg is the event_rows. */
int event_rows_put(void *rows, const struct ps_answer_event *);

/* Writes those that came since, and were not told before; silent: takes them for told. 0, or -errno of writing. */
int event_rows_write(struct event_rows *, int silent);
void event_rows_done(struct event_rows *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A table of text: numbers to the right, columns as wide as what is in them, and no wider in all
 * than the terminal. Held in memory until it is written, as the widths come from the rows.
 */
#ifndef PS_QUERY_TABLE_TEXT_H
#define PS_QUERY_TABLE_TEXT_H

#include <stdio.h>

#include "core/query/ask.h"

struct table_text {
	const struct ask *ask;
	unsigned width; /* 0: any */
	int bold;
	char **cells; /* a row after the other, the header first */
	size_t n_cells;
	unsigned columns;
	uint64_t sent, received, calls, rows;
	struct arena memory;
};

void table_text_init(struct table_text *, const struct ask *, unsigned width, int bold);
void table_text_row(struct table_text *, const struct ps_answer_row *);

enum table_text_part {
	TABLE_TEXT_ALL,  /* with a line of totals */
	TABLE_TEXT_ROWS, /* without */
	TABLE_TEXT_MORE, /* nor a header */
};

void table_text_write(struct table_text *, FILE *out, enum table_text_part);
void table_text_done(struct table_text *);

#endif

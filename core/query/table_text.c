/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/table_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/columns.h"
#include "core/base/count.h"
#include "core/query/names.h"
#include "core/query/output.h"
#include "core/query/value_word.h"
#include "core/query/when.h"

#define COUNTS 4    /* sent, received, calls, last */
#define GAP 2       /* between columns */
#define NARROWEST 8 /* of a column that has to give way */

static void cell(struct table_text *t, const char *text, size_t len)
{
	if (!(t->n_cells & (t->n_cells - 1)))
		t->cells = mem_resize(t->cells, (t->n_cells ? t->n_cells * 2 : 1) * sizeof(*t->cells));
	t->cells[t->n_cells++] = arena_copy(&t->memory, text, len);
}

static void cell_str(struct table_text *t, const char *text)
{
	cell(t, text, strlen(text));
}

void table_text_init(struct table_text *t, const struct ask *ask, unsigned width, int bold)
{
	*t = (struct table_text){.ask = ask, .width = width, .bold = bold, .columns = ask->question.n_by + COUNTS};
	arena_init(&t->memory);
	for (uint32_t i = 0; i < ask->question.n_by; i++)
		cell_str(t, names_dimension(ask->by[i]));
	cell_str(t, "sent");
	cell_str(t, "received");
	cell_str(t, "calls");
	cell_str(t, "last seen");
}

/* Names for the numbers that have one, and a dash for what is not known. */
static void cell_value(struct table_text *t, enum ps_dimension d, struct ps_text value)
{
	long long number = names_is_number(d) ? strtoll(value.data, NULL, 10) : 0;
	char time[WHEN_TEXT_SIZE], name[VALUE_WORD_SIZE];
	const char *word;

	if (d == PS_BY_TIME)
		word = when_text(time, number);
	else if (!value.len || ((d == PS_BY_LPORT || d == PS_BY_RPORT) && number <= 0))
		word = "-";
	else
		word = value_word(name, d, number);
	if (word)
		cell_str(t, word);
	else
		cell(t, value.data, value.len);
}

static void cell_counts(struct table_text *t, uint64_t sent, uint64_t received, uint64_t calls, const char *last)
{
	char text[OUTPUT_BYTES_SIZE];

	cell_str(t, output_bytes(text, sent, t->ask->units));
	cell_str(t, output_bytes(text, received, t->ask->units));
	snprintf(text, sizeof(text), "%" PRIu64, calls);
	cell_str(t, text);
	cell_str(t, last);
}

void table_text_row(struct table_text *t, const struct ps_answer_row *row)
{
	char last[WHEN_TEXT_SIZE];

	for (uint32_t i = 0; i < t->ask->question.n_by; i++)
		cell_value(t, t->ask->by[i], row->values[i]);
	cell_counts(t, row->sent, row->received, row->calls, when_text(last, row->last));
	t->sent = count_add(t->sent, row->sent);
	t->received = count_add(t->received, row->received);
	t->calls = count_add(t->calls, row->calls);
	t->rows++;
}

static int is_right(const struct table_text *t, unsigned column)
{
	if (column >= t->ask->question.n_by)
		return column + 1 < t->columns;
	return names_is_number(t->ask->by[column]) && t->ask->by[column] != PS_BY_TIME;
}

/* Takes from the widest column until the line fits, or all are narrow. */
static void fit(const struct table_text *t, unsigned *widths)
{
	unsigned total = (t->columns - 1) * GAP;

	for (unsigned i = 0; i < t->columns; i++)
		total += widths[i];
	while (t->width && total > t->width) {
		unsigned widest = 0;

		for (unsigned i = 1; i < t->ask->question.n_by; i++)
			if (widths[i] > widths[widest])
				widest = i;
		if (!t->ask->question.n_by || widths[widest] <= NARROWEST)
			return;
		widths[widest]--;
		total--;
	}
}

static void spaces(FILE *out, unsigned n)
{
	fprintf(out, "%*s", (int)n, "");
}

static void write_cell(const struct table_text *t, FILE *out, unsigned column, unsigned width, const char *text)
{
	struct buf cell;

	buf_init(&cell);
	columns_put(&cell, text, width, is_right(t, column) ? COLUMNS_RIGHT : COLUMNS_LEFT);
	/* No spaces at the end of a line. */
	while (column + 1 == t->columns && cell.len && cell.data[cell.len - 1] == ' ')
		cell.len--;
	fwrite(cell.data, 1, cell.len, out);
	buf_done(&cell);
}

void table_text_write(struct table_text *t, FILE *out, enum table_text_part part)
{
	unsigned widths[PS_DIMENSIONS + COUNTS] = {0};
	size_t rows;

	if (!t->rows) {
		fputs("nothing was recorded that fits the question\n", out);
		return;
	}
	/* Under the first column "total"; the columns between stay empty. */
	if (t->ask->question.n_by && t->rows > 1 && part == TABLE_TEXT_ALL) {
		for (uint32_t i = 0; i < t->ask->question.n_by; i++)
			cell_str(t, i ? "" : "total");
		cell_counts(t, t->sent, t->received, t->calls, "");
	}
	rows = t->n_cells / t->columns;
	for (size_t i = 0; i < t->n_cells; i++) {
		unsigned width = columns_text(t->cells[i]);

		if (width > widths[i % t->columns])
			widths[i % t->columns] = width;
	}
	fit(t, widths);
	for (size_t row = part == TABLE_TEXT_MORE; row < rows; row++) {
		if (t->bold && row == 0)
			fputs("\033[1m", out);
		for (unsigned column = 0; column < t->columns; column++) {
			write_cell(t, out, column, widths[column], t->cells[row * t->columns + column]);
			if (column + 1 < t->columns)
				spaces(out, GAP);
		}
		fputs(t->bold && row == 0 ? "\033[0m\n" : "\n", out);
	}
}

void table_text_done(struct table_text *t)
{
	free(t->cells);
	arena_done(&t->memory);
}

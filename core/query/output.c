/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/output.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/query/names.h"
#include "core/query/table_text.h"

struct output {
	const struct ask *ask;
	FILE *out;
	struct table_text table;
	uint64_t rows;
	int begun; /* a table's header was written */
};

static const char *const counts[] = {"sent", "received", "calls", "rows", "first", "last"};

char *output_bytes(char out[OUTPUT_BYTES_SIZE], uint64_t bytes, enum ask_units units)
{
	static const char *const names[] = {[ASK_B] = "B", [ASK_KB] = "kB", [ASK_MB] = "MB", [ASK_GB] = "GB"};
	static const double sizes[] = {[ASK_B] = 1, [ASK_KB] = 1e3, [ASK_MB] = 1e6, [ASK_GB] = 1e9};

	if (units == ASK_AUTO)
		units = bytes < 1000 ? ASK_B : bytes < 999950 ? ASK_KB : bytes < 999950000 ? ASK_MB : ASK_GB;
	if (units == ASK_B)
		snprintf(out, OUTPUT_BYTES_SIZE, "%" PRIu64 " B", bytes);
	else
		snprintf(out, OUTPUT_BYTES_SIZE, "%.1f %s", (double)bytes / sizes[units], names[units]);
	return out;
}

void output_csv_value(FILE *out, struct ps_text value)
{
	int plain = 1;

	for (uint32_t i = 0; i < value.len; i++)
		plain &= !strchr("\",\r\n", value.data[i]) || !value.data[i];
	if (!plain)
		putc('"', out);
	for (uint32_t i = 0; i < value.len; i++) {
		if (value.data[i] == '"')
			putc('"', out);
		putc(value.data[i], out);
	}
	if (!plain)
		putc('"', out);
}

static void csv_header(struct output *o)
{
	for (uint32_t i = 0; i < o->ask->question.n_by; i++)
		fprintf(o->out, "%s,", names_dimension(o->ask->by[i]));
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		fprintf(o->out, "%s%s", i ? "," : "", counts[i]);
	fputs("\r\n", o->out);
}

static void csv_row(struct output *o, const struct ps_answer_row *row)
{
	for (uint32_t i = 0; i < o->ask->question.n_by; i++) {
		output_csv_value(o->out, row->values[i]);
		putc(',', o->out);
	}
	fprintf(o->out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRId64 ",%" PRId64 "\r\n", row->sent,
	        row->received, row->calls, row->rows, row->first, row->last);
}

static void json_row(struct output *o, const struct ps_answer_row *row)
{
	const int64_t numbers[] = {
	    (int64_t)row->sent, (int64_t)row->received, (int64_t)row->calls, (int64_t)row->rows, row->first, row->last};
	json_t *line = json_object();

	for (uint32_t i = 0; i < o->ask->question.n_by; i++) {
		enum ps_dimension d = o->ask->by[i];

		json_object_set_new(line, names_dimension(d),
		                    names_is_number(d) ? json_integer(strtoll(row->values[i].data, NULL, 10))
		                                       : json_stringn(row->values[i].data, row->values[i].len));
	}
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		json_object_set_new(line, counts[i], json_integer(numbers[i]));
	json_dumpf(line, o->out, JSON_COMPACT);
	putc('\n', o->out);
	json_decref(line);
}

struct output *output_begin(const struct ask *ask, FILE *out, unsigned width, int bold)
{
	struct output *o = mem_alloc(sizeof(*o));

	o->ask = ask;
	o->out = out;
	if (ask->format == ASK_TABLE)
		table_text_init(&o->table, ask, width, bold);
	else if (ask->format == ASK_CSV)
		csv_header(o);
	return o;
}

int output_row(void *output, const struct ps_answer_row *row)
{
	struct output *o = output;

	o->rows++;
	if (o->ask->format == ASK_TABLE)
		table_text_row(&o->table, row);
	else if (o->ask->format == ASK_CSV)
		csv_row(o, row);
	else
		json_row(o, row);
	return ferror(o->out);
}

static int flush(FILE *out)
{
	errno = 0;
	return fflush(out) != 0 || ferror(out) ? errno ? -errno : -EIO : 0;
}

int output_round(struct output *o)
{
	if (o->ask->format == ASK_TABLE && o->table.rows) {
		int more = o->begun;

		table_text_write(&o->table, o->out, more ? TABLE_TEXT_MORE : TABLE_TEXT_ROWS);
		table_text_done(&o->table);
		table_text_init(&o->table, o->ask, o->table.width, o->table.bold);
		o->begun = 1;
	}
	return flush(o->out);
}

int output_end(struct output *o, int complete)
{
	int r;

	if (o->ask->format == ASK_TABLE) {
		if (complete)
			table_text_write(&o->table, o->out, TABLE_TEXT_ALL);
		table_text_done(&o->table);
	}
	r = flush(o->out);
	free(o);
	return r;
}

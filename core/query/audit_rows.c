/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/audit_rows.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "core/query/output.h"

#define NUMBERS 16

static const char *const keys[NUMBERS] = {
    "windows",       "sent",         "received", "packets_sent", "packets_received", "errors",
    "retransmitted", "forwarded",    "own_sent", "own_received", "own_calls",        "rest_sent",
    "rest_received", "rest_packets", "first",    "last",
};

static void numbers_of(int64_t out[NUMBERS], const struct ps_answer_audit *a)
{
	const int64_t numbers[NUMBERS] = {
	    (int64_t)a->windows,
	    (int64_t)a->sent,
	    (int64_t)a->received,
	    (int64_t)a->packets_sent,
	    (int64_t)a->packets_received,
	    (int64_t)a->errors,
	    (int64_t)a->retransmitted,
	    (int64_t)a->forwarded,
	    (int64_t)a->own_sent,
	    (int64_t)a->own_received,
	    (int64_t)a->own_calls,
	    a->rest_sent,
	    a->rest_received,
	    a->rest_packets,
	    a->first,
	    a->last,
	};

	memcpy(out, numbers, sizeof(numbers));
}

static int layer_is(const struct ps_answer_audit *a, const char *word)
{
	return a->layer.len == strlen(word) && memcmp(a->layer.data, word, a->layer.len) == 0;
}

static void cell_bytes(struct audit_rows *r, int known, int64_t bytes)
{
	char text[OUTPUT_BYTES_SIZE], cell[OUTPUT_BYTES_SIZE + 1] = "-";

	if (known)
		snprintf(cell, sizeof(cell), "%s%s", bytes < 0 ? "-" : "",
		         output_bytes(text, bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes, r->ask->units));
	fprintf(r->out, "  %13s", cell);
}

/* Where the kernel counts bytes the rest is in bytes; where it is a matter of packets, in those. */
static void table_row(struct audit_rows *r, const struct ps_answer_audit *a)
{
	int bytes = layer_is(a, "link") || layer_is(a, "ip"), packets = !bytes && !layer_is(a, "tcp");

	fprintf(r->out, "%-10" PRIu64 "  %-7.*s", a->netns, (int)a->layer.len, a->layer.data);
	cell_bytes(r, bytes, (int64_t)a->sent);
	cell_bytes(r, bytes, (int64_t)a->received);
	fprintf(r->out, "  %11" PRIu64 "  %11" PRIu64, a->packets_sent, a->packets_received);
	cell_bytes(r, 1, (int64_t)a->own_sent);
	cell_bytes(r, 1, (int64_t)a->own_received);
	fprintf(r->out, "  %10" PRIu64, a->own_calls);
	cell_bytes(r, bytes, a->rest_sent);
	cell_bytes(r, bytes, a->rest_received);
	if (packets)
		fprintf(r->out, "  %12" PRId64 "\n", a->rest_packets);
	else
		fprintf(r->out, "  %12s\n", "-");
}

static void csv_row(struct audit_rows *r, const struct ps_answer_audit *a)
{
	int64_t numbers[NUMBERS];

	numbers_of(numbers, a);
	fprintf(r->out, "%" PRIu64 ",%.*s", a->netns, (int)a->layer.len, a->layer.data);
	for (size_t i = 0; i < NUMBERS; i++)
		fprintf(r->out, ",%" PRId64, numbers[i]);
	fputs("\r\n", r->out);
}

json_t *audit_rows_json(const struct ps_answer_audit *a)
{
	json_t *line =
	    json_pack("{s:I, s:s%}", "netns", (json_int_t)a->netns, "layer", a->layer.data, (size_t)a->layer.len);
	int64_t numbers[NUMBERS];

	numbers_of(numbers, a);
	for (size_t i = 0; i < NUMBERS; i++)
		json_object_set_new(line, keys[i], json_integer(numbers[i]));
	return line;
}

static void json_row(struct audit_rows *r, const struct ps_answer_audit *a)
{
	json_t *line = audit_rows_json(a);

	json_dumpf(line, r->out, JSON_COMPACT);
	putc('\n', r->out);
	json_decref(line);
}

void audit_rows_begin(struct audit_rows *r, const struct ask *ask, FILE *out)
{
	*r = (struct audit_rows){ask, out, 0};
	if (ask->format != ASK_CSV)
		return;
	fputs("netns,layer", out);
	for (size_t i = 0; i < NUMBERS; i++)
		fprintf(out, ",%s", keys[i]);
	fputs("\r\n", out);
}

void audit_rows_put(void *rows, const struct ps_answer_audit *a)
{
	struct audit_rows *r = rows;

	if (!r->rows++ && r->ask->format == ASK_TABLE)
		fprintf(r->out, "%-10s  %-7s  %13s  %13s  %11s  %11s  %13s  %13s  %10s  %13s  %13s  %12s\n", "netns", "layer",
		        "sent", "received", "packets out", "packets in", "own sent", "own received", "own calls", "rest sent",
		        "rest received", "rest packets");
	if (r->ask->format == ASK_TABLE)
		table_row(r, a);
	else if (r->ask->format == ASK_CSV)
		csv_row(r, a);
	else
		json_row(r, a);
}

int audit_rows_end(struct audit_rows *r, int complete)
{
	if (complete && !r->rows && r->ask->format == ASK_TABLE)
		fputs("nothing was audited in that time\n", r->out);
	errno = 0;
	return fflush(r->out) != 0 || ferror(r->out) ? errno ? -errno : -EIO : 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An answer as a table for people, as CSV (RFC 4180) or as JSON, one object a line. */
#ifndef PS_QUERY_OUTPUT_H
#define PS_QUERY_OUTPUT_H

#include <stdio.h>

#include "core/query/ask.h"

struct output;

/* Rows of that question's answer, to `out`. width: columns that a table may fill, 0 for any
 * number; bold: a table's header. NULL for no memory is not given. */
struct output *output_begin(const struct ask *, FILE *out, unsigned width, int bold);

/* A ps_answer.row whose arg is the output: non-zero once writing has failed. */
int output_row(void *output, const struct ps_answer_row *);

/* Of an ask that is followed: writes the rows so far, a table's header the first time alone. 0, or -errno. */
int output_round(struct output *);

/* Writes what was held back and frees. 0, or -errno of writing. `complete` is false when the
 * answer has failed: then no total is shown. */
int output_end(struct output *, int complete);

/* In quotes where it has to be. */
void output_csv_value(FILE *, struct ps_text);

/* "1.5 MB" in the unit, or in the one that fits. Returns out. */
#define OUTPUT_BYTES_SIZE 32
char *output_bytes(char out[OUTPUT_BYTES_SIZE], uint64_t bytes, enum ask_units);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The self-audit as a table for people, as CSV or as JSON, one object a line. */
#ifndef PS_QUERY_AUDIT_ROWS_H
#define PS_QUERY_AUDIT_ROWS_H

#include <jansson.h>
#include <stdio.h>

#include "core/query/ask.h"

struct audit_rows {
	const struct ask *ask;
	FILE *out;
	uint64_t rows;
};

void audit_rows_begin(struct audit_rows *, const struct ask *, FILE *out);

/* A ps_answer.audit whose arg is the audit_rows. */
void audit_rows_put(void *rows, const struct ps_answer_audit *);

/* 0, or -errno of writing. `complete` is false when the answer has failed. */
int audit_rows_end(struct audit_rows *, int complete);

/* A row as a new object. */
json_t *audit_rows_json(const struct ps_answer_audit *);

#endif

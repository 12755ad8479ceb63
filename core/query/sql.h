/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A question as SQL over the tables that all stores share (executables, domains, addresses,
 * connections, losses). Values are bound, never written into the text.
 */
#ifndef PS_QUERY_SQL_H
#define PS_QUERY_SQL_H

#include "core/base/buf.h"
#include "core/question.h"

/* One parameter, in the order of the placeholders. */
struct sql_value {
	int is_number;
	int64_t number;
	struct ps_text text; /* the question's */
};

struct sql {
	struct buf text; /* the statement, ends with a NUL */
	struct sql_value *values;
	unsigned n_values;
};

/* `sum` names the aggregate that adds counts up ("sum" where it cannot overflow). The columns of
 * the result: the question's dimensions, then sent, received, calls, rows, first, last.
 * 0, or -EINVAL with *why (static) when a filter's value does not fit its dimension. */
int sql_build(struct sql *, const struct ps_question *, const char *sum, const char **why);

/* Losses of the question's range of time, a row a stage: stage, count, sent, received, rows,
 * first, last, latest text. */
void sql_build_losses(struct sql *, const struct ps_question *, const char *sum);

/* The self-audit of the question's range of time, a row a namespace and layer: netns, layer, windows, and
 * the sums of AUDIT_SUMS, first, last. */
#define SQL_AUDIT_SUMS 13
void sql_build_audit(struct sql *, const struct ps_question *, const char *sum);

void sql_done(struct sql *);

#endif

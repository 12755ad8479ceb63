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

/* Where a part of the question's range is to be read from: `table` has the columns of connections, and
 * its rows with from <= time < to. In a table of sums (roll-up) a row stands for several, of which n,
 * first and last are columns, like send, recv and events. */
struct sql_span {
	const char *table, *time;
	int is_sums;
	int64_t from, to;
};

/* `sum` names the aggregate that adds counts up ("sum" where it cannot overflow). spans: what makes up
 * the range, or NULL: connections, all of it. The columns of
 * the result: the question's dimensions, then sent, received, calls, rows, first, last.
 * 0, or -EINVAL with *why (static) when a filter's value does not fit its dimension. */
int sql_build(struct sql *, const struct ps_question *, const char *sum, const struct sql_span *spans, unsigned n_spans,
              const char **why);

/* True if the question groups by that dimension. */
int sql_groups_by(const struct ps_question *, enum ps_dimension);

/* Losses of the question's range of time, a row a stage: stage, count, sent, received, rows,
 * first, last, latest text. */
void sql_build_losses(struct sql *, const struct ps_question *, const char *sum);

/* The self-audit of the question's range of time, a row a namespace and layer: netns, layer, windows, and
 * the sums of AUDIT_SUMS, first, last. */
#define SQL_AUDIT_SUMS 13
void sql_build_audit(struct sql *, const struct ps_question *, const char *sum);

void sql_done(struct sql *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A question as SQL over the tables that all stores share (shape.h), as the store's server speaks it.
 * Values are bound, never written into the text.
 */
#ifndef PS_QUERY_SQL_H
#define PS_QUERY_SQL_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/query/relation.h"
#include "core/question.h"

/* What stores differ in. */
struct sql_dialect {
	const char *sum;                          /* the aggregate that adds counts up: "sum" where it cannot overflow */
	const char *key;                          /* the column by which an entry of a dictionary is referred to */
	const char *text_before, *text_after;     /* around a text of a dictionary: compares it byte by byte */
	const char *quote, *quote_table;          /* around names that could be words of the language */
	const char *digits_before, *digits_after; /* around bytes: gives their hexadecimal digits */
	const char *key_digits_before, *key_digits_after; /* the same of a RELATION_KEY */
	const char *key_before, *key_after;               /* around digits: gives the RELATION_KEY */
	int numbered;                                     /* parameters are $1 and so on, not ? */
	const char *one_host;                             /* the name of the machine that all rows are of; NULL: of many */
	const struct relation_names *names;               /* of this store's tables; NULL: those of shape.h */
};

/* One parameter, in the order of the placeholders. */
struct sql_value {
	int is_number;
	int64_t number;
	struct ps_text text; /* the question's */
};

struct sql {
	const struct sql_dialect *dialect;
	struct buf text; /* the statement, ends with a NUL */
	struct sql_value *values;
	unsigned n_values;
};

/* Where a part of the question's range is to be read from: `table` (NULL: connections) has the columns of
 * connections, and its rows with from <= time < to. In a table of sums (roll-up) a row stands for several, of which n,
 * first and last are columns, like send, recv and events. */
struct sql_span {
	const char *table, *time;
	int64_t length; /* seconds that a sum is of, which begin at multiples of it, as the question's steps do; 0: rows */
	int64_t from, to;
};

/* spans: what makes up the range, one at least. The columns of the result: the question's
 * dimensions, then sent, received, rows, and, if not in_parts, calls, first, last. 0, or -EINVAL with *why (static)
 * when a filter's value does not fit its dimension. The dialect has to live as long as the sql. */
int sql_build(struct sql *, const struct sql_dialect *, const struct ps_question *, const struct sql_span *spans,
              unsigned n_spans, const char **why);

/* The same for stores that group rows by themselves.
 *
 * First, the rows of a span are given to an aggregate of the store's, whose result is the statement's only one: keys,
 * sql_keys() of them, which are integers, or texts that are not of a dictionary; then sent, received and how many rows
 * it stands for; and, if not in_parts, calls, first, last. */
unsigned sql_keys(const struct ps_question *);
int sql_build_gather(struct sql *, const struct sql_dialect *, const struct ps_question *, const struct sql_span *,
                     const char *aggregate, const char **why);

/* Then, the result of sql_build() from a table that has the groups: k0, k1 ... of the keys, sent, received, n, calls,
 * first, last. For a question that was built with the former, not in_parts. */
void sql_build_grouped(struct sql *, const struct sql_dialect *, const struct ps_question *, const char *table);

/* Or, of a question in_parts, group by group: which of its keys is that of the question's i-th dimension; and what
 * gives the text of such a key, its only parameter. False: the key is the value itself. */
unsigned sql_key_of(const struct ps_question *, unsigned i);
bool sql_build_value(struct sql *, const struct sql_dialect *, const struct ps_question *, unsigned i);

/* True if the question groups by that dimension. */
int sql_groups_by(const struct ps_question *, enum ps_dimension);

/* As that, of other tables (sql_tables.c): filters hold where the table has such a column, and never for what a store
 * of many machines says of all of them unless they name some.
 *
 * Losses of the question's range of time, a row a stage: stage, count, sent, received, rows,
 * first, last, latest text. */
int sql_build_losses(struct sql *, const struct sql_dialect *, const struct ps_question *, const char **why);

/* The self-audit of the question's range of time, a row a namespace and layer: netns, layer, windows, and
 * the sums of AUDIT_SUMS, first, last. */
#define SQL_AUDIT_SUMS 13
int sql_build_audit(struct sql *, const struct sql_dialect *, const struct ps_question *, const char **why);

/* Events of a kind, latest first, as many as the question's limit: host, start, end, what, text, exe, sha256, previous,
 * and then, of PS_PROGRAM: role, name, cmdline, script, exe of the parent and of its parent, unit, container, uid,
 * expected; of PS_ALERT: count, sent, received; of PS_VERDICT: service, link, malicious, suspicious, harmless,
 * undetected. */
#define SQL_EVENT_COLUMNS 18 /* of the kind that has most */
int sql_build_events(struct sql *, const struct sql_dialect *, const struct ps_question *, enum ps_kind,
                     const char **why);

/* Statements of other kinds, part by part. A text that is bound lives as long as the sql. */
void sql_begin(struct sql *, const struct sql_dialect *);
void sql_put(struct sql *, const char *text);
void sql_put_name(struct sql *, unsigned relation); /* a table's name */
void sql_put_column(struct sql *, const char *name);
void sql_bind_number(struct sql *, int64_t);
void sql_bind_text(struct sql *, struct ps_text);
void sql_end(struct sql *);
void sql_done(struct sql *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the readers of SQL stores have in common: which statements answer a question, or tell all of a
 * store, and what becomes of their rows. One thread.
 */
#ifndef PS_QUERY_SOURCE_H
#define PS_QUERY_SOURCE_H

#include "core/plugin.h"
#include "core/query/sql.h"
#include "core/trail.h"

/* How long the pieces of a walk may take, in those that a question may: nobody waits at a screen. */
#define SOURCE_WALK_PATIENCE 10

/* What a server that was asked may be short of. */
enum source_fault { SOURCE_CLOSED, SOURCE_EMPTY, SOURCE_LATE, SOURCE_OTHER };

struct source {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	struct sql_dialect dialect;
	void *self;

	/* Around all statements of a question or a walk: they are of one moment, and none takes more than `ms`. May be
	 * NULL: the caller has seen to that. 0, or -errno after why(). */
	int (*begin)(void *self, int64_t ms);
	void (*end)(void *self);

	/* Groups rows of all spans, where that is faster than SQL: then *table (static) has them, see sql_build_grouped().
	 * NULL there: it would be too many. May be NULL. 0, or -errno after why(). */
	int (*group)(void *self, const struct ps_question *, const struct sql_span *spans, unsigned n_spans,
	             const char **table);

	/* Answers with the rows of a question in parts, where that is faster than SQL. May be NULL. 0, or -errno after
	 * why(). */
	int (*parts)(void *self, const struct ps_question *, const struct sql_span *spans, unsigned n_spans,
	             const struct ps_answer *);

	/* Runs a statement whose rows have n columns, and hands over each as n texts, with a NUL behind each
	 * that does not count (data is NULL: the value is), which live until take() returns. Non-zero from take()
	 * ends it early, and is the result; else 0, or -errno after why(). */
	int (*select)(void *self, const struct sql *, unsigned n, int (*take)(void *arg, const struct ps_text *cells),
	              void *arg);
};

/* ps_reader.ask; the option query_timeout is what a statement may take. spans as for sql_build(); none: connections is
 * read, all of the range. */
int source_ask(const struct source *, const struct ps_question *, const struct sql_span *spans, unsigned n_spans,
               struct ps_answer *);

/* Of a server's tables (relation.h): members of a ps_reader whose self begins with its source. */
int source_reader_ask(void *self, const struct ps_question *, struct ps_answer *);
int source_reader_walk(void *self, const struct ps_trail *);

/* Says by why() what is the matter, and what a person can do about it. Returns -errno. */
int source_failed(const struct source *, enum source_fault, const char *what);

/* A cell that is a number; 0 if it is NULL. Stops at the ends of int64_t. */
int64_t source_number(struct ps_text cell);

#endif

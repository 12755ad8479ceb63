/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection to a PostgreSQL server whose every answer is waited for with an end: a server that
 * hangs is a server that is away. What went wrong is told by what is to be done about it, and never
 * with the parameters of the connection.
 */
#ifndef PS_POSTGRES_LINK_H
#define PS_POSTGRES_LINK_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "core/query/deposit.h"

struct link {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	PGconn *conn;          /* NULL: there is none */
	int64_t until;         /* CLOCK_MONOTONIC: when waiting ends */
	bool late;             /* it has ended so */
	char state[6];         /* SQLSTATE of the error that was last; "" if it was none of the server's */
	char why[DEPOSIT_WHY]; /* one line */
};

/* One parameter of a statement, as text, or as bytes of a binary format. */
struct link_value {
	const char *data; /* NULL: NULL */
	int len;
	int binary;
};

/* For as long as `ms`, all together, what follows may take. */
void link_allow(struct link *, int64_t ms);

/* Connects, as `keywords` and `values` say. LINK_FINE or LINK_AWAY. */
enum trouble link_open(struct link *, const char *const *keywords, const char *const *values);
void link_close(struct link *);

/* Statements without parameters or results. */
enum trouble link_run(struct link *, const char *sql);

/* One statement. *result, if it is not NULL, is to be cleared by the caller when all is fine. */
enum trouble link_ask(struct link *, const char *sql, const struct link_value *, int n, PGresult **result);

/* A statement whose rows are taken one by one, until it gives NULL; then link_end() says whether
 * all came. */
enum trouble link_begin(struct link *, const char *sql, const struct link_value *, int n);
PGresult *link_row(struct link *);
bool link_end(struct link *);

/* COPY ... FROM STDIN (FORMAT binary) of tuples. */
enum trouble link_copy(struct link *, const char *sql, const void *tuples, size_t len);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sink: what a deposit (core/query/deposit.h) asks of a PostgreSQL server. */
#ifndef PS_POSTGRES_STORE_H
#define PS_POSTGRES_STORE_H

#include "core/query/deposit.h"
#include "plugins/postgres/link.h"
#include "plugins/postgres/tuples.h"

struct store {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	struct link link;
	struct relation_names names;
	struct buf sql, begin; /* begin: the statements that begin a transaction, ends with a NUL */
	struct buf copy[ROW_TABLES];
	struct tuples tuples[ROW_TABLES];
	struct deposit deposit;
	bool warned; /* that there is no TLS */
};

void store_init(struct store *, const struct ps_host *, struct ps_ctx *);
void store_done(struct store *);

#endif

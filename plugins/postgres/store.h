/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sink: batches into the tables, each in one transaction with its name. */
#ifndef PS_POSTGRES_STORE_H
#define PS_POSTGRES_STORE_H

#include "core/query/entries.h"
#include "plugins/postgres/link.h"
#include "plugins/postgres/schema.h"
#include "plugins/postgres/tuples.h"

/* Rows of one batch that the server will never take. */
struct refused {
	uint8_t batch[CHAIN_BATCH_KEY_SIZE];
	bool *rows[ROW_TABLES]; /* by their numbers */
	uint32_t n;
	char why[600]; /* which is the first, and what the server said of it */
};

struct store {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	struct link link;
	struct schema schema;
	struct entries entries;
	struct buf sql, begin; /* begin: the statements that begin a transaction, ends with a NUL */
	struct buf copy[ROW_TABLES];
	struct tuples tuples[ROW_TABLES];
	struct refused refused;
	bool warned; /* that there is no TLS */
	uint64_t records, batches, set_aside;
};

void store_init(struct store *, const struct ps_host *, struct ps_ctx *);
void store_done(struct store *);

/* Within what the link is allowed. PS_STORED, or PS_AWAY after why(). */
enum ps_verdict store_connect(struct store *);

enum ps_verdict store_write(struct store *, const struct ps_batch *);

/* For the files of the store. */

/* Rows from..to-1 of a table, but for those that were refused. */
enum trouble store_copy(struct store *, enum row_table, uint32_t from, uint32_t to);

/* The dictionaries' rows that the batch needs and the server may not have, in a transaction of their own. What
 * the server refuses is refused in store->entries, and so are, in store->refused, the rows that need it. */
enum trouble store_entries(struct store *, struct rows *);

/* Looks for rows that the server refuses, in a transaction that is rolled back; when time is up, with what was found
 * until then. */
enum trouble store_probe(struct store *);

void store_refuse(struct store *, enum row_table, uint32_t row, const char *why);

#endif

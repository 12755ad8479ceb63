/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sink: batches into the tables, each in one transaction with its name. */
#ifndef PS_MARIADB_STORE_H
#define PS_MARIADB_STORE_H

#include "core/query/entries.h"
#include "core/query/rows.h"
#include "plugins/mariadb/bulk.h"
#include "plugins/mariadb/schema.h"

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
	struct bulk tables[ROW_TABLES], dictionaries[ROW_DICTIONARIES], batches;
	int64_t *times[ROW_TABLES]; /* of the rows in tables, Unix seconds */
	struct refused refused;
	bool warned; /* that there is no TLS */
	uint64_t records, stored, set_aside;
};

void store_init(struct store *, const struct ps_host *, struct ps_ctx *);
void store_done(struct store *);

/* PS_STORED, or PS_AWAY after why(). */
enum ps_verdict store_connect(struct store *);
void store_disconnect(struct store *);

enum ps_verdict store_write(struct store *, const struct ps_batch *);

/* For the files of the store. */

/* Rows from..to-1 of a table, but for those that were refused. */
enum trouble store_insert(struct store *, enum row_table, uint32_t from, uint32_t to);

/* The dictionaries' rows that the batch needs and the server may not have, in a transaction of their own. What
 * the server refuses is refused in store->entries, and so are, in store->refused, the rows that need it. */
enum trouble store_entries(struct store *, struct rows *);

/* Looks for rows that the server refuses, in a transaction that is rolled back. */
enum trouble store_probe(struct store *);

void store_refuse(struct store *, enum row_table, uint32_t row, const char *why);

#endif

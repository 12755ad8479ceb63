/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A batch into the tables of a database server (relation.h), by a role that may do nothing but insert: once, whatever
 * was cut off in between, and without the rows that the server will never take. One thread.
 *
 * First what the server may not have of the dictionaries, in a transaction of its own; then, in one transaction, the
 * batch's row in the ledger and its rows. If the ledger has that batch already, nothing is changed: so what became of a
 * COMMIT that was cut off does not matter. If the server refuses something, what it refuses is looked for by halves of
 * halves, each behind a savepoint, and the rest is stored.
 */
#ifndef PS_QUERY_DEPOSIT_H
#define PS_QUERY_DEPOSIT_H

#include "core/plugin.h"
#include "core/query/entries.h"
#include "core/query/relation.h"
#include "core/query/rows.h"

/* What went wrong, by what is to be done about it. */
enum trouble {
	LINK_FINE,
	LINK_AWAY,   /* the connection is of no use any more: later, with another one */
	LINK_WRONG,  /* the server is there, and its tables or rights are not what they have to be */
	LINK_AGAIN,  /* the transaction lost against another: at once */
	LINK_ROW,    /* what was sent is refused, and will be */
	LINK_NOWHERE /* there is no partition for the row */
};

#define DEPOSIT_WHY 400

/* The batch's own row: values by LEDGER_..., of which only marks may be ROW_NULL; keys and digests are texts. */
struct deposit_batch {
	struct row_value values[LEDGER_COLUMNS];
};

/* The server, as a plugin talks to it. Each function that gives an enum trouble leaves in `why` what the server said.
 */
struct deposit_server {
	/* Connects, and has the tables ready. LINK_FINE, or another one after why() of the host. */
	enum trouble (*connect)(void *self);
	void (*disconnect)(void *self);
	bool (*connected)(void *self);

	enum trouble (*run)(void *self, const char *sql); /* a statement */
	/* probing: this transaction is to be rolled back; what is checked at its end otherwise is checked at once. */
	enum trouble (*begin)(void *self, bool probing);
	enum trouble (*commit)(void *self);

	/* The rows of a table, one by one; values live until the batch has ended, as do host and batch. */
	void (*clear)(void *self, enum row_table);
	void (*add)(void *self, enum row_table, const struct row_value *values, const uint8_t host[RELATION_KEY_SIZE],
	            const uint8_t batch[RELATION_KEY_SIZE], uint32_t row);
	/* Of those that were added: from..to-1. */
	enum trouble (*insert)(void *self, enum row_table, uint32_t from, uint32_t to);

	/* What is there already stays as it is. *is_new: it was not. */
	enum trouble (*insert_batch)(void *self, const struct deposit_batch *, bool *is_new);
	enum trouble (*insert_entries)(void *self, enum row_dictionary, const struct row_entry *const *list, size_t n);
};

struct deposit {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	const struct deposit_server *server;
	void *self;
	char *why;                            /* the server's last words: DEPOSIT_WHY bytes of self */
	uint64_t records, batches, set_aside; /* since the start */

	/* private */
	struct entries entries;
	int64_t *times[ROW_TABLES]; /* of the rows that were added, Unix seconds */
	uint32_t n[ROW_TABLES];
	struct deposit_refused *refused;
};

void deposit_init(struct deposit *, const struct ps_host *, struct ps_ctx *, const struct deposit_server *, void *self,
                  char *why);
void deposit_done(struct deposit *);

/* Connects; the members of ps_sink. PS_STORED, or PS_AWAY after why(). */
enum ps_verdict deposit_open(struct deposit *);
enum ps_verdict deposit_write(struct deposit *, const struct ps_batch *);
/* Returns the length, as snprintf(). */
int deposit_stats(const struct deposit *, char *out, size_t size);

#endif

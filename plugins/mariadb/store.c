/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/mariadb/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/mariadb/schema.h"

/* ---- the connection ---- */

static void disconnect(void *self)
{
	struct store *s = self;

	for (unsigned r = 0; r < RELATIONS; r++)
		bulk_forget(&s->relations[r]);
	link_close(&s->link);
}

static bool connected(void *self)
{
	return ((struct store *)self)->link.my != NULL;
}

static void warn_plain(struct store *s, const struct params_server *server)
{
	if (server->is_local || server->tls != TLS_OFF || s->warned)
		return;
	s->host->log(s->ctx, PS_WARNING, "the connection to %s is not encrypted: set tls to verify", server->host);
	s->warned = true;
}

static enum trouble connect_link(void *self)
{
	struct store *s = self;
	enum trouble trouble;
	struct params p;

	if (!params_set(&p, s->host, s->ctx))
		return LINK_AWAY;
	trouble = link_open(&s->link, &p, true);
	params_clear(&p);
	if (trouble != LINK_FINE) {
		s->host->why(s->ctx, "%s", s->link.why);
		return trouble;
	}
	warn_plain(s, &p.servers[s->link.at]);
	/* Whoever owns the database can help that there, and then this goes on by itself. */
	return schema_ready(&s->link, &s->names);
}

static enum trouble run(void *self, const char *sql)
{
	return link_run(&((struct store *)self)->link, sql);
}

static enum trouble begin(void *self, bool probing)
{
	(void)probing; /* everything is checked at once here */
	return run(self, "START TRANSACTION");
}

static enum trouble commit(void *self)
{
	return run(self, "COMMIT");
}

/* ---- rows ---- */

static void clear(void *self, enum row_table table)
{
	bulk_clear(&((struct store *)self)->relations[table]);
}

static void add(void *self, enum row_table table, const struct row_value *values, const uint8_t host[RELATION_KEY_SIZE],
                const uint8_t batch[RELATION_KEY_SIZE], uint32_t row)
{
	struct bulk *b = &((struct store *)self)->relations[table];
	unsigned i;

	bulk_row(b);
	for (i = 0; i < row_tables[table].n; i++)
		bulk_value(b, i, &values[i]);
	bulk_bytes(b, i++, host, RELATION_KEY_SIZE);
	bulk_bytes(b, i++, batch, RELATION_KEY_SIZE);
	bulk_number(b, i, row);
}

static enum trouble insert(void *self, enum row_table table, uint32_t from, uint32_t to)
{
	struct store *s = self;
	uint64_t inserted = 0;

	return bulk_insert(&s->relations[table], &s->link, from, to, &inserted);
}

static enum trouble insert_batch(void *self, const struct deposit_batch *batch, bool *is_new)
{
	struct store *s = self;
	struct bulk *b = &s->relations[RELATION_BATCHES];
	enum trouble trouble;
	uint64_t inserted = 0;

	bulk_clear(b);
	bulk_row(b);
	for (unsigned i = 0; i < LEDGER_COLUMNS; i++)
		bulk_value(b, i, &batch->values[i]);
	trouble = bulk_insert(b, &s->link, 0, 1, &inserted);
	*is_new = inserted == 1;
	return trouble;
}

static enum trouble insert_entries(void *self, enum row_dictionary d, const struct row_entry *const *list, size_t n)
{
	struct store *s = self;
	struct bulk *b = &s->relations[ROW_TABLES + d];
	uint64_t inserted = 0;

	bulk_clear(b);
	for (size_t i = 0; i < n; i++) {
		bulk_row(b);
		bulk_bytes(b, 0, list[i]->key, RELATION_KEY_SIZE);
		for (unsigned c = 0; c < row_dictionaries[d].n; c++)
			bulk_value(b, c + 1, &list[i]->values[c]);
		if (!bulk_fits(b, &s->link, (uint32_t)i)) {
			snprintf(s->link.why, sizeof(s->link.why), "it is longer than max_allowed_packet");
			return LINK_ROW;
		}
	}
	return bulk_insert(b, &s->link, 0, (uint32_t)n, &inserted);
}

static const struct deposit_server server = {
    .connect = connect_link,
    .disconnect = disconnect,
    .connected = connected,
    .run = run,
    .begin = begin,
    .commit = commit,
    .clear = clear,
    .add = add,
    .insert = insert,
    .insert_batch = insert_batch,
    .insert_entries = insert_entries,
};

static enum row_type type_of(enum relation_kind kind)
{
	if (kind == RELATION_NUMBER || kind == RELATION_SMALL)
		return ROW_NUMBER;
	return kind == RELATION_TEXT || kind == RELATION_WORD ? ROW_TEXT : ROW_ENTRY;
}

static void init_relation(struct bulk *b, unsigned relation, const char *name)
{
	struct relation_column c;

	/* Rows that are there already stay as they are; of a table, none is. */
	bulk_init(b, name, relation >= ROW_TABLES);
	for (unsigned i = 0; relation_column(relation, i, &c); i++)
		bulk_column(b, c.name, type_of(c.kind));
}

void store_init(struct store *s, const struct ps_host *host, struct ps_ctx *ctx)
{
	*s = (struct store){.host = host, .ctx = ctx, .link = {.host = host, .ctx = ctx}};
	relation_names(&s->names, host, ctx);
	for (unsigned r = 0; r < RELATIONS; r++)
		init_relation(&s->relations[r], r, s->names.of[r]);
	deposit_init(&s->deposit, host, ctx, &server, s, s->link.why);
}

void store_done(struct store *s)
{
	deposit_done(&s->deposit);
	for (unsigned r = 0; r < RELATIONS; r++)
		bulk_done(&s->relations[r]);
}

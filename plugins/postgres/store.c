/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/postgres/store.h"

#include <stdio.h>
#include <string.h>

#include "plugins/postgres/insert.h"
#include "plugins/postgres/params.h"
#include "plugins/postgres/schema.h"

/* ---- the connection ---- */

static void disconnect(void *self)
{
	link_close(&((struct store *)self)->link);
}

static bool connected(void *self)
{
	return ((struct store *)self)->link.conn != NULL;
}

static void warn_plain(struct store *s, const struct params *p)
{
	if (!p->remote || PQsslInUse(s->link.conn) || s->warned)
		return;
	s->host->log(s->ctx, PS_WARNING, "the connection to %s is not encrypted: set sslmode to verify-full",
	             PQhost(s->link.conn));
	s->warned = true;
}

static enum trouble connect_link(void *self)
{
	struct store *s = self;
	enum trouble trouble;
	struct params p;

	/* What the batch may take has been taken by a server that hangs. */
	if (s->link.late) {
		s->host->why(s->ctx, "%s", s->link.why);
		return LINK_AWAY;
	}
	if (!params_set(&p, s->host, s->ctx, true))
		return LINK_AWAY;
	trouble = link_open(&s->link, p.keywords, p.values);
	params_clear(&p);
	if (trouble != LINK_FINE) {
		s->host->why(s->ctx, "%s", s->link.why);
		return trouble;
	}
	warn_plain(s, &p);
	/* Whoever owns the database can help that there, and then this goes on by itself. */
	return schema_ready(&s->link, &s->names);
}

static enum trouble run(void *self, const char *sql)
{
	return link_run(&((struct store *)self)->link, sql);
}

static enum trouble begin(void *self, bool probing)
{
	struct store *s = self;
	enum trouble trouble = run(s, (const char *)s->begin.data);

	return probing && trouble == LINK_FINE ? run(s, "SET CONSTRAINTS ALL IMMEDIATE") : trouble;
}

static enum trouble commit(void *self)
{
	struct store *s = self;
	PGresult *result = NULL;
	enum trouble trouble = link_ask(&s->link, "COMMIT", NULL, 0, &result);

	if (trouble != LINK_FINE)
		return trouble;
	/* The answer to COMMIT of a transaction that had failed is ROLLBACK, and no error. */
	if (strcmp(PQcmdStatus(result), "COMMIT") != 0) {
		snprintf(s->link.why, sizeof(s->link.why), "the server rolled the transaction back");
		trouble = LINK_AWAY;
	}
	PQclear(result);
	return trouble;
}

/* ---- rows ---- */

static void clear(void *self, enum row_table table)
{
	tuples_clear(&((struct store *)self)->tuples[table]);
}

static void add(void *self, enum row_table table, const struct row_value *values, const uint8_t host[RELATION_KEY_SIZE],
                const uint8_t batch[RELATION_KEY_SIZE], uint32_t row)
{
	tuples_add(&((struct store *)self)->tuples[table], &row_tables[table], values, host, batch, row);
}

static enum trouble insert(void *self, enum row_table table, uint32_t from, uint32_t to)
{
	struct store *s = self;
	const struct tuples *t = &s->tuples[table];
	size_t start = from ? t->ends[from - 1] : 0;

	return link_copy(&s->link, (char *)s->copy[table].data, t->data.data + start, t->ends[to - 1] - start);
}

static enum trouble insert_batch(void *self, const struct deposit_batch *batch, bool *is_new)
{
	struct store *s = self;

	return insert_ledger(&s->link, &s->sql, s->names.of[RELATION_BATCHES], batch, is_new);
}

static enum trouble insert_entries(void *self, enum row_dictionary d, const struct row_entry *const *list, size_t n)
{
	struct store *s = self;

	return insert_dictionary(&s->link, &s->sql, s->names.of[ROW_TABLES + d], d, list, n);
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

void store_init(struct store *s, const struct ps_host *host, struct ps_ctx *ctx)
{
	long long limit = (long long)host->number(ctx, "answer_timeout");

	*s = (struct store){.host = host, .ctx = ctx, .link = {.host = host, .ctx = ctx}};
	relation_names(&s->names, host, ctx);
	/* Within the transaction, so that a pooler may stand between: what we have given up must not hold locks. */
	buf_printf(&s->begin,
	           "BEGIN; SET LOCAL statement_timeout = %lld; SET LOCAL lock_timeout = %lld;"
	           " SET LOCAL idle_in_transaction_session_timeout = %lld",
	           limit, limit / 3, limit);
	buf_put_u8(&s->begin, 0);
	for (int i = 0; i < ROW_TABLES; i++)
		tuples_copy(&s->copy[i], s->names.of[i], &row_tables[i]);
	deposit_init(&s->deposit, host, ctx, &server, s, s->link.why);
}

void store_done(struct store *s)
{
	deposit_done(&s->deposit);
	buf_done(&s->sql);
	buf_done(&s->begin);
	for (int i = 0; i < ROW_TABLES; i++) {
		buf_done(&s->copy[i]);
		tuples_done(&s->tuples[i]);
	}
}

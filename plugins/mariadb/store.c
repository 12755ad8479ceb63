/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/mariadb/store.h"

#include <stdlib.h>
#include <string.h>

static void init_table(struct bulk *b, const char *name, const struct row_shape *shape)
{
	bulk_init(b, name, false);
	for (unsigned i = 0; i < shape->n; i++)
		bulk_column(b, shape->columns[i].name, shape->columns[i].type);
	bulk_column(b, "host", ROW_ENTRY);
	bulk_column(b, "batch", ROW_ENTRY);
	bulk_column(b, "row", ROW_NUMBER);
}

static void init_dictionary(struct bulk *b, const char *name, const struct row_shape *shape)
{
	bulk_init(b, name, true);
	bulk_column(b, "key", ROW_ENTRY);
	for (unsigned i = 0; i < shape->n; i++)
		bulk_column(b, shape->columns[i].name, shape->columns[i].type);
}

static void init_batches(struct bulk *b, const char *name)
{
	bulk_init(b, name, true);
	bulk_column(b, "host", ROW_ENTRY);
	bulk_column(b, "boot", ROW_ENTRY);
	bulk_column(b, "seq", ROW_NUMBER);
	bulk_column(b, "hostname", ROW_TEXT);
	bulk_column(b, "digest", ROW_ENTRY);
	bulk_column(b, "previous", ROW_ENTRY);
	bulk_column(b, "starttime", ROW_NUMBER);
	bulk_column(b, "endtime", ROW_NUMBER);
	bulk_column(b, "rows", ROW_NUMBER);
	bulk_column(b, "batch", ROW_ENTRY);
	bulk_column(b, "set_aside", ROW_NUMBER);
	bulk_column(b, "marks", ROW_ENTRY);
}

void store_init(struct store *s, const struct ps_host *host, struct ps_ctx *ctx)
{
	*s = (struct store){.host = host, .ctx = ctx, .link = {.host = host, .ctx = ctx}};
	schema_init(&s->schema, host, ctx);
	entries_init(&s->entries);
	for (int i = 0; i < ROW_TABLES; i++)
		init_table(&s->tables[i], s->schema.tables[i], &row_tables[i]);
	for (int i = 0; i < ROW_DICTIONARIES; i++)
		init_dictionary(&s->dictionaries[i], s->schema.dictionaries[i], &row_dictionaries[i]);
	init_batches(&s->batches, s->schema.batches);
}

void store_done(struct store *s)
{
	store_disconnect(s);
	entries_done(&s->entries);
	for (int i = 0; i < ROW_TABLES; i++) {
		bulk_done(&s->tables[i]);
		free(s->times[i]);
		free(s->refused.rows[i]);
	}
	for (int i = 0; i < ROW_DICTIONARIES; i++)
		bulk_done(&s->dictionaries[i]);
	bulk_done(&s->batches);
}

void store_disconnect(struct store *s)
{
	for (int i = 0; i < ROW_TABLES; i++)
		bulk_forget(&s->tables[i]);
	for (int i = 0; i < ROW_DICTIONARIES; i++)
		bulk_forget(&s->dictionaries[i]);
	bulk_forget(&s->batches);
	link_close(&s->link);
}

static void warn_plain(struct store *s, const struct params_server *server)
{
	if (server->is_local || server->tls != TLS_OFF || s->warned)
		return;
	s->host->log(s->ctx, PS_WARNING, "the connection to %s is not encrypted: set tls to verify", server->host);
	s->warned = true;
}

enum ps_verdict store_connect(struct store *s)
{
	enum trouble trouble;
	struct params p;

	/* Another server than before, perhaps. */
	store_disconnect(s);
	entries_forget(&s->entries);
	if (!params_set(&p, s->host, s->ctx))
		return PS_AWAY;
	trouble = link_open(&s->link, &p, true);
	params_clear(&p);
	if (trouble != LINK_FINE) {
		s->host->why(s->ctx, "%s", s->link.why);
		return PS_AWAY;
	}
	warn_plain(s, &p.servers[s->link.at]);
	/* Whoever owns the database can help that there, and then this goes on by itself. */
	if (schema_ready(&s->link, &s->schema) != LINK_FINE) {
		store_disconnect(s);
		return PS_AWAY;
	}
	return PS_STORED;
}

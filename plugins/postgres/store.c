/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/postgres/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "plugins/postgres/params.h"

void store_init(struct store *s, const struct ps_host *host, struct ps_ctx *ctx)
{
	long long limit = (long long)host->number(ctx, "answer_timeout");

	*s = (struct store){.host = host, .ctx = ctx, .link = {.host = host, .ctx = ctx}};
	schema_init(&s->schema, host, ctx);
	entries_init(&s->entries);
	/* Within the transaction, so that a pooler may stand between: what we have given up must not hold locks. */
	buf_printf(&s->begin,
	           "BEGIN; SET LOCAL statement_timeout = %lld; SET LOCAL lock_timeout = %lld;"
	           " SET LOCAL idle_in_transaction_session_timeout = %lld",
	           limit, limit / 3, limit);
	buf_put_u8(&s->begin, 0);
	for (int i = 0; i < ROW_TABLES; i++)
		tuples_copy(&s->copy[i], s->schema.tables[i], &row_tables[i]);
}

void store_done(struct store *s)
{
	link_close(&s->link);
	entries_done(&s->entries);
	buf_done(&s->sql);
	buf_done(&s->begin);
	for (int i = 0; i < ROW_TABLES; i++) {
		buf_done(&s->copy[i]);
		tuples_done(&s->tuples[i]);
		free(s->refused.rows[i]);
	}
}

static void warn_plain(struct store *s, const struct params *p)
{
	if (!p->remote || PQsslInUse(s->link.conn) || s->warned)
		return;
	s->host->log(s->ctx, PS_WARNING, "the connection to %s is not encrypted: set sslmode to verify-full",
	             PQhost(s->link.conn));
	s->warned = true;
}

enum ps_verdict store_connect(struct store *s)
{
	enum trouble trouble;
	struct params p;

	/* Another server than before, perhaps. */
	entries_forget(&s->entries);
	if (!params_set(&p, s->host, s->ctx, true))
		return PS_AWAY;
	trouble = link_open(&s->link, p.keywords, p.values);
	params_clear(&p);
	if (trouble != LINK_FINE) {
		s->host->why(s->ctx, "%s", s->link.why);
		return PS_AWAY;
	}
	warn_plain(s, &p);
	/* Whoever owns the database can help that there, and then this goes on by itself. */
	if (schema_ready(&s->link, &s->schema) != LINK_FINE) {
		link_close(&s->link);
		return PS_AWAY;
	}
	return PS_STORED;
}

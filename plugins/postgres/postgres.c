/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The postgres plugin: records into a PostgreSQL database, which many hosts may share. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/query/server.h"
#include "plugins/postgres/params.h"
#include "plugins/postgres/reader.h"
#include "plugins/postgres/store.h"

static enum ps_verdict sink_check(const struct ps_host *host, struct ps_ctx *ctx)
{
	return params_check(host, ctx) ? PS_STORED : PS_MISCONFIGURED;
}

static enum ps_verdict sink_open(const struct ps_host *host, struct ps_ctx *ctx, void **self)
{
	struct store *s;
	enum ps_verdict verdict;

	/* A name server that is away must not take longer than the database may. */
	setenv("RES_OPTIONS", "timeout:2 attempts:2", 0);
	s = mem_alloc(sizeof(*s));
	store_init(s, host, ctx);
	link_allow(&s->link, host->number(ctx, "answer_timeout"));
	verdict = deposit_open(&s->deposit);
	if (verdict == PS_STORED) {
		*self = s;
	} else {
		store_done(s);
		free(s);
	}
	return verdict;
}

static enum ps_verdict sink_write(void *self, const struct ps_batch *batch)
{
	struct store *s = self;

	link_allow(&s->link, s->host->number(s->ctx, "answer_timeout"));
	return deposit_write(&s->deposit, batch);
}

static void sink_stats(void *self, char *out, size_t size)
{
	const struct store *s = self;
	const char *host = s->link.conn ? PQhost(s->link.conn) : NULL, *port = s->link.conn ? PQport(s->link.conn) : NULL;
	int n = deposit_stats(&s->deposit, out, size);

	if (n > 0 && (size_t)n < size)
		snprintf(out + n, size - (size_t)n, host ? ", to %s port %s%s" : ", not connected", host, port,
		         host && PQsslInUse(s->link.conn) ? " over TLS" : "");
}

static void sink_close(void *self)
{
	store_done(self);
	free(self);
}

static const struct ps_option options[] = {
    {.key = "host",
     .type = PS_OPTION_TEXT,
     .fallback = "",
     .help = "the server, or several with commas between them, of which the one that takes writes is used; a folder is"
             " that of a Unix socket; empty: that of this machine"},
    {.key = "port", .type = PS_OPTION_TEXT, .fallback = "5432", .help = "its port, or one for each host"},
    {.key = "sslmode",
     .type = PS_OPTION_CHOICE,
     .fallback = "auto",
     .choices = "auto disable prefer require verify-ca verify-full",
     .help = "how TLS is used; auto: verify-full if a host other than this one is named, else prefer"},
    {.key = "connect_timeout",
     .type = PS_OPTION_DURATION,
     .fallback = "5 s",
     .min = 2000,
     .max = 20000,
     .help = "how long connecting to a host may take"},
    SERVER_OPTIONS,
    {0},
};

static const struct ps_sink sink = {
    .kinds = PS_TRAFFIC | PS_PROGRAM | PS_VERDICT | PS_ALERT | PS_AUDIT,
    .check = sink_check,
    .open = sink_open,
    .write = sink_write,
    .stats = sink_stats,
    .close = sink_close,
};

PS_EXPORT const struct ps_plugin ps_plugin = {
    .abi = PS_PLUGIN_ABI,
    .size = sizeof(struct ps_plugin),
    .name = "postgres",
    .about = "records into a PostgreSQL database",
    .options = options,
    .sink = &sink,
    .reader = &reader,
};

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mariadb plugin: records into the tables of a MariaDB or MySQL server. */
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/query/server.h"
#include "plugins/mariadb/params.h"
#include "plugins/mariadb/reader.h"
#include "plugins/mariadb/store.h"

static enum ps_verdict sink_check(const struct ps_host *host, struct ps_ctx *ctx)
{
	return params_check(host, ctx) ? PS_STORED : PS_MISCONFIGURED;
}

static enum ps_verdict sink_open(const struct ps_host *host, struct ps_ctx *ctx, void **self)
{
	struct store *s = mem_alloc(sizeof(*s));
	enum ps_verdict verdict;

	store_init(s, host, ctx);
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
	return deposit_write(&((struct store *)self)->deposit, batch);
}

static void sink_stats(void *self, char *out, size_t size)
{
	deposit_stats(&((struct store *)self)->deposit, out, size);
}

static void sink_close(void *self)
{
	store_done(self);
	free(self);
}

static const struct ps_option options[] = {
    {.key = "host",
     .type = PS_OPTION_TEXT,
     .fallback = "localhost",
     .help = "the server, or the path of its socket; several with commas between them: the first that takes writes"},
    {.key = "port", .type = PS_OPTION_TEXT, .fallback = "3306", .help = "its port, or one for each host"},
    {.key = "tls",
     .type = PS_OPTION_CHOICE,
     .fallback = "auto",
     .choices = "auto off require verify",
     .help = "verify: encrypted, and the server proves its name; require: encrypted; auto: verify for other machines"},
    {.key = "connect_timeout",
     .type = PS_OPTION_DURATION,
     .fallback = "10 s",
     .min = 1000,
     .max = 40 * 1000,
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
    .name = "mariadb",
    .about = "records into the tables of a MariaDB or MySQL server",
    .options = options,
    .sink = &sink,
    .reader = &reader,
};

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sqlite plugin: records into one file of this machine, and answers from it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "plugins/sqlite/reader.h"
#include "plugins/sqlite/store.h"

static enum ps_verdict sink_open(const struct ps_host *host, struct ps_ctx *ctx, void **self)
{
	struct store *s = mem_alloc(sizeof(*s));
	enum ps_verdict verdict;

	s->host = host;
	s->ctx = ctx;
	s->lock = -1;
	verdict = store_attach(s);
	if (verdict == PS_STORED)
		*self = s;
	else
		free(s);
	return verdict;
}

static enum ps_verdict sink_write(void *self, const struct ps_batch *batch)
{
	return store_write(self, batch);
}

static int64_t sink_idle(void *self)
{
	return store_idle(self);
}

static void sink_stats(void *self, char *out, size_t size)
{
	const struct store *s = self;

	snprintf(out, size, "%" PRIu64 " records in %" PRIu64 " batches", s->records, s->batches);
}

static void sink_close(void *self)
{
	store_end(self);
	free(self);
}

/* Nobody asks SQLite for its statistics of memory, for which it would lock at each allocation: an eighth of a view's
 * time. Before it is used; later, it is refused, and all is as it was. */
__attribute__((constructor)) static void without_statistics(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static const struct ps_option options[] = {
    {.key = "file",
     .type = PS_OPTION_STATE_FILE,
     .fallback = "snitch.db",
     .help = "the store, a file in [paths] state",
     .companions = "-wal -shm"},
    {.key = "retention",
     .type = PS_OPTION_DURATION,
     .fallback = "30 d",
     .max = INT64_MAX,
     .help = "what is older is removed; 0 keeps everything"},
    {.key = "max_size",
     .type = PS_OPTION_SIZE,
     .fallback = "0",
     .max = INT64_C(1) << 50,
     .help = "if the store is larger than this, the oldest is removed before its time; 0: no limit"},
    {.key = "query_timeout",
     .type = PS_OPTION_DURATION,
     .fallback = "60 s",
     .min = 100,
     .max = 3600 * 1000,
     .help = "a question that takes longer than this is given up"},
    {0},
};

static const struct ps_sink sink = {
    .kinds = PS_TRAFFIC | PS_PROGRAM | PS_VERDICT | PS_ALERT | PS_AUDIT,
    .open = sink_open,
    .write = sink_write,
    .idle = sink_idle,
    .stats = sink_stats,
    .close = sink_close,
};

static const struct ps_reader reader = {
    .open = reader_open,
    .ask = reader_ask,
    .walk = reader_walk,
    .close = reader_close,
};

PS_EXPORT const struct ps_plugin ps_plugin = {
    .abi = PS_PLUGIN_ABI,
    .size = sizeof(struct ps_plugin),
    .name = "sqlite",
    .about = "records into an SQLite file of this machine",
    .options = options,
    .sink = &sink,
    .reader = &reader,
};

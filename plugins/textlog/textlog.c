/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The textlog plugin: records as lines of a text file. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "plugins/textlog/lines.h"
#include "plugins/textlog/log.h"

#define CHUNK (1 << 20) /* bytes of lines that are held in memory */

struct textlog {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	enum lines_format format;
	struct log log;
	struct buf lines;
	bool troubled; /* it has been said that rotation fails */
	uint64_t records, batches;
};

static enum ps_verdict failed(struct textlog *t, int r, const char *doing)
{
	const char *path = t->host->text(t->ctx, "file"), *advice = "";

	if (r == -ENOSPC || r == -EDQUOT)
		advice = "; make room on the disk";
	else if (r == -EMLINK || r == -ELOOP)
		advice = "; it must be a regular file with one name";
	else if (r == -ENOENT || r == -EACCES)
		advice = "; it and its -mark must be there and belong to the user that sinks run as";
	t->host->why(t->ctx, "%s: %s: %s%s", path, doing, strerror(-r), advice);
	return PS_AWAY;
}

static enum ps_verdict sink_open(const struct ps_host *host, struct ps_ctx *ctx, void **self)
{
	struct textlog *t = mem_alloc(sizeof(*t));
	int r;

	t->host = host;
	t->ctx = ctx;
	t->format = host->number(ctx, "format") == LINES_JSON ? LINES_JSON : LINES_CSV;
	buf_init(&t->lines);
	r = log_open(&t->log, host->text(ctx, "file"));
	if (r < 0) {
		enum ps_verdict verdict = failed(t, r, "opening");

		free(t);
		return verdict;
	}
	*self = t;
	return PS_STORED;
}

/* Has the core shift the file and make a new one, which is opened. 0 or -errno. */
static int rotate(struct textlog *t)
{
	const char *path = t->host->text(t->ctx, "file");
	int r;

	log_close(&t->log);
	r = t->host->rotate(t->ctx, "file", (unsigned)t->host->number(t->ctx, "rotate_keep"));
	if (r < 0 && !t->troubled) /* a log that cannot be rotated is better than none */
		t->host->log(t->ctx, PS_WARNING, "%s cannot be rotated, and grows: %s", path, strerror(-r));
	t->troubled = r < 0;
	return log_open(&t->log, path);
}

/* The open file is the one at its path, and there is room in it. 0 or -errno. */
static int make_ready(struct textlog *t)
{
	const char *path = t->host->text(t->ctx, "file");
	int64_t limit = t->host->number(t->ctx, "rotate_size");
	int r = 0;

	if (!log_current(&t->log, path)) {
		log_close(&t->log);
		r = log_open(&t->log, path);
	}
	/* Gone: somebody has moved it away, and only the core can make another. */
	if (r == -ENOENT || (r == 0 && limit && t->log.length >= limit))
		r = rotate(t);
	return r;
}

static int append_all(struct textlog *t, const struct ps_batch *b)
{
	int r = 0;

	t->lines.len = 0;
	for (uint32_t i = 0; i < b->n_records && r == 0; i++) {
		lines_put(&t->lines, t->format, t->host, b, &b->records[i]);
		if (t->lines.len >= CHUNK || i + 1 == b->n_records) {
			r = log_append(&t->log, t->lines.data, t->lines.len);
			t->lines.len = 0;
		}
	}
	if (t->lines.cap > 4 * CHUNK)
		buf_done(&t->lines);
	return r;
}

static enum ps_verdict sink_write(void *self, const struct ps_batch *b)
{
	struct textlog *t = self;
	int r;

	/* The name goes over from one file to the next with the mark: a batch is looked for after. */
	r = make_ready(t);
	if (r < 0)
		return failed(t, r, "opening");
	if (!log_has(&t->log, b)) {
		r = append_all(t, b);
		if (r == 0)
			r = log_commit(&t->log, b);
		if (r < 0) {
			log_undo(&t->log);
			return failed(t, r, "writing");
		}
		t->records += b->n_records;
	}
	t->batches++;
	return PS_STORED;
}

static void sink_stats(void *self, char *out, size_t size)
{
	const struct textlog *t = self;

	snprintf(out, size, "%" PRIu64 " records in %" PRIu64 " batches", t->records, t->batches);
}

static void sink_close(void *self)
{
	struct textlog *t = self;

	log_close(&t->log);
	buf_done(&t->lines);
	free(t);
}

static const struct ps_option options[] = {
    {.key = "file",
     .type = PS_OPTION_LOG_FILE,
     .fallback = "conn.log",
     .help = "the text log, a file in [paths] log",
     .companions = "-mark"},
    {.key = "format",
     .type = PS_OPTION_CHOICE,
     .fallback = "csv",
     .choices = "csv json",
     .help = "csv: 17 fields a line; json: every field, one object a line, of all kinds of records"},
    {.key = "rotate_size",
     .type = PS_OPTION_SIZE,
     .fallback = "64 MiB",
     .max = INT64_MAX,
     .help = "the file is shifted to NAME.1 when it has reached this size; 0: never"},
    {.key = "rotate_keep",
     .type = PS_OPTION_INT,
     .fallback = "5",
     .max = 1000,
     .help = "how many shifted files are kept"},
    {0},
};

static const struct ps_sink sink = {
    .kinds = PS_TRAFFIC | PS_PROGRAM | PS_VERDICT | PS_ALERT | PS_AUDIT,
    .open = sink_open,
    .write = sink_write,
    .stats = sink_stats,
    .close = sink_close,
};

PS_EXPORT const struct ps_plugin ps_plugin = {
    .abi = PS_PLUGIN_ABI,
    .size = sizeof(struct ps_plugin),
    .name = "textlog",
    .about = "records as lines of a text file",
    .options = options,
    .sink = &sink,
};

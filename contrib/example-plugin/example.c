/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sink to begin with: it keeps the number of records and of bytes in one line of a file.
 * Built outside of picosnitch's tree, with what is installed: see Makefile, picosnitch-plugin(7).
 *
 * What makes it a good sink is the second half of the line: the name of the batch that was added
 * last. Numbers and name are written together, so a batch that comes again is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <picosnitch/plugin.h>

#define LINE_SIZE 256 /* always as long, and within one sector: written whole or not at all */

struct example {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	int fd;
	uint64_t records, sent, received;
	char last[2 * 2 * PS_ID_SIZE + 24];
};

static enum ps_verdict away(const struct ps_host *host, struct ps_ctx *ctx, const char *doing)
{
	host->why(ctx, "%s: %s: %s", host->text(ctx, "file"), doing, strerror(errno));
	return PS_AWAY;
}

static void batch_name(const struct ps_batch *b, char *out, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < PS_ID_SIZE; i++)
		at += (size_t)snprintf(out + at, size - at, "%02x", b->host[i]);
	for (size_t i = 0; i < PS_ID_SIZE; i++)
		at += (size_t)snprintf(out + at, size - at, "%02x", b->boot[i]);
	snprintf(out + at, size - at, "-%" PRIu64, b->seq);
}

static enum ps_verdict example_open(const struct ps_host *host, struct ps_ctx *ctx, void **self)
{
	struct example *e = calloc(1, sizeof(*e));
	char line[LINE_SIZE + 1] = "";

	if (!e)
		return away(host, ctx, "opening");
	e->host = host;
	e->ctx = ctx;
	/* The core has made the file, and given it to the user that this process runs as. */
	e->fd = open(host->text(ctx, "file"), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (e->fd < 0 || pread(e->fd, line, LINE_SIZE, 0) < 0) {
		enum ps_verdict verdict = away(host, ctx, "opening");

		if (e->fd >= 0)
			close(e->fd);
		free(e);
		return verdict;
	}
	sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %87s", &e->records, &e->sent, &e->received, e->last);
	*self = e;
	return PS_STORED;
}

static enum ps_verdict example_write(void *self, const struct ps_batch *b)
{
	struct example *e = self, next = *e;
	char line[LINE_SIZE];

	batch_name(b, next.last, sizeof(next.last));
	if (strcmp(next.last, e->last) == 0)
		return PS_STORED; /* it is there already */
	for (uint32_t i = 0; i < b->n_records; i++) {
		next.records++;
		next.sent += b->records[i].traffic.sent;
		next.received += b->records[i].traffic.received;
	}
	memset(line, ' ', sizeof(line));
	line[snprintf(line, sizeof(line), "%" PRIu64 " %" PRIu64 " %" PRIu64 " %s", next.records, next.sent, next.received,
	              next.last)] = ' ';
	line[sizeof(line) - 1] = '\n';
	if (pwrite(e->fd, line, sizeof(line), 0) != (ssize_t)sizeof(line) || fdatasync(e->fd) < 0)
		return away(e->host, e->ctx, "writing");
	*e = next;
	return PS_STORED;
}

static void example_stats(void *self, char *out, size_t size)
{
	const struct example *e = self;

	snprintf(out, size, "%" PRIu64 " records, %" PRIu64 " bytes sent", e->records, e->sent);
}

static void example_close(void *self)
{
	struct example *e = self;

	close(e->fd);
	free(e);
}

static const struct ps_option options[] = {
    {.key = "file",
     .type = PS_OPTION_STATE_FILE,
     .fallback = "example.txt",
     .help = "the line of totals, a file in [paths] state"},
    {0},
};

static const struct ps_sink sink = {
    .kinds = PS_TRAFFIC,
    .open = example_open,
    .write = example_write,
    .stats = example_stats,
    .close = example_close,
};

PS_EXPORT const struct ps_plugin ps_plugin = {
    .abi = PS_PLUGIN_ABI,
    .size = sizeof(struct ps_plugin),
    .name = "example",
    .about = "totals in one line of a file",
    .options = options,
    .sink = &sink,
};

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/sink_host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/delivery/codec.h"
#include "core/delivery/confine.h"
#include "core/delivery/frame.h"
#include "core/delivery/host_table.h"
#include "core/delivery/plugin_load.h"

#define SOCKET 3

struct sink_host {
	struct ps_ctx ctx;
	const struct ps_sink *sink;
	void *self;
	int is_open, checked;
	int64_t idle_at; /* CLOCK_MONOTONIC ns; -1: never */
	char stats[256]; /* as last sent */
};

static void on_term(int number)
{
	(void)number;
	host_stopping = 1;
}

/* A terminal's signals go to every process of the group: when to stop is the daemon's decision,
 * and it says so by SIGTERM or by closing the socket. */
static void set_signals(void)
{
	struct sigaction term = {.sa_handler = on_term}, ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

/* READY (without seq) or VERDICT. */
static void answer(struct sink_host *h, enum frame_type type, uint64_t seq, enum ps_verdict verdict, const char *why)
{
	struct buf out;
	size_t start;

	buf_init(&out);
	start = frame_begin(&out, type);
	if (type == FRAME_VERDICT)
		buf_put_u64(&out, seq);
	buf_put_u8(&out, (uint8_t)verdict);
	frame_put_text(&out, verdict == PS_STORED ? "" : why[0] ? why : "it gave no reason");
	frame_end(&out, start);
	host_send(&h->ctx, &out);
	buf_done(&out);
}

static void send_stats(struct sink_host *h)
{
	char line[sizeof(h->stats)] = "";
	struct buf out;
	size_t start;

	if (!h->sink->stats)
		return;
	h->sink->stats(h->self, line, sizeof(line));
	line[sizeof(line) - 1] = 0;
	if (strcmp(line, h->stats) == 0)
		return;
	memcpy(h->stats, line, sizeof(line));
	buf_init(&out);
	start = frame_begin(&out, FRAME_STATS);
	frame_put_text(&out, line);
	frame_end(&out, start);
	host_send(&h->ctx, &out);
	buf_done(&out);
}

/* Loads the plugin at the first call, checks and opens: as often as the courier asks. */
static void open_sink(struct sink_host *h)
{
	enum ps_verdict verdict = PS_STORED;
	const struct ps_plugin *plugin;
	const char *why;

	h->ctx.why[0] = 0;
	if (!h->sink) {
		plugin = plugin_load(h->ctx.plugin_dir, h->ctx.plugin, &why);
		if (!plugin || !plugin->sink) {
			answer(h, FRAME_READY, 0, PS_MISCONFIGURED, plugin ? "the plugin is not a sink" : why);
			return;
		}
		h->sink = plugin->sink;
	}
	if (!h->checked && h->sink->check)
		verdict = h->sink->check(&host_table, &h->ctx);
	h->checked = verdict == PS_STORED;
	if (h->checked)
		verdict = h->sink->open(&host_table, &h->ctx, &h->self);
	h->is_open = verdict == PS_STORED;
	h->idle_at = h->sink->idle ? clock_monotonic_ns() : -1;
	answer(h, FRAME_READY, 0, verdict, h->ctx.why);
	if (h->is_open)
		send_stats(h);
}

/* The batch with only the records of the kinds that the sink wants. */
static struct ps_batch filtered(const struct ps_batch *b, uint32_t kinds, struct arena *arena)
{
	struct ps_batch out = *b;
	struct ps_record *records;
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n_records; i++)
		n += (b->records[i].kind & kinds) != 0;
	if (n == b->n_records)
		return out;
	records = arena_alloc(arena, n * sizeof(*records));
	out.records = records;
	out.n_records = n;
	for (uint32_t i = 0; i < b->n_records; i++)
		if (b->records[i].kind & kinds)
			*records++ = b->records[i];
	return out;
}

static void begun(struct sink_host *h, uint64_t seq)
{
	struct buf out;
	size_t start;

	buf_init(&out);
	start = frame_begin(&out, FRAME_BEGUN);
	buf_put_u64(&out, seq);
	frame_end(&out, start);
	host_send(&h->ctx, &out);
	buf_done(&out);
}

/* Stores the batch that is in ctx->in. The sink may ask for files meanwhile, which overwrites
 * that: the bytes are taken over first. */
static void write_batch(struct sink_host *h)
{
	enum ps_verdict verdict = PS_STORED;
	const struct ps_batch *b;
	struct buf bytes = h->ctx.in;
	struct arena arena;
	const char *why;
	uint64_t seq = 0;

	buf_init(&h->ctx.in);
	arena_init(&arena);
	h->ctx.why[0] = 0;
	b = codec_decode(bytes.data, bytes.len, &arena, &why);
	if (!b) {
		/* The courier knows which it has sent. */
		snprintf(h->ctx.why, sizeof(h->ctx.why), "the batch cannot be read: %s", why);
		verdict = PS_REJECTED;
	} else if (!h->is_open) {
		h->ctx.broken = 1;
	} else {
		struct ps_batch wanted = filtered(b, h->sink->kinds, &arena);

		seq = b->seq;
		if (wanted.n_records) {
			begun(h, seq);
			verdict = h->sink->write(h->self, &wanted);
		}
	}
	arena_done(&arena);
	buf_done(&bytes);
	if (h->is_open && h->sink->idle && h->idle_at < 0)
		h->idle_at = clock_monotonic_ns();
	answer(h, FRAME_VERDICT, seq, verdict, h->ctx.why);
	if (h->is_open)
		send_stats(h);
}

/* It cannot go on: says why, and leaves. */
static void give_up(struct sink_host *h)
{
	struct buf out;
	size_t start;

	buf_init(&out);
	start = frame_begin(&out, FRAME_GIVE_UP);
	frame_put_text(&out, h->ctx.why[0] ? h->ctx.why : "it gave no reason");
	frame_end(&out, start);
	host_send(&h->ctx, &out);
	buf_done(&out);
	h->ctx.broken = 1;
}

/* Upkeep whose time has come; gives how long to wait for the courier, in ms. */
static int upkeep(struct sink_host *h)
{
	int64_t now = clock_monotonic_ns(), left;

	if (!h->is_open || h->idle_at < 0)
		return -1;
	if (h->idle_at <= now) {
		int64_t wait;

		h->ctx.why[0] = 0;
		wait = h->sink->idle(h->self);
		send_stats(h);
		if (wait == PS_IDLE_MISCONFIGURED) {
			give_up(h);
			return -1;
		}
		now = clock_monotonic_ns();
		if (wait > 24 * 3600 * 1000LL)
			wait = 24 * 3600 * 1000LL;
		h->idle_at = wait < 0 ? -1 : now + wait * NS_PER_MS;
		if (wait < 0)
			return -1;
	}
	left = (h->idle_at - now + NS_PER_MS - 1) / NS_PER_MS;
	return left < 0 ? 0 : (int)left;
}

static void serve(struct sink_host *h)
{
	while (!h->ctx.broken) {
		int wait = upkeep(h), got;
		uint8_t type;

		if (h->ctx.broken)
			return;
		if (!h->ctx.waiting.len) {
			struct pollfd p = {.fd = SOCKET, .events = POLLIN};

			if (poll(&p, 1, wait) <= 0)
				continue;
		}
		got = host_receive(&h->ctx, &type);
		if (got <= 0)
			return;
		if (type == FRAME_OPEN && !h->is_open)
			open_sink(h);
		else if (type == FRAME_BATCH)
			write_batch(h);
		else
			return;
	}
}

int sink_host_main(int argc, char **argv)
{
	struct sink_host h = {.ctx = {.fd = SOCKET}, .idle_at = -1};
	char why[TRUST_WHY];
	uint8_t type;
	int status = 1;

	if (argc != 3 && argc != 5) {
		log_error("sink-host is started by the daemon, not by hand");
		return 2;
	}
	if (confine(argc == 5 ? argv[3] : NULL, argc == 5 ? argv[4] : NULL, SOCKET, why)) {
		log_error("sink %s: %s", argv[1], why);
		return 1;
	}
	if (confine_to_parent(strtol(argv[2], NULL, 10)))
		return 1;
	fcntl(SOCKET, F_SETFD, FD_CLOEXEC);
	set_signals();
	if (frame_receive(SOCKET, &type, &h.ctx.in) <= 0 || type != FRAME_HELLO ||
	    host_hello(&h.ctx, h.ctx.in.data, h.ctx.in.len)) {
		log_error("sink %s: the daemon's greeting was not understood: is the program's file that of the daemon?",
		          argv[1]);
		goto out;
	}
	explicit_bzero(h.ctx.in.data, h.ctx.in.len);
	open_sink(&h);
	serve(&h);
	if (h.is_open)
		h.sink->close(h.self);
	status = 0;
out:
	host_done(&h.ctx);
	return status;
}

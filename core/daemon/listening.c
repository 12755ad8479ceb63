/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/listening.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/daemon/live_line.h"

/* A socket, and the image that has it: what else is in a listener follows from these. */
#define KEY_SIZE (offsetof(struct wire_listener, key) + sizeof(struct wire_image))

struct look {
	struct wire_listener found[LISTENING_MAX];
	size_t n;
	uint64_t more;
	int error;
};

struct listening {
	uv_loop_t *loop;
	struct probe *probe;
	struct processes *processes;
	void (*told)(void *arg, struct buf *lines);
	void *arg;

	uv_work_t work;
	bool looking;
	struct look *now, *before; /* the worker's, and the one that was told last */
	struct table known;        /* of `now`: the worker's */
	struct live_listen_shown shown;
	bool wanted;              /* by a reader that has come */
	int64_t due_ns, again_ns; /* CLOCK_MONOTONIC */
	struct listening_stats stats;
	int64_t took_ns; /* the worker's */

	void (*closed)(void *arg);
	void *closed_arg;
};

/* ---- the look ---- */

static void on_listener(void *arg, const struct wire_listener *listener)
{
	struct listening *l = arg;
	struct look *now = l->now;

	if (table_get(&l->known, listener, KEY_SIZE))
		return;
	if (now->n == LISTENING_MAX) {
		now->more++;
		return;
	}
	now->found[now->n] = *listener;
	table_add(&l->known, &now->found[now->n], KEY_SIZE, &now->found[now->n]);
	now->n++;
}

static void look(uv_work_t *work)
{
	struct listening *l = work->data;
	int64_t began = clock_monotonic_ns();

	l->now->n = 0;
	l->now->more = 0;
	table_init(&l->known);
	l->now->error = probe_listeners(l->probe, on_listener, l);
	table_done(&l->known);
	l->took_ns = clock_monotonic_ns() - began;
}

/* ---- the telling ---- */

static bool is_same(const struct look *a, const struct look *b)
{
	return a->n == b->n && a->more == b->more && a->error == b->error &&
	       memcmp(a->found, b->found, a->n * sizeof(a->found[0])) == 0;
}

/* What the last look has found. */
static void tell(struct listening *l)
{
	const struct look *is = l->before;
	struct buf lines;
	size_t n = 0;

	l->wanted = false;
	l->again_ns = clock_monotonic_ns() + LISTENING_AGAIN_MS * NS_PER_MS;
	buf_init(&lines);
	for (; n < is->n && lines.len < LISTENING_BYTES_MAX; n++) {
		struct lineage who;

		processes_find(l->processes, &is->found[n].key.image, &who);
		live_line_listen(&lines, &is->found[n], &who, &l->shown);
		lineage_drop(l->processes, &who);
	}
	l->stats.found = n;
	l->stats.more = is->more + (is->n - n);
	live_line_listening(&lines, n, l->stats.more, is->error, &l->shown);
	l->told(l->arg, &lines);
}

static void finish(struct listening *l)
{
	void (*closed)(void *) = l->closed;
	void *arg = l->closed_arg;

	free(l->now);
	free(l->before);
	free(l);
	closed(arg);
}

static void looked(uv_work_t *work, int status)
{
	struct listening *l = work->data;
	int64_t now = clock_monotonic_ns();
	struct look *before = l->before;

	(void)status;
	l->looking = false;
	if (l->closed) {
		finish(l);
		return;
	}
	l->stats.looks++;
	l->stats.took_ns = l->took_ns;
	l->due_ns = now + LISTENING_LOOK_MS * NS_PER_MS;
	if (l->due_ns < now + l->took_ns * LISTENING_REST)
		l->due_ns = now + l->took_ns * LISTENING_REST;
	if (!l->wanted && now < l->again_ns && is_same(l->now, l->before))
		return;
	l->before = l->now;
	l->now = before;
	tell(l);
}

void listening_look(struct listening *l, const struct log_settings *log, bool reader)
{
	l->wanted |= reader;
	/* A look that is under way is told to the reader, too. */
	if (l->looking)
		return;
	l->shown.address = log->addresses;
	l->shown.port = log->ports;
	/* Readers that come and go make for no more looks; and one that comes is greeted before it is told. */
	if (clock_monotonic_ns() >= l->due_ns)
		l->looking = uv_queue_work(l->loop, &l->work, look, looked) == 0;
	else if (l->wanted && !reader)
		tell(l);
}

/* ---- life ---- */

struct listening *listening_open(uv_loop_t *loop, struct probe *probe, struct processes *processes,
                                 void (*told)(void *, struct buf *), void *arg)
{
	struct listening *l = mem_alloc(sizeof(*l));
	struct stat st;

	if (!stat("/proc/1/ns/net", &st) || !stat("/proc/self/ns/net", &st))
		l->shown.host_netns = (uint32_t)st.st_ino;
	l->loop = loop;
	l->probe = probe;
	l->processes = processes;
	l->told = told;
	l->arg = arg;
	l->work.data = l;
	l->now = mem_alloc(sizeof(*l->now));
	l->before = mem_alloc(sizeof(*l->before));
	return l;
}

void listening_close(struct listening *l, void (*closed)(void *), void *arg)
{
	l->closed = closed;
	l->closed_arg = arg;
	if (!l->looking)
		finish(l);
}

void listening_get_stats(const struct listening *l, struct listening_stats *stats)
{
	*stats = l->stats;
}

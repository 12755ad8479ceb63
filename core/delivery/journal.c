/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal's thread and its queues. The main thread puts requests into one; the journal
 * thread takes all that wait, writes them in one transaction (journal_store.c), and puts what
 * became of them into the other, which the main thread empties when its loop is woken.
 */
#include "core/delivery/journal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/delivery/journal_inside.h"

#define LINES_MAX 4096 /* of each log */

static void deliver(struct journal *j, struct event *e)
{
	switch (e->kind) {
	case EVENT_COMMITTED:
		j->events.committed(j->events.arg, e->seq);
		break;
	case EVENT_DROPPED:
		e->drop.sink = e->text;
		j->events.dropped(j->events.arg, &e->drop);
		break;
	case EVENT_TROUBLE:
		j->events.trouble(j->events.arg, e->error, e->text);
		break;
	case EVENT_FETCHED:
		e->done(e->arg, e->seq, e->data, e->len);
		break;
	}
}

static void on_wake(uv_async_t *async)
{
	struct journal *j = async->data;
	struct event *list, *next;

	uv_mutex_lock(&j->lock);
	list = j->told.first;
	journal_events_init(&j->told);
	uv_mutex_unlock(&j->lock);
	for (; list; list = next) {
		next = list->next;
		deliver(j, list);
		journal_event_free(list);
	}
}

int journal_open(struct journal **out, uv_loop_t *loop, const char *path, codec_digest *digest,
                 const struct journal_logs *logs, const struct journal_limits *limits,
                 const struct journal_events *events, struct journal_start *start)
{
	struct journal *j = mem_alloc(sizeof(*j));
	sigset_t all, saved;
	int err;

	err = store_open(&j->store, path, digest, start);
	if (err) {
		free(j);
		return err;
	}
	j->events = *events;
	j->limits = *limits;
	for (int i = 0; i < JOURNAL_LOGS; i++)
		j->logs[i] = (struct journal_text){logs && logs->paths[i] ? mem_strdup(logs->paths[i]) : NULL, -1, 0};
	if (logs) {
		j->log_uid = logs->uid;
		j->log_gid = logs->gid;
		j->log_mode = logs->mode;
	}
	journal_ops_init(&j->queue);
	journal_ops_init(&j->work);
	journal_ops_init(&j->fetches);
	journal_events_init(&j->told);
	store_stats(j->store, &j->stats);
	j->wake_main = mem_alloc(sizeof(*j->wake_main));
	j->wake_main->data = j;
	if (uv_mutex_init(&j->lock) || uv_cond_init(&j->wake) || uv_async_init(loop, j->wake_main, on_wake))
		abort();
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	if (uv_thread_create(&j->thread, journal_run, j))
		abort();
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	*out = j;
	return 0;
}

static void put(struct journal *j, struct op *op)
{
	uv_mutex_lock(&j->lock);
	journal_ops_add(&j->queue, op);
	uv_cond_signal(&j->wake);
	uv_mutex_unlock(&j->lock);
}

static struct op *op_new(enum op_kind kind, const char *sink, uint64_t seq, const char *text)
{
	struct op *op = mem_alloc(sizeof(*op));

	op->kind = kind;
	op->seq = seq;
	op->sink = sink ? mem_strdup(sink) : NULL;
	op->text = text ? mem_strdup(text) : NULL;
	return op;
}

void journal_append(struct journal *j, struct buf *batches, size_t n, int64_t end_ns)
{
	struct op *op = op_new(OP_APPEND, NULL, 0, NULL);

	op->batches = mem_copy(batches, n * sizeof(*batches));
	op->n = n;
	op->end_ns = end_ns;
	for (size_t i = 0; i < n; i++)
		buf_init(&batches[i]);
	uv_mutex_lock(&j->lock);
	j->stats.queued++;
	uv_mutex_unlock(&j->lock);
	put(j, op);
}

size_t journal_queued(const struct journal *j)
{
	struct journal *own = (struct journal *)(uintptr_t)j; /* only to lock it */
	size_t n;

	uv_mutex_lock(&own->lock);
	n = j->stats.queued;
	uv_mutex_unlock(&own->lock);
	return n;
}

void journal_fetch(struct journal *j, const char *sink, journal_fetched done, void *arg)
{
	struct op *op = op_new(OP_FETCH, sink, 0, NULL);

	op->done = done;
	op->arg = arg;
	put(j, op);
}

void journal_sinks(struct journal *j, const struct journal_sink *sinks, size_t n)
{
	struct op *op = op_new(OP_SINKS, NULL, 0, NULL);

	op->names = mem_alloc(n * sizeof(*op->names));
	op->people = mem_alloc(n);
	op->n = n;
	for (size_t i = 0; i < n; i++) {
		op->names[i] = mem_strdup(sinks[i].name);
		op->people[i] = sinks[i].people != 0;
	}
	put(j, op);
}

void journal_taken(struct journal *j, const char *sink, uint64_t seq)
{
	put(j, op_new(OP_TAKEN, sink, seq, NULL));
}

void journal_dead(struct journal *j, const char *sink, uint64_t seq, const char *why)
{
	put(j, op_new(OP_DEAD, sink, seq, why));
}

void journal_line(struct journal *j, enum journal_log log, const char *line)
{
	struct op *op = op_new(OP_LINE, NULL, 0, line);
	int full;

	op->log = log;
	uv_mutex_lock(&j->lock);
	full = j->lines[log] >= LINES_MAX;
	if (full)
		j->lines_left_out[log]++;
	else
		j->lines[log]++;
	uv_mutex_unlock(&j->lock);
	if (full)
		journal_op_free(op);
	else
		put(j, op);
}

void journal_reopen_logs(struct journal *j)
{
	put(j, op_new(OP_REOPEN, NULL, 0, NULL));
}

void journal_set_limits(struct journal *j, const struct journal_limits *limits)
{
	uv_mutex_lock(&j->lock);
	j->limits = *limits;
	uv_mutex_unlock(&j->lock);
}

void journal_get_stats(struct journal *j, struct journal_stats *stats)
{
	uv_mutex_lock(&j->lock);
	*stats = j->stats;
	uv_mutex_unlock(&j->lock);
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

int journal_close(struct journal *j, int64_t timeout_ms)
{
	int64_t end = clock_monotonic_ns() + timeout_ms * NS_PER_MS, left;
	int done, result;

	uv_mutex_lock(&j->lock);
	j->closing = 1;
	uv_cond_signal(&j->wake);
	while (!j->done && (left = end - clock_monotonic_ns()) > 0)
		uv_cond_timedwait(&j->wake, &j->lock, (uint64_t)left);
	done = j->done;
	result = j->result;
	uv_mutex_unlock(&j->lock);
	uv_close((uv_handle_t *)j->wake_main, free_handle);
	if (!done) {
		/* It hangs in the disk, with all of this in its hands. */
		pthread_detach(j->thread);
		return -ETIMEDOUT;
	}
	uv_thread_join(&j->thread);
	journal_ops_free(&j->queue);
	journal_ops_free(&j->work);
	journal_ops_free(&j->fetches);
	for (struct event *e = j->told.first, *next; e; e = next) {
		next = e->next;
		journal_event_free(e);
	}
	uv_mutex_destroy(&j->lock);
	uv_cond_destroy(&j->wake);
	for (int i = 0; i < JOURNAL_LOGS; i++)
		free(j->logs[i].path);
	free(j);
	return result;
}

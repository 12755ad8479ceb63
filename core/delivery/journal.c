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
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/delivery/files.h"
#include "core/delivery/journal_store.h"

#define PAUSE_MIN_NS (1 * NS_PER_S)
#define PAUSE_MAX_NS (30 * NS_PER_S)
#define UPKEEP_NS (60 * NS_PER_S)
#define LINES_MAX 1024

enum op_kind { OP_APPEND, OP_SINKS, OP_TAKEN, OP_DEAD, OP_FETCH, OP_LINE, OP_REOPEN };

struct op {
	struct op *next;
	enum op_kind kind;
	char *sink, *text;
	uint64_t seq;
	struct buf *batches;
	char **names;
	size_t n;
	int64_t end_ns;
	journal_fetched done;
	void *arg;
};

enum event_kind { EVENT_COMMITTED, EVENT_DROPPED, EVENT_TROUBLE, EVENT_FETCHED };

struct event {
	struct event *next;
	enum event_kind kind;
	uint64_t seq;
	struct journal_drop drop;
	char *text;
	int error;
	journal_fetched done;
	void *arg;
	uint8_t *data;
	size_t len;
};

/* A list that is added to at its end. */
struct ops {
	struct op *first, **end;
};

struct events_list {
	struct event *first, **end;
};

struct journal {
	struct journal_events events;
	uv_async_t *wake_main;
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t wake;

	/* under the lock */
	struct ops queue;
	struct events_list told;
	struct journal_limits limits;
	struct journal_stats stats;
	size_t lines, lines_left_out;
	int closing, done, result;

	/* the thread's own */
	struct store *store;
	char *log_path;
	int log_fd, log_error;
	struct ops work, fetches; /* not committed, not answered yet */
	int error;
	int64_t retry_at, pause, upkeep_at;
};

static void ops_init(struct ops *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void ops_add(struct ops *list, struct op *op)
{
	op->next = NULL;
	*list->end = op;
	list->end = &op->next;
}

static void op_free(struct op *op)
{
	for (size_t i = 0; i < op->n; i++) {
		if (op->batches)
			buf_done(&op->batches[i]);
		if (op->names)
			free(op->names[i]);
	}
	free(op->batches);
	free(op->names);
	free(op->sink);
	free(op->text);
	free(op);
}

static void ops_free(struct ops *list)
{
	for (struct op *op = list->first, *next; op; op = next) {
		next = op->next;
		op_free(op);
	}
	ops_init(list);
}

static void events_init(struct events_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void event_free(struct event *e)
{
	free(e->data);
	free(e->text);
	free(e);
}

/* Tells the main thread. */
static struct event *event_new(enum event_kind kind)
{
	struct event *e = mem_alloc(sizeof(*e));

	e->kind = kind;
	return e;
}

static void tell(struct journal *j, struct event *e)
{
	uv_mutex_lock(&j->lock);
	*j->told.end = e;
	j->told.end = &e->next;
	if (!j->closing)
		uv_async_send(j->wake_main);
	uv_mutex_unlock(&j->lock);
}

static void tell_trouble(struct journal *j, int error, const char *text)
{
	struct event *e = event_new(EVENT_TROUBLE);

	e->error = error;
	e->text = mem_strdup(text);
	tell(j, e);
}

/* error.log. A file that cannot be written is said once: the message comes back here as a line. */
static void write_line(struct journal *j, const char *line, size_t left_out)
{
	struct buf out;
	int err = 0;

	if (!j->log_path)
		return;
	if (j->log_fd < 0)
		j->log_fd = files_append(j->log_path, 0640);
	buf_init(&out);
	if (left_out)
		buf_printf(&out, "(%zu lines were left out: they came faster than they could be written)\n", left_out);
	for (; *line; line++)
		buf_put_u8(&out, (unsigned char)*line < 0x20 || *line == 0x7f ? '?' : (uint8_t)*line);
	buf_put_u8(&out, '\n');
	if (j->log_fd < 0)
		err = j->log_fd;
	else if (write(j->log_fd, out.data, out.len) != (ssize_t)out.len)
		err = errno ? -errno : -ENOSPC;
	if (err && !j->log_error)
		log_warning("%s cannot be written: %s", j->log_path, strerror(-err));
	j->log_error = err;
	buf_done(&out);
}

static void reopen_log(struct journal *j)
{
	if (j->log_fd >= 0)
		close(j->log_fd);
	j->log_fd = -1;
}

static int apply(struct journal *j, struct op *op)
{
	int err = 0;

	switch (op->kind) {
	case OP_APPEND:
		for (size_t i = 0; i < op->n && !err; i++)
			err = store_append(j->store, &op->batches[i], op->end_ns);
		return err;
	case OP_SINKS:
		return store_sinks(j->store, (const char *const *)op->names, op->n);
	case OP_TAKEN:
		return store_taken(j->store, op->sink, op->seq);
	case OP_DEAD:
		return store_dead(j->store, op->sink, op->seq, op->text);
	default:
		return 0;
	}
}

static void succeeded(struct journal *j, int64_t took_ns)
{
	struct journal_stats old, now;
	struct journal_drop drop;
	uint64_t windows = 0;

	for (struct op *op = j->work.first; op; op = op->next)
		windows += op->kind == OP_APPEND;
	ops_free(&j->work);
	uv_mutex_lock(&j->lock);
	old = j->stats;
	store_stats(j->store, &j->stats);
	j->stats.queued -= windows;
	j->stats.error = 0;
	if (took_ns > j->stats.commit_ns_max)
		j->stats.commit_ns_max = took_ns;
	now = j->stats;
	uv_mutex_unlock(&j->lock);
	if (j->error)
		tell_trouble(j, 0, "the journal takes batches again");
	j->error = 0;
	j->pause = PAUSE_MIN_NS;
	if (now.last_seq != old.last_seq) {
		struct event *e = event_new(EVENT_COMMITTED);

		e->seq = now.last_seq;
		tell(j, e);
	}
	while (store_next_drop(j->store, &drop)) {
		struct event *e = event_new(EVENT_DROPPED);

		e->text = mem_strdup(drop.sink);
		e->drop = drop;
		tell(j, e);
	}
}

/* The disk refuses. A damaged file is replaced, and the next try is made at once. */
static void failed(struct journal *j, int err)
{
	char text[512], *aside = NULL;

	if (err == -EUCLEAN) {
		int again;

		snprintf(text, sizeof(text), "the journal is damaged (%s)", store_message(j->store));
		again = store_reset(j->store, &aside);
		if (!again) {
			size_t n = strlen(text);

			snprintf(text + n, sizeof(text) - n, "; it was set aside as %s and a new one begun", aside);
			j->retry_at = 0;
		}
		log_error("%s", text);
		free(aside);
		if (!again || !j->error)
			tell_trouble(j, err, text);
		j->error = err;
		if (!again)
			return;
	} else if (!j->error) {
		snprintf(text, sizeof(text), "the journal cannot be written: %s (%s); batches are kept in memory",
		         strerror(-err), store_message(j->store));
		tell_trouble(j, err, text);
		j->error = err;
	}
	uv_mutex_lock(&j->lock);
	j->stats.error = err;
	uv_mutex_unlock(&j->lock);
	j->retry_at = clock_monotonic_ns() + j->pause;
	j->pause = 2 * j->pause < PAUSE_MAX_NS ? 2 * j->pause : PAUSE_MAX_NS;
}

/* Everything that waits, in one transaction. Sets *more when there is upkeep left. */
static void commit(struct journal *j, const struct journal_limits *limits, int *more)
{
	int64_t start = clock_monotonic_ns();
	int err = store_begin(j->store);

	for (struct op *op = j->work.first; op && !err; op = op->next)
		err = apply(j, op);
	if (!err)
		err = store_trim(j->store, limits, more);
	if (!err)
		err = store_commit(j->store);
	if (!err) {
		succeeded(j, clock_monotonic_ns() - start);
		return;
	}
	store_rollback(j->store);
	*more = 0;
	failed(j, err);
}

static void answer(struct journal *j)
{
	struct op *op;

	while ((op = j->fetches.first)) {
		struct event *e = event_new(EVENT_FETCHED);
		int err = store_fetch(j->store, op->sink, &e->seq, &e->data, &e->len);

		if (err) {
			event_free(e);
			failed(j, err);
			if (j->retry_at)
				return;
			continue;
		}
		e->done = op->done;
		e->arg = op->arg;
		j->fetches.first = op->next;
		if (!op->next)
			j->fetches.end = &j->fetches.first;
		op_free(op);
		tell(j, e);
	}
}

/* Takes what is in the queue; waits for it when there is nothing else to do. */
static struct op *take(struct journal *j, int busy, size_t *left_out, struct journal_limits *limits, int *closing)
{
	int pending = j->work.first || j->fetches.first;
	struct op *list;

	uv_mutex_lock(&j->lock);
	while (!j->queue.first && !j->closing && !busy) {
		int64_t now = clock_monotonic_ns(), until = j->upkeep_at;

		if (pending && j->retry_at < until)
			until = j->retry_at;
		if (until <= now)
			break;
		uv_cond_timedwait(&j->wake, &j->lock, (uint64_t)(until - now));
	}
	list = j->queue.first;
	ops_init(&j->queue);
	*limits = j->limits;
	*closing = j->closing;
	*left_out = j->lines_left_out;
	j->lines = j->lines_left_out = 0;
	uv_mutex_unlock(&j->lock);
	return list;
}

static void sort_in(struct journal *j, struct op *list, size_t left_out)
{
	for (struct op *op = list, *next; op; op = next) {
		next = op->next;
		switch (op->kind) {
		case OP_LINE:
			write_line(j, op->text, left_out);
			left_out = 0;
			op_free(op);
			break;
		case OP_REOPEN:
			reopen_log(j);
			op_free(op);
			break;
		case OP_FETCH:
			ops_add(&j->fetches, op);
			break;
		case OP_TAKEN:
		case OP_DEAD:
			store_reached(j->store, op->sink, op->seq);
			ops_add(&j->work, op);
			break;
		default:
			ops_add(&j->work, op);
		}
	}
}

static void run(void *arg)
{
	struct journal *j = arg;
	struct journal_limits limits;
	int closing = 0, more = 0, shrinking = 0, clean;
	size_t left_out;

	while (!closing) {
		struct op *list = take(j, more || shrinking, &left_out, &limits, &closing);
		int64_t now = clock_monotonic_ns();

		sort_in(j, list, left_out);
		if (closing || now >= j->retry_at) {
			int due = more || now >= j->upkeep_at;

			more = 0;
			j->retry_at = 0;
			if (due)
				j->upkeep_at = now + UPKEEP_NS;
			if (j->work.first || due)
				commit(j, &limits, &more);
			/* After a damage, once more: in the new file. */
			if (j->work.first && !j->retry_at)
				commit(j, &limits, &more);
		}
		if (!closing)
			answer(j); /* reading goes on where writing is refused */
		shrinking = !closing && !j->error && store_shrink(j->store) > 0;
	}
	clean = !j->work.first;
	store_close(j->store, clean);
	reopen_log(j);
	uv_mutex_lock(&j->lock);
	j->result = clean ? 0 : j->error ? j->error : -EIO;
	j->done = 1;
	uv_cond_signal(&j->wake);
	uv_mutex_unlock(&j->lock);
}

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
	events_init(&j->told);
	uv_mutex_unlock(&j->lock);
	for (; list; list = next) {
		next = list->next;
		deliver(j, list);
		event_free(list);
	}
}

int journal_open(struct journal **out, uv_loop_t *loop, const char *path, const char *error_log,
                 const struct journal_limits *limits, const struct journal_events *events, struct journal_start *start)
{
	struct journal *j = mem_alloc(sizeof(*j));
	sigset_t all, saved;
	int err;

	err = store_open(&j->store, path, start);
	if (err) {
		free(j);
		return err;
	}
	j->events = *events;
	j->limits = *limits;
	j->log_path = error_log ? mem_strdup(error_log) : NULL;
	j->log_fd = -1;
	j->pause = PAUSE_MIN_NS;
	ops_init(&j->queue);
	ops_init(&j->work);
	ops_init(&j->fetches);
	events_init(&j->told);
	store_stats(j->store, &j->stats);
	j->wake_main = mem_alloc(sizeof(*j->wake_main));
	j->wake_main->data = j;
	if (uv_mutex_init(&j->lock) || uv_cond_init(&j->wake) || uv_async_init(loop, j->wake_main, on_wake))
		abort();
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	if (uv_thread_create(&j->thread, run, j))
		abort();
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	*out = j;
	return 0;
}

static void put(struct journal *j, struct op *op)
{
	uv_mutex_lock(&j->lock);
	ops_add(&j->queue, op);
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

void journal_sinks(struct journal *j, const char *const *names, size_t n)
{
	struct op *op = op_new(OP_SINKS, NULL, 0, NULL);

	op->names = mem_alloc(n * sizeof(*op->names));
	op->n = n;
	for (size_t i = 0; i < n; i++)
		op->names[i] = mem_strdup(names[i]);
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

void journal_error_line(struct journal *j, const char *line)
{
	struct op *op = op_new(OP_LINE, NULL, 0, line);
	int full;

	uv_mutex_lock(&j->lock);
	full = j->lines >= LINES_MAX;
	if (full)
		j->lines_left_out++;
	else
		j->lines++;
	uv_mutex_unlock(&j->lock);
	if (full)
		op_free(op);
	else
		put(j, op);
}

void journal_reopen_log(struct journal *j)
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
	ops_free(&j->queue);
	ops_free(&j->work);
	ops_free(&j->fetches);
	for (struct event *e = j->told.first, *next; e; e = next) {
		next = e->next;
		event_free(e);
	}
	uv_mutex_destroy(&j->lock);
	uv_cond_destroy(&j->wake);
	free(j->log_path);
	free(j);
	return result;
}

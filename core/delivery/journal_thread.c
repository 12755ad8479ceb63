/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal's thread: takes all that waits in its queue, writes it in one transaction, and tells
 * the main thread what became of it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/delivery/files.h"
#include "core/delivery/journal_inside.h"

#define PAUSE_MIN_NS (1 * NS_PER_S)
#define PAUSE_MAX_NS (30 * NS_PER_S)
#define UPKEEP_NS (60 * NS_PER_S)

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

/* It belongs to whom the configuration says, also if another program has made it anew. */
static int open_log(struct journal *j, const char *path)
{
	int fd = files_append(path, j->log_mode);

	if (fd >= 0 && (fchown(fd, j->log_uid, j->log_gid) || fchmod(fd, j->log_mode)))
		log_debug("%s: %s", path, strerror(errno));
	return fd;
}

/* Whether the file at that path is another one now: somebody has rotated it, or removed it. */
static bool was_moved(const struct journal_text *log)
{
	struct stat open_one, there;

	return fstat(log->fd, &open_one) || lstat(log->path, &there) || open_one.st_ino != there.st_ino ||
	       open_one.st_dev != there.st_dev;
}

static void close_log(struct journal_text *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

/* A file that cannot be written is said once: the message comes back here as a line of error.log. */
static void write_line(struct journal *j, struct journal_text *log, const char *line, size_t left_out)
{
	struct buf out;
	int err = 0;

	if (!log->path)
		return;
	if (log->fd >= 0 && was_moved(log))
		close_log(log);
	if (log->fd < 0)
		log->fd = open_log(j, log->path);
	buf_init(&out);
	if (left_out)
		buf_printf(&out, "(%zu lines were left out: they came faster than they could be written)\n", left_out);
	for (; *line; line++) {
		bool control = ((unsigned char)*line < 0x20 && *line != '\t') || *line == 0x7f;

		buf_put_u8(&out, control ? '?' : (uint8_t)*line);
	}
	buf_put_u8(&out, '\n');
	if (log->fd < 0)
		err = log->fd;
	else if (write(log->fd, out.data, out.len) != (ssize_t)out.len)
		err = errno ? -errno : -ENOSPC;
	if (err && !log->error)
		log_warning("%s cannot be written: %s", log->path, strerror(-err));
	log->error = err;
	buf_done(&out);
}

static void reopen_logs(struct journal *j)
{
	for (int i = 0; i < JOURNAL_LOGS; i++)
		close_log(&j->logs[i]);
}

static int apply(struct journal *j, struct op *op)
{
	int err = 0;

	switch (op->kind) {
	case OP_APPEND:
		for (size_t i = 0; i < op->n && !err; i++)
			err = store_append(j->store, &op->batches[i], op->end_ns);
		store_ended(j->store, op->end_ns);
		return err;
	case OP_SINKS:
		return store_sinks(j->store, (const char *const *)op->names, op->people, op->n);
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
	struct journal_stats now;
	struct journal_drop drop;
	uint64_t windows = 0;

	for (struct op *op = j->work.first; op; op = op->next)
		windows += op->kind == OP_APPEND;
	journal_ops_free(&j->work);
	uv_mutex_lock(&j->lock);
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
	if (windows) {
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
			journal_event_free(e);
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
		journal_op_free(op);
		tell(j, e);
	}
}

/* Takes what is in the queue; waits for it when there is nothing else to do. */
static struct op *take(struct journal *j, int busy, size_t left_out[JOURNAL_LOGS], struct journal_limits *limits,
                       int *closing)
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
	journal_ops_init(&j->queue);
	*limits = j->limits;
	*closing = j->closing;
	for (int i = 0; i < JOURNAL_LOGS; i++) {
		left_out[i] = j->lines_left_out[i];
		j->lines[i] = j->lines_left_out[i] = 0;
	}
	uv_mutex_unlock(&j->lock);
	return list;
}

static void sort_in(struct journal *j, struct op *list, size_t left_out[JOURNAL_LOGS])
{
	for (struct op *op = list, *next; op; op = next) {
		next = op->next;
		switch (op->kind) {
		case OP_LINE:
			write_line(j, &j->logs[op->log], op->text, left_out[op->log]);
			left_out[op->log] = 0;
			journal_op_free(op);
			break;
		case OP_REOPEN:
			reopen_logs(j);
			journal_op_free(op);
			break;
		case OP_FETCH:
			journal_ops_add(&j->fetches, op);
			break;
		case OP_TAKEN:
		case OP_DEAD:
			store_reached(j->store, op->sink, op->seq);
			journal_ops_add(&j->work, op);
			break;
		default:
			journal_ops_add(&j->work, op);
		}
	}
}

void journal_run(void *arg)
{
	struct journal *j = arg;
	struct journal_limits limits;
	int closing = 0, more = 0, shrinking = 0, clean;
	size_t left_out[JOURNAL_LOGS];

	j->pause = PAUSE_MIN_NS;
	while (!closing) {
		struct op *list = take(j, more || shrinking, left_out, &limits, &closing);
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
	reopen_logs(j);
	uv_mutex_lock(&j->lock);
	j->result = clean ? 0 : j->error ? j->error : -EIO;
	j->done = 1;
	uv_cond_signal(&j->wake);
	uv_mutex_unlock(&j->lock);
}

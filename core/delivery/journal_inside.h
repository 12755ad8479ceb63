/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two sides of the journal share: journal.c is the main thread's, journal_thread.c the
 * journal's own, and journal_queue.c has what goes between them. */
#ifndef PS_DELIVERY_JOURNAL_INSIDE_H
#define PS_DELIVERY_JOURNAL_INSIDE_H

#include "core/delivery/journal.h"
#include "core/delivery/journal_store.h"

enum op_kind { OP_APPEND, OP_SINKS, OP_TAKEN, OP_DEAD, OP_FETCH, OP_LINE, OP_REOPEN };

struct op {
	struct op *next;
	enum op_kind kind;
	char *sink, *text;
	enum journal_log log;
	uint64_t seq;
	struct buf *batches;
	char **names;
	char *people; /* of each name: struct journal_sink */
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
	size_t lines[JOURNAL_LOGS], lines_left_out[JOURNAL_LOGS];
	int closing, done, result;

	/* the thread's own */
	struct store *store;
	struct journal_text {
		char *path; /* NULL: none */
		int fd, error;
	} logs[JOURNAL_LOGS];
	uid_t log_uid;
	gid_t log_gid;
	mode_t log_mode;
	struct ops work, fetches; /* not committed, not answered yet */
	int error;
	int64_t retry_at, pause, upkeep_at;
};

/* journal_thread.c: the thread's function; its argument is the journal. */
void journal_run(void *);

/* journal_queue.c */
void journal_ops_init(struct ops *);
void journal_ops_add(struct ops *, struct op *);
void journal_ops_free(struct ops *);
void journal_op_free(struct op *);
void journal_events_init(struct events_list *);
void journal_event_free(struct event *);

#endif

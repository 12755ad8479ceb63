/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal: an SQLite file with every batch that some sink has not taken yet, and each
 * sink's cursor. One thread of its own is the only one that touches the file; the functions
 * here are called from the main thread, never block, and answer by a callback on the main
 * thread's loop. It also appends to error.log and exe.log, so that the main thread never waits for a disk.
 *
 *   batch(seq, at, digest, payload)  cursor(sink, seq)  dead(sink, seq, at, why, payload)  meta(key, value)
 *   told(seq, bytes, records): which batches have something that people are told of (codec_seal())
 */
#ifndef PS_DELIVERY_JOURNAL_H
#define PS_DELIVERY_JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "core/base/buf.h"
#include "core/delivery/codec.h"
#include "core/record.h"

struct journal;

/* What was found when it was opened. */
struct journal_start {
	uint8_t host[PS_ID_SIZE];
	uint64_t last_seq;        /* 0: empty */
	int64_t last_end_ns;      /* end of the last window that was handed over; 0: none */
	int unclean;              /* the last run did not stop: what it had not closed is lost */
	int64_t unclean_since_ns; /* when that run had started */
	char *set_aside;          /* the damaged file's new path, for free(), or NULL: then host is new too */
};

struct journal_stats {
	uint64_t batches, bytes; /* waiting */
	uint64_t last_seq;
	uint64_t queued; /* handed over, not yet committed */
	uint64_t told;   /* records that wait for the sink for people that is behind most */
	int64_t commit_ns_max;
	int error; /* -errno of the last failed commit; 0: fine */
};

/* Batches dropped for a sink, because the journal met its limits (or was damaged while open:
 * then only `batches` is known). */
struct journal_drop {
	const char *sink;
	uint64_t batches, records, sent, received;
	int64_t start_ns, end_ns;
};

struct journal_events {
	void *arg;
	/* Batches up to seq are durable: couriers may ask for them. */
	void (*committed)(void *arg, uint64_t last_seq);
	void (*dropped)(void *arg, const struct journal_drop *);
	/* The disk refuses (error < 0), or takes again (0): called once per change. What was
	 * handed over is kept in memory and tried again. */
	void (*trouble)(void *arg, int error, const char *what);
};

struct journal_limits {
	int64_t max_size, max_age_ms;
};

/* Texts that the thread appends to, and whose they are to be. */
enum journal_log { JOURNAL_ERROR_LOG, JOURNAL_EXE_LOG, JOURNAL_LOGS };
struct journal_logs {
	const char *paths[JOURNAL_LOGS]; /* NULL: none */
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

/* Opens or makes `path`, whose folder must be root's (trust.h); blocks (start-up only). The digest is
 * computed by the thread. logs may be NULL. 0 or -errno, with a message logged: -EBUSY when another daemon has it,
 * -ENOTSUP when a newer program made it. A damaged file is set aside and a new one begun. Starts the thread. */
int journal_open(struct journal **, uv_loop_t *, const char *path, codec_digest *, const struct journal_logs *logs,
                 const struct journal_limits *, const struct journal_events *, struct journal_start *);

/* Hands over the encoded, unsealed batches of one window: all of them are committed in one
 * transaction, in this order; none, of a window without records, only move its end. Takes over the buffers' memory
 * (leaves them empty). Never blocks. end_ns: the window's end. */
void journal_append(struct journal *, struct buf *batches, size_t n, int64_t end_ns);

/* How many windows are handed over and not yet committed: back-pressure for the ledger. */
size_t journal_queued(const struct journal *);

/* The first batch behind the sink's cursor: done(arg, seq, data, len) on the main thread; seq 0
 * and no data when there is none. data lives until done() returns. At most one question per
 * sink at a time. */
typedef void (*journal_fetched)(void *arg, uint64_t seq, const uint8_t *data, size_t len);
void journal_fetch(struct journal *, const char *sink, journal_fetched done, void *arg);

/* How many batches for people are kept while nobody takes them, and how large they may be together. */
#define JOURNAL_TOLD_BATCHES 1000
#define JOURNAL_TOLD_BYTES (8 << 20)

/* Names the sinks whose cursors count. A new one begins at the oldest batch that is there; the
 * cursor of one that is no longer named is forgotten. Until the first call nothing is deleted.
 *
 * People: it gets only the batches that have something for people, of which a few are kept for as long as it takes;
 * those that are too many are dropped, oldest first, and nobody is alerted. Of such a sink, NAME@WHO is another
 * reader: it begins where NAME is, and moves NAME on, so that NAME is where the quickest of them is. NAME comes
 * before it in the list. */
struct journal_sink {
	const char *name;
	int people;
};
void journal_sinks(struct journal *, const struct journal_sink *, size_t n);

/* The sink has taken everything up to seq. */
void journal_taken(struct journal *, const char *sink, uint64_t seq);
/* The sink can never take seq: it is kept in `dead` with the reason, and the cursor moves on. */
void journal_dead(struct journal *, const char *sink, uint64_t seq, const char *why);

/* Appends one line (a newline is added, control characters but tabs become '?'). Any thread. When too many
 * wait, lines are left out, and how many is written. A file that was moved or removed is made anew, so that it can
 * be rotated without asking; reopen: at once, and with its owner and mode. */
void journal_line(struct journal *, enum journal_log, const char *line);
void journal_reopen_logs(struct journal *);

void journal_set_limits(struct journal *, const struct journal_limits *);
void journal_get_stats(struct journal *, struct journal_stats *); /* thread-safe snapshot */

/* Commits what was handed over, marks the stop as clean, ends the thread, frees. Blocks, for at
 * most `timeout_ms`; then returns -ETIMEDOUT and what is in memory is lost, as with any other error.
 * Callbacks are not called any more. The loop must turn once after this, before it is closed. */
int journal_close(struct journal *, int64_t timeout_ms);

#endif

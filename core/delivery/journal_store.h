/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal's file: its SQL, and what is remembered of it in memory. Everything that writes
 * is called between store_begin() and store_commit(); after store_rollback() memory is again
 * what the file is, and the same calls may be made again. Used by one thread at a time.
 *
 * Errors are -errno; -EUCLEAN: the file is damaged (then store_reset()).
 */
#ifndef PS_DELIVERY_JOURNAL_STORE_H
#define PS_DELIVERY_JOURNAL_STORE_H

#include "core/delivery/journal.h"

struct store;

/* Opens, checks, repairs by setting aside; marks the run as begun. A message is logged on error. */
int store_open(struct store **, const char *path, codec_digest *, struct journal_start *);
/* clean: this run has handed over all that it had. */
void store_close(struct store *, int clean);

int store_begin(struct store *);
int store_commit(struct store *);
void store_rollback(struct store *);

/* Sets the damaged file aside and begins another, with the same host id and chain. All that it
 * held is lost to the sinks that had not taken it: told by store_next_drop(), without totals. */
int store_reset(struct store *, char **aside);

int store_append(struct store *, struct buf *batch, int64_t end_ns);
void store_ended(struct store *, int64_t end_ns); /* of the window whose batches were appended, if any */
/* people: of each, whether it is for people; NULL: none is. */
int store_sinks(struct store *, const char *const *names, const char *people, size_t n);
int store_taken(struct store *, const char *sink, uint64_t seq);
int store_dead(struct store *, const char *sink, uint64_t seq, const char *why);

/* Deletes what every sink has taken, and, for laggards, what is beyond the limits: a slice of it,
 * *more is set when there is more. */
int store_trim(struct store *, const struct journal_limits *, int *more);

/* What the last commit has dropped, one sink after the other: 1 and *drop, or 0. The name lives
 * until the sinks are named again. */
int store_next_drop(struct store *, struct journal_drop *drop);

/* Remembered at once and not undone by a rollback: what the sink has beyond doubt, so that it is
 * not given twice while the disk refuses. */
void store_reached(struct store *, const char *sink, uint64_t seq);
/* The first batch that the sink has not reached: mem_alloc()ed data, or *seq 0. */
int store_fetch(struct store *, const char *sink, uint64_t *seq, uint8_t **data, size_t *len);

/* Gives unused pages back to the file system, a slice of them. 1: there are more. */
int store_shrink(struct store *);

void store_stats(const struct store *, struct journal_stats *); /* batches, bytes, last_seq, told */
const char *store_message(const struct store *);                /* SQLite's, of the last error */

#endif

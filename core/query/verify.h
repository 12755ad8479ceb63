/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hash chain of a store, computed again from its rows: what was changed, added or removed, and
 * where. What it cannot tell is whether the newest batches were cut off, or whether all of the chain
 * was made anew by somebody who may write to the store: for that, two stores are compared.
 * One thread.
 */
#ifndef PS_QUERY_VERIFY_H
#define PS_QUERY_VERIFY_H

#include "core/trail.h"

struct verify;

struct verify_counts {
	uint64_t batches, rows; /* that were recomputed */
	uint64_t older;         /* batches of versions without marks: their links alone were looked at */
	uint64_t retired;       /* batches that retention may have taken rows from: likewise */
	uint64_t set_aside;     /* rows that the store would never take, as its batches say */
	uint64_t hosts;
	uint64_t faults;
	int64_t first, last; /* Unix seconds: from the first batch's start to the last one's end */
};

/* fault: is told of each fault, for people, in a line whose bytes are as they came. */
struct verify *verify_new(void (*fault)(void *arg, const char *text), void *arg);
void verify_free(struct verify *);

/* Before the walk: what is older (Unix seconds) may have been removed by whoever administers the store. */
void verify_from(struct verify *, int64_t);

/* What a reader's walk() is to be given. */
const struct ps_trail *verify_trail(struct verify *);

/* After the walk. */
void verify_end(struct verify *, struct verify_counts *);

/* Compares what two stores say of the same hosts, after both have been walked: a batch that only one
 * has, or of which they have different digests, is a fault of `v`. Counted in verify_end() of v. */
void verify_compare(struct verify *v, const char *name, const struct verify *other, const char *other_name);

#endif

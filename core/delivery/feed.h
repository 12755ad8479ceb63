/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The live feed's socket: RUN/feed.sock, 0660, to whose readers go lines, all of them or none.
 * Main thread only; never blocks.
 *
 * Nothing is read from a reader. One for which more than FEED_WAITING_MAX bytes would wait is told so in
 * its last line, and dropped. Lines are made once, and shared by all readers.
 */
#ifndef PS_DELIVERY_FEED_H
#define PS_DELIVERY_FEED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "core/base/buf.h"

enum { FEED_READERS_MAX = 16, FEED_WAITING_MAX = 8 << 20 };

struct feed;

/* Writes what a reader gets first: one line. The reader counts already. */
typedef void (*feed_greet)(void *arg, struct buf *out);

/* 0 or -errno. gid: whose group may read beside root. */
int feed_open(struct feed **, uv_loop_t *, const char *folder, gid_t gid, feed_greet, void *arg);

/* Tells the readers that it ends. closed(): the loop has closed its handles, and it is freed. */
void feed_close(struct feed *, void (*closed)(void *arg), void *arg);

/* Whether anybody reads: if not, no lines need be made. */
bool feed_is_read(const struct feed *);

/* Sends whole lines to everyone; takes the text over and leaves it empty. To be called at least every few
 * seconds: that is how readers that have gone are noticed. */
void feed_put(struct feed *, struct buf *lines);

struct feed_stats {
	unsigned readers;
	uint64_t accepted; /* readers since start; of these, ... */
	uint64_t dropped;  /* ... those that were too slow */
	uint64_t refused;  /* beyond FEED_READERS_MAX */
	uint64_t bytes;    /* of lines made */
	uint64_t waiting;  /* bytes that wait for the slowest reader */
};
void feed_get_stats(const struct feed *, struct feed_stats *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the live feed shows: with each drain the flows that moved, as the ledger sees them; at once
 * what is new about programs, and what was lost; every few seconds who listens. Main thread only.
 *
 * While nobody reads, nothing is asked of anyone. A drain's lines are bounded: flows beyond that are added
 * up for their process, and processes beyond that for all.
 */
#ifndef PS_DAEMON_LIVE_H
#define PS_DAEMON_LIVE_H

#include <uv.h>

#include "core/config/settings.h"
#include "core/daemon/listening.h"
#include "core/delivery/feed.h"
#include "core/ledger/first_seen.h"
#include "core/ledger/ledger.h"
#include "core/ledger/losses.h"

enum {
	LIVE_INTERVAL_MS = 500,   /* between two drains, at most, while somebody reads */
	LIVE_LINES_MAX = 2048,    /* flows that have lines of their own in one drain, ... */
	LIVE_BYTES_MAX = 1 << 20, /* ... and bytes of these; then as many again for processes */
	LIVE_MERGED_MAX = 512,    /* processes whose other flows are added up */
};

struct live;

struct live_parts {
	const struct settings *settings;
	struct probe *probe;
	struct processes *processes;
	struct ledger *ledger;
	struct losses *losses;
	const char *host;           /* its name; must live as long */
	void (*watched)(void *arg); /* a reader came: drains should be live_interval_ms() apart */
	void *arg;
};

/* Never NULL: without a socket, which is said, nobody reads. */
struct live *live_open(uv_loop_t *, const struct live_parts *);
/* Tells the readers; closed() is called when all is freed. */
void live_close(struct live *, void (*closed)(void *arg), void *arg);
/* NULL: it is closed already. */
void live_reload(struct live *, const struct settings *);

/* What drains should be apart: the setting, or less. */
int64_t live_interval_ms(const struct live *);

/* A drain is about to be added to the ledger: its lines say that it was until now. */
void live_drained(struct live *);

/* Ends a drain: what the ledger was given since the last one goes out. */
void live_tick(struct live *);

/* Something is new about a program. */
void live_note(struct live *, const struct first_note *);

/* Something was found out about a content. */
void live_finding(struct live *, const struct finding *);

/* NULL: all is 0. */
void live_get_stats(const struct live *, struct feed_stats *, struct listening_stats *);

#endif

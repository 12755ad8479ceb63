/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hashes that were seen, what is known of each, and when it is to be asked for: an SQLite file, so that a hash is
 * asked for once, and the pace is kept, over restarts. Times are Unix seconds. One thread.
 */
#ifndef PS_VIRUSTOTAL_QUEUE_H
#define PS_VIRUSTOTAL_QUEUE_H

#include <stdbool.h>

#include "core/plugin.h"

#define QUEUE_MAX 65536 /* beyond that, those that were seen longest ago are forgotten */

struct queue;

struct queue_entry {
	struct ps_found found; /* without a link; the reason points here */
	char reason[PS_FOUND_REASON_MAX + 1];
	int64_t due_s; /* pending or failed: not to be asked before */
	int64_t tries; /* that failed, one after the other */
};

/* When the next request may be made (Unix milliseconds), and how many were made on which day (since 1970, UTC). */
struct queue_pace {
	int64_t next_ms, day, used;
};

struct queue_counts {
	int64_t all, waiting, suspicious, untold;
};

/* 0, or -errno after why(). has_key: whether what is pending can be asked for. */
int queue_open(struct queue **, const struct ps_host *, struct ps_ctx *, bool has_key);
void queue_close(struct queue *);

/* Between these two, queue_see(); what was seen is durable when queue_end() has returned 0. */
int queue_begin(struct queue *);
int queue_end(struct queue *);
/* tell: what is known of it is to be told again. */
int queue_see(struct queue *, const uint8_t sha256[32], bool tell, int64_t now_s);

/* What is to be asked next: first what has no answer yet, then, if `again_s` is not 0, the answer that is the oldest,
 * if it is older than that many seconds. 1 and *e, 0 for nothing, or -errno. */
int queue_next(struct queue *, int64_t now_s, int64_t again_s, struct queue_entry *e);
int queue_set(struct queue *, const struct queue_entry *); /* it is to be told, if its state is another */

/* What the core has not been told. As above. */
int queue_untold(struct queue *, struct queue_entry *);
int queue_told(struct queue *, const uint8_t sha256[32]);

int queue_get_pace(struct queue *, struct queue_pace *);
int queue_set_pace(struct queue *, const struct queue_pace *);
int queue_count(struct queue *, struct queue_counts *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The flows that moved bytes lately, of all programs, by key. Bounded: the one that has been quiet for
 * longest makes room. A flow belongs to a list of its program's.
 */
#ifndef PS_TOP_FLOWS_H
#define PS_TOP_FLOWS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/base/table.h"
#include "core/top/feed_line.h"
#include "core/top/rows.h"

LIST_HEAD(flow_list, flow);
TAILQ_HEAD(flow_queue, flow);

struct flow {
	uint8_t key[32];
	TAILQ_ENTRY(flow) quiet;
	LIST_ENTRY(flow) of_program;
	struct flow_count *of;
	uint64_t order; /* of its first line */
	uint64_t program;
	int64_t since_ns, lport;
	int64_t moved_ns; /* when it last did, by the model's time */
	struct top_bytes total;
	bool closed;
	char direction[4], protocol[FEED_LINE_PROTOCOL_SIZE];
	char *peer;
};

/* A program's flows, and how many of them are open. */
struct flow_count {
	struct flow_list list;
	uint64_t open;
};

struct flows {
	struct table by_key;
	struct flow_queue quiet; /* the quietest first */
	size_t most;
	uint64_t made, evicted;
};

void flows_init(struct flows *, size_t most);
void flows_done(struct flows *);

/* The flow of that key, and now the least quiet; a new one, to be filled in, if *made. */
struct flow *flows_get(struct flows *, const uint8_t key[32], struct flow_count *of, bool *made);
void flows_close(struct flow *);

/* Forgets those that have been quiet since before then, and those of a program. */
void flows_expire(struct flows *, int64_t before_ns);
void flows_forget(struct flows *, struct flow_count *);

/* Up to `most` of the flows, the newest first. The array is the caller's, the flows are not. */
struct flow **flows_newest(const struct flows *, size_t most, size_t *n);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A courier carries batches from the journal to one sink's host process, one at a time and in
 * order, and moves the sink's cursor. It starts the host, kills one that hangs, and starts it
 * again with growing pauses; nothing that a sink does reaches further than its courier.
 * Main thread only.
 */
#ifndef PS_DELIVERY_COURIER_H
#define PS_DELIVERY_COURIER_H

#include <stdint.h>
#include <uv.h>

#include "core/config/settings.h"
#include "core/delivery/journal.h"

struct courier;

enum courier_state {
	COURIER_STARTING,   /* the host has not opened its sink yet */
	COURIER_READY,      /* idle or writing */
	COURIER_AWAY,       /* the destination is away; waiting to try again */
	COURIER_RESTARTING, /* the host ended or was killed; waiting to start it again */
	COURIER_STOPPED,    /* misconfigured: stays so until the next reload */
	COURIER_ENDED,      /* asked to stop, and the host has gone */
};

struct courier_status {
	const char *name, *plugin, *state_text, *why; /* why: the last trouble, or "" */
	enum courier_state state;
	pid_t pid;
	uint64_t cursor;           /* last batch taken in this run */
	uint64_t batches, records; /* taken in this run */
	uint64_t restarts, dead;
	int64_t since_ns; /* CLOCK_MONOTONIC of the last change of state */
	char stats[256];  /* the sink's own line */
};

struct courier_events {
	void *arg;
	/* A change that an administrator wants to know of: away, back, crashed, hung, a batch set
	 * aside, misconfigured. Once per change. */
	void (*alert)(void *arg, const char *sink, const char *text, uint64_t count);
	void (*ended)(void *arg, struct courier *);
	/* The sink has found out something; it lives until the call returns. 0: courier_found_done() will say when it
	 * is durable; or -errno, which is the answer. NULL: nobody wants to know. */
	int (*found)(void *arg, const char *sink, const struct ps_found *);
};

struct courier_host {
	const char *program; /* this program's own file */
	uid_t uid;           /* whom the host runs as */
	gid_t gid;
	const struct settings *settings;
	int64_t pause_min_ms, pause_max_ms; /* before another try; 0: 1 s and 60 s */
};

/* Starts the host. Settings and program must live until the courier is freed; what `host` and
 * `events` point to is copied. SIGPIPE is ignored from then on. uid and gid count when this process is root; then
 * neither may be 0. */
struct courier *courier_open(uv_loop_t *, struct journal *, const struct sink_settings *, const struct courier_host *,
                             const struct courier_events *);

/* New batches are in the journal: go and look. Cheap when busy. */
void courier_wake(struct courier *);

/* What found() has taken is durable. Nothing happens if the host has ended meanwhile, or none waits. */
void courier_found_done(struct courier *);

/* No more batches after the one under way; with drain set, goes on until the journal has none
 * for it, or the destination is away. At the deadline (CLOCK_MONOTONIC ns) the host is killed; it is
 * told to hurry (SIGTERM) before. ended() is called when it has gone, never from within this. */
void courier_stop(struct courier *, int drain, int64_t deadline_ns);

/* The texts live until the loop turns. */
void courier_get_status(const struct courier *, struct courier_status *);
void courier_free(struct courier *); /* only after ended() */

#endif

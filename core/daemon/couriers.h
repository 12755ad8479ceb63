/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The couriers of the sinks that are enabled. A sink for people (one with an option of type PS_OPTION_USERS) has one
 * for each of its users who is there, whose host runs as that user; while nobody is, it has none, and no process.
 * Main thread only.
 */
#ifndef PS_DAEMON_COURIERS_H
#define PS_DAEMON_COURIERS_H

#include <uv.h>

#include "core/delivery/courier.h"
#include "core/delivery/journal.h"

struct couriers;

struct couriers_events {
	void *arg;
	/* As those of a courier; of sinks for people only what concerns a batch is told: they would tell of themselves. */
	void (*alert)(void *arg, const char *sink, const char *text, uint64_t count);
	int (*found)(void *arg, const char *sink, const struct ps_found *);
	/* All have ended, after couriers_stop(): never from within this. */
	void (*ended)(void *arg);
};

struct couriers *couriers_open(uv_loop_t *, struct journal *, const struct couriers_events *);
/* Starts one for each sink of host->settings; what the host points to must live until they have ended. Only when
 * there are none. Returns how many sinks are enabled. */
size_t couriers_start(struct couriers *, const struct courier_host *);
void couriers_wake(struct couriers *);
void couriers_found_done(struct couriers *);
/* courier_stop() for each; may be called again with less time. */
void couriers_stop(struct couriers *, int drain, int64_t deadline_ns);
bool couriers_running(const struct couriers *);

/* The i-th of what there is to say; false: there is no more. The texts live until the loop turns. */
bool couriers_get_status(struct couriers *, size_t i, struct courier_status *);

/* Only when none runs. The loop must turn after this. */
void couriers_close(struct couriers *);

#endif

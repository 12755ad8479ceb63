/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One run of a sink's host: the process and the socket to it. Nothing that comes from there is
 * trusted, and nothing that goes there is waited for. Main thread only.
 */
#ifndef PS_DELIVERY_HOST_LINK_H
#define PS_DELIVERY_HOST_LINK_H

#include <sys/types.h>
#include <uv.h>

#include "core/base/buf.h"
#include "core/delivery/courier.h"

struct host_link;

struct host_link_events {
	void *arg;
	void (*frame)(void *arg, uint8_t type, struct cursor *body);
	/* The process has ended, and how ("was killed by signal 11"): the last call; the link is freed. */
	void (*gone)(void *arg, const char *how);
};

/* Starts it. 0 or -errno: then gone() is not called. */
int host_link_open(struct host_link **, uv_loop_t *, const struct courier_host *, const char *sink,
                   const struct host_link_events *);

/* Queues a frame; takes over its memory, which is wiped when it was sent. */
void host_link_send(struct host_link *, struct buf *frame);

void host_link_hurry(struct host_link *);                 /* SIGTERM */
void host_link_end(struct host_link *);                   /* closes the socket: it is to end by itself */
void host_link_kill(struct host_link *, const char *why); /* SIGKILL; why: constant, for gone() */
pid_t host_link_pid(const struct host_link *);

#endif

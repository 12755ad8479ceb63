/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who waits for connections or datagrams: looked for every few seconds while somebody reads the live feed, by a
 * thread that nobody waits for. A look is told whole, when it differs from the one before, when a reader has
 * come, and from time to time, as hashes come late. Main thread only.
 *
 * A socket is told once for each process that has it open. What no process has open is not found: the kernel's own
 * sockets, and those that are on their way to another process, or are only registered with an io_uring.
 */
#ifndef PS_DAEMON_LISTENING_H
#define PS_DAEMON_LISTENING_H

#include <uv.h>

#include "core/base/buf.h"
#include "core/capture/probe.h"
#include "core/config/settings.h"
#include "core/identify/process.h"

enum {
	LISTENING_MAX = 4096,          /* sockets of processes that are told; ... */
	LISTENING_BYTES_MAX = 2 << 20, /* ... and bytes of their lines: what is beyond is counted */
	LISTENING_LOOK_MS = 2000,      /* between two looks, at least, ... */
	LISTENING_REST = 20,           /* ... and so many times as long as the last one took */
	LISTENING_AGAIN_MS = 10000,    /* a look that has not changed is told again after this long */
};

struct listening;

struct listening_stats {
	uint64_t looks;       /* since start */
	uint64_t found, more; /* at the last one that was told: as lines, and beyond the bounds */
	int64_t took_ns;      /* the last one, in its thread */
};

/* told: a look, as lines of the feed, which it takes over. */
struct listening *listening_open(uv_loop_t *, struct probe *, struct processes *,
                                 void (*told)(void *arg, struct buf *lines), void *arg);
/* No more is told. closed(): the thread has ended, and it is freed. */
void listening_close(struct listening *, void (*closed)(void *arg), void *arg);

/* With each drain while somebody reads. Looks if it is time to. `reader`: one has come, who is not greeted yet: it is
 * told the next look, or in the next call the last one, if that was not long ago. */
void listening_look(struct listening *, const struct log_settings *, bool reader);

void listening_get_stats(const struct listening *, struct listening_stats *);

#endif

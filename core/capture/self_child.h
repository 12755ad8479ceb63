/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One run of the self-test's child, seen from the process that watches: starts it, lets it go once
 * its network namespace is known, hears what it moved, and ends it if it hangs. Main thread only.
 */
#ifndef PS_CAPTURE_SELF_CHILD_H
#define PS_CAPTURE_SELF_CHILD_H

#include <uv.h>

#include "core/capture/self_test.h"

struct self_child;

struct self_child_events {
	void *arg;
	/* Traffic begins after this returns. That number is nobody else's until the child is closed. */
	void (*netns)(void *arg, uint32_t inode);
	/* It has ended, after time_ns of traffic. moved: SELF_PATHS of them, or NULL, because of `why`. */
	void (*ended)(void *arg, const struct self_moved *moved, int64_t time_ns, const char *why);
};

/* `program` is this program's own file. 0 or -errno: then ended() is not called. */
int self_child_open(struct self_child **, uv_loop_t *, const char *program, const struct self_child_events *);

/* Ends it by force; ended() follows. */
void self_child_kill(struct self_child *, const char *why);

/* After ended(). Calls closed(arg) once nothing of it is left in the loop. */
void self_child_close(struct self_child *, void (*closed)(void *arg));

#endif

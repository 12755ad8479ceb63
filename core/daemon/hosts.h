/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hosts files of network namespaces, as a process in each of them sees its own, read when they change.
 *
 * Another mount namespace's files may be anybody's, and hang for ever: they are read by a thread of their own,
 * which nobody waits for. All else is for the main thread.
 */
#ifndef PS_DAEMON_HOSTS_H
#define PS_DAEMON_HOSTS_H

#include <uv.h>

#include "core/capture/namespaces.h"
#include "core/identify/domain.h"
#include "core/ledger/losses.h"

#define HOSTS_BYTES (1u << 20) /* of one file; the rest is left out */

struct hosts;

struct hosts *hosts_open(uv_loop_t *, struct domains *, struct losses *);
/* closed(): what is still being read is left to its thread. */
void hosts_close(struct hosts *, void (*closed)(void *arg), void *arg);

/* Looks for changes in these, from the first call on with a thread, which has the rights of who makes it; domains get
 * them later. Those that are not among them any more are forgotten. */
void hosts_look(struct hosts *, const struct namespace_process *, size_t n);

#endif

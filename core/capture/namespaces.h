/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The network namespaces of this machine, as far as a process lives in them, and their counters.
 * They are found by looking through /proc from time to time, and told of by whoever saw traffic.
 *
 * One thread at a time: a worker reads while the main thread leaves it alone.
 */
#ifndef PS_CAPTURE_NAMESPACES_H
#define PS_CAPTURE_NAMESPACES_H

#include "core/capture/addresses.h"
#include "core/capture/counters.h"

#define NAMESPACES_MAX 64 /* that are read; what is beyond them is told */

struct namespaces;

struct namespace_counters {
	uint32_t netns; /* inode */
	struct counters counters;
};

struct namespaces *namespaces_open(void); /* knows the one that it is in */
void namespaces_close(struct namespaces *);

/* A process that was seen in that namespace. */
void namespaces_hint(struct namespaces *, uint32_t netns, uint32_t pid);

/* Reads the counters of all of them; about 0.2 ms each. Blocks on /proc: for a worker. */
void namespaces_read(struct namespaces *);

/* Whether the next readings are of the addresses of interfaces, too. */
void namespaces_want_addresses(struct namespaces *, bool wanted);

/* Those that were read last. */
const struct own_addresses *namespaces_addresses(const struct namespaces *);

/* What was read last. A namespace whose process has gone is left out until another is found. */
const struct namespace_counters *namespaces_counters(const struct namespaces *, size_t *n);

/* Of each, a process that lives in it. */
struct namespace_process {
	uint32_t netns, pid; /* pid 0: none is known */
};

/* How many of NAMESPACES_MAX were set; the first is our own. */
size_t namespaces_processes(const struct namespaces *, struct namespace_process out[NAMESPACES_MAX]);

/* True while there are more namespaces than are read. */
bool namespaces_cut(const struct namespaces *);

#endif

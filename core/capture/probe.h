/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel side, seen from the core: loads the programs of one door, attaches them, hands on
 * process events, and empties the flow maps. One instance a process.
 */
#ifndef PS_CAPTURE_PROBE_H
#define PS_CAPTURE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "core/base/buf.h"
#include "core/config/settings.h"

struct probe;

/* One BPF program: what it is attached to, whether it is, and what is missed without it. */
struct probe_hook {
	const char *name;    /* "fexit/inet_sendmsg", as the kernel knows it */
	const char *without; /* what is not seen without it; NULL: it must be there */
	const char *module;  /* of the kernel, without which there is nothing to see; NULL: none */
	bool attached;
	bool asleep; /* the module was not loaded when the programs were */
	int error;   /* -errno if not attached */
};

/* Whether the kernel still runs an attached program. */
enum probe_holds { PROBE_HOLDS, PROBE_DETACHED, PROBE_REPLACED };

/* Loads and attaches. `hooks` decides the door; auto tries fexit, then tracepoint. 0, or -errno
 * with what the matter is and what to do logged. Sets malloc's thresholds, for a process that gives back what it does
 * not need. */
int probe_open(struct probe **, const struct settings *);
void probe_close(struct probe *); /* detaches */

enum hooks probe_door(const struct probe *);
const char *probe_door_name(const struct probe *);
const struct probe_hook *probe_hooks(const struct probe *, unsigned *n);

/* Readable when there are process events. */
int probe_fd(const struct probe *);

/* Hands on what is in the ring buffer, at most `max` events (0: until it is empty). The event
 * lives until the function returns. True if there may be more. Main thread. */
typedef void (*probe_event)(void *arg, const void *data, size_t len);
bool probe_consume(struct probe *, probe_event, void *arg, unsigned max);

/* Readable when evidence of names fills its ring buffer; what is there otherwise waits until it is
 * asked for. */
int probe_evidence_fd(const struct probe *);
bool probe_consume_evidence(struct probe *, probe_event, void *arg, unsigned max); /* likewise */

/* The programs for the beginning and the end of getaddrinfo(), for lookups.h. */
int probe_lookup_begins(const struct probe *);
int probe_lookup_ends(const struct probe *);

/* Calls `each` for every process that ran when events of processes began to come, and before anything
 * was counted. Once. 0 or -errno. */
int probe_tasks(struct probe *, void (*each)(void *arg, const struct wire_task *), void *arg);

/* Calls `each` for every open AF_XDP socket, and every open character device that is neither memory
 * nor a terminal. Any thread. 0 or -errno. */
int probe_channels(struct probe *, void (*each)(void *arg, const struct wire_channel *), void *arg);

/* Calls `each` for every descriptor of a socket that listens, or is UDP's and bound without a peer. Any
 * thread. 0 or -errno; -EOPNOTSUPP: this kernel cannot. */
int probe_listeners(struct probe *, void (*each)(void *arg, const struct wire_listener *), void *arg);

/* Appends what the programs counted since the last time to `out`: drain_all() of drain.h. Not for the
 * main thread. */
int probe_drain(struct probe *, struct buf *out);

/* How full the flow map was at the last drain: drain_fill(). Not beside a drain. */
void probe_fill(const struct probe *, uint32_t *n, uint32_t *room);

/* Counters since loading, summed over the CPUs: enum wire_counter. */
void probe_counters(struct probe *, uint64_t counters[WIRE_COUNTERS]);

/* A hook that sleeps although its module has been loaded since: what it would see passes by until
 * the programs are loaded anew. Each is given once; then NULL. */
const struct probe_hook *probe_overslept(struct probe *);

/* How many calls the kernel did not show to a program, because it was already running on that CPU,
 * nor to one that stands in for it: what they would have counted is missing. */
uint64_t probe_missed(struct probe *);

/* The hook that has last missed one. */
const char *probe_missing(const struct probe *);

/* What has become of a hook; one that is not attached holds. Any thread, but not beside
 * probe_hook_lost(). */
enum probe_holds probe_hook_state(const struct probe *, unsigned hook);
/* From now on it is not attached. Main thread. */
void probe_hook_lost(struct probe *, unsigned hook, enum probe_holds);

/* How often a drain found a map in use that is not ours: somebody put it there. Any thread. */
uint64_t probe_displaced(const struct probe *);

#endif

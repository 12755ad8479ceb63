/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Empties what the programs count in, without losing what they count meanwhile: they are turned to an
 * empty half and an empty map, and the full ones are read when nobody uses them any more. How the
 * programs find their flows is told in bpf/flows.h.
 */
#ifndef PS_CAPTURE_DRAIN_H
#define PS_CAPTURE_DRAIN_H

#include <stdint.h>

#include "bpf/wire.h"
#include "core/base/buf.h"

struct drain;

/* What belongs to it in the kernel. The descriptors and addresses must outlive the drain. */
struct drain_maps {
	int flows, coarse;             /* each holds another map: at first ... */
	int flows_first, coarse_first; /* ... this one */
	int slots;                     /* of struct wire_slots */
	uint32_t n_slots;
	const __u64 *flows_made, *coarse_made; /* counts of flows that were made */
	__u32 *generation;
};

/* Makes the maps to turn to. NULL with errno. */
struct drain *drain_open(const struct drain_maps *);
void drain_close(struct drain *); /* may be NULL */

/* Appends what was counted since the last time to `out`, as pairs of struct wire_flow_key and struct
 * wire_flow; a key may come twice. Waits for the programs that run, about 10 ms: not for the main
 * thread, and not in two at once. Returns the number of flows or -errno: then what was not read is
 * read the next time. */
int drain_all(struct drain *, struct buf *out);

/* How many flows were in the flow map when it was last drained, and how many have room there. Not beside drain_all().
 */
void drain_fill(const struct drain *, uint32_t *n, uint32_t *room);

/* How often a map was in use that is not ours: somebody put it there. Any thread. */
uint64_t drain_displaced(const struct drain *);

#endif

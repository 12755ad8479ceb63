/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The maps that the programs share, and the small things that all of them use. */
#ifndef PS_BPF_MAPS_H
#define PS_BPF_MAPS_H

#include "kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "wire.h"

/* Flows are counted in the map that `flows` holds. The core swaps in the other one: the swap
 * returns when no program uses the old one any more, so reading that one misses nothing. */
struct flow_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct wire_flow_key);
	__type(value, struct wire_flow);
} flows_a SEC(".maps"), flows_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct flow_map);
} flows SEC(".maps") = {.values = {&flows_a}};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WIRE_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* Flows that were made since loading: as long as it stands still, the map in use is empty. */
__u64 flows_made;

static __always_inline void count(__u32 which, __u64 n)
{
	__u64 *counter = bpf_map_lookup_elem(&counters, &which);

	if (counter)
		*counter += n;
}

static __always_inline void image_of(struct wire_image *image, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	image->start = leader->start_boottime;
	image->tgid = leader->tgid;
	image->exec_id = (__u32)leader->self_exec_id;
}

#endif

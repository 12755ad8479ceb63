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

/* What found no room there is counted per process: the same, small, and with keys that have
 * neither addresses nor ports. */
struct coarse_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct wire_flow_key);
	__type(value, struct wire_flow);
} coarse_a SEC(".maps"), coarse_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct coarse_map);
} coarse SEC(".maps") = {.values = {&coarse_a}};

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

/* Flows that were made since loading: as long as it stands still, the maps in use are empty. */
__u64 flows_made, coarse_made;

/* What is known of a TCP connection; it goes with the socket. */
struct connection {
	struct wire_flow_key key; /* of the flow that was last made for it */
	__u64 opened;             /* ns since boot */
	__u32 direction;          /* enum wire_direction */
	__u32 seq;                /* how far it had been read when we last looked ... */
	__u32 counted;            /* ... and what was counted of the receive call under way, while `late` */
	__u8 owned;               /* key is set */
	__u8 born;                /* its beginning was seen */
	__u8 placed;              /* seq is set */
	__u8 late;                /* its first position is not known: the socket is older than the daemon */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct connection);
} connections SEC(".maps");

static __always_inline void count(__u32 which, __u64 n)
{
	__u64 *counter = bpf_map_lookup_elem(&counters, &which);

	if (counter)
		*counter += n;
}

/* n, at most `most`, in a way that older verifiers can follow: they forget a bound that was found
 * out about a copy. */
static __always_inline __u32 at_most(__u32 n, __u32 most)
{
	barrier_var(n);
	return n > most ? most : n;
}

/* Before 5.11, tracing programs have neither the current task with its type nor storage of sockets. */
#define since_5_11() bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)

static __always_inline void image_of(struct wire_image *image, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	image->start = leader->start_boottime;
	image->tgid = leader->tgid;
	image->exec_id = (__u32)leader->self_exec_id;
}

/* The image and, if asked for, the user of who runs. */
static __always_inline void current_image(struct wire_image *image, __u32 *uid)
{
	struct task_struct *task, *leader;

	if (since_5_11()) {
		task = bpf_get_current_task_btf();
		image_of(image, task);
		if (uid)
			*uid = task->cred->uid.val;
		return;
	}
	task = (struct task_struct *)bpf_get_current_task();
	leader = BPF_CORE_READ(task, group_leader);
	image->start = BPF_CORE_READ(leader, start_boottime);
	image->tgid = BPF_CORE_READ(leader, tgid);
	image->exec_id = (__u32)BPF_CORE_READ(leader, self_exec_id);
	if (uid)
		*uid = BPF_CORE_READ(task, cred, uid.val);
}

/* What is known of a connection. flags: 0, or BPF_SK_STORAGE_GET_F_CREATE. NULL: nothing, or no room. */
static __always_inline struct connection *connection_of(struct sock *sk, __u64 flags)
{
	struct connection *c;

	if (!since_5_11())
		return 0;
	c = bpf_sk_storage_get(&connections, sk, 0, flags);
	if (!c && flags)
		count(WIRE_NO_STORAGE, 1);
	return c;
}

/* sk as a TCP socket whose data goes to the program, or NULL: what a layer above TCP (kTLS,
 * MPTCP) takes from a socket is not what the program gets. */
static __always_inline struct tcp_sock *plain_tcp(struct sock *sk)
{
	struct tcp_sock *tp;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	return tp && !tp->inet_conn.icsk_ulp_ops ? tp : 0;
}

/* Whether sk is a connection of its own, and not a path of MPTCP's. */
static __always_inline bool is_plain(struct sock *sk)
{
	return sk->sk_protocol == IPPROTO_MPTCP || plain_tcp(sk);
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one accounting function behind both doors: bytes of a socket, for the calling process. */
#ifndef PS_BPF_ACCOUNT_H
#define PS_BPF_ACCOUNT_H

#include "maps.h"

enum way { SENT, RECEIVED };

/* The other end of one datagram, as far as the socket itself does not say it. */
struct peer {
	__u16 family; /* 0: not known */
	__u16 port;   /* host order */
	__u8 addr[16];
};

/* Sockets of the other families do not leave this machine. */
static __always_inline bool is_counted(const struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return family == AF_INET || family == AF_INET6 || family == AF_PACKET || family == AF_VSOCK;
}

/* Whether datagrams without a byte count, too. */
static __always_inline bool is_udp(const struct sock *sk)
{
	__u16 protocol = sk->sk_protocol;

	return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

/* This end and, as far as the socket is connected, the other one. */
static __always_inline void ends_of(struct wire_flow_key *key, const struct sock *sk)
{
	const struct sock_common *skc = &sk->__sk_common;

	if (sk->sk_type == SOCK_RAW) {
		key->portless = 1; /* where the ports should be is the protocol */
	} else {
		key->lport = skc->skc_num;
		key->rport = bpf_ntohs(skc->skc_dport);
	}
	if (key->family == AF_INET) {
		*(__u32 *)key->laddr = skc->skc_rcv_saddr;
		*(__u32 *)key->raddr = skc->skc_daddr;
	} else {
		struct in6_addr a = skc->skc_v6_rcv_saddr;

		__builtin_memcpy(key->laddr, &a, 16);
		a = skc->skc_v6_daddr;
		__builtin_memcpy(key->raddr, &a, 16);
	}
}

/* What tells one flow from another where there is no IP. */
static __noinline void other_ends_of(struct wire_flow_key *key, const struct sock *sk)
{
	key->portless = key->family == AF_PACKET;
	if (key->family == AF_PACKET && bpf_core_type_exists(struct packet_sock)) {
		key->protocol = bpf_ntohs(BPF_CORE_READ((const struct packet_sock *)sk, num));
	} else if (key->family == AF_VSOCK && bpf_core_type_exists(struct vsock_sock)) {
		const struct vsock_sock *vsk = (const struct vsock_sock *)sk;
		unsigned int ends[4] = {
		    BPF_CORE_READ(vsk, local_addr.svm_cid),
		    BPF_CORE_READ(vsk, local_addr.svm_port),
		    BPF_CORE_READ(vsk, remote_addr.svm_cid),
		    BPF_CORE_READ(vsk, remote_addr.svm_port),
		};

		__builtin_memcpy(key->laddr, ends, 8);
		__builtin_memcpy(key->raddr, ends + 2, 8);
	}
}

/* Who began: a datagram socket that connects asks others; of the rest nothing is known. TCP's is
 * noted as the connection is made. */
static __always_inline __u32 direction_of(const struct sock *sk)
{
	return is_udp(sk) && sk->__sk_common.skc_dport ? WIRE_OUT : WIRE_UNKNOWN;
}

/* What a new flow begins with: what is known of its connection. Not inlined, as it is rare. */
static __noinline int flow_origin(struct sock *sk, struct wire_flow_key *key, struct wire_flow *fresh)
{
	struct connection *c = connection_of(sk, 0);

	/* A socket that was closed during the call has given its port back: that is its number, and what
	 * it had put into headers stays. */
	if (!c) {
		if (!key->lport && !key->portless && (key->family == AF_INET || key->family == AF_INET6))
			key->lport = bpf_ntohs(BPF_CORE_READ((const struct inet_sock *)sk, inet_sport));
		fresh->direction = direction_of(sk);
		return 0;
	}
	if (c->owned && !key->lport)
		key->lport = c->key.lport;
	fresh->opened = c->opened;
	fresh->direction = c->direction;
	c->key = *key;
	c->owned = 1;
	return 0;
}

/* A flow that is not in the map yet, or one without addresses and ports when there is no room. */
static __noinline struct wire_flow *flow_begin(struct wire_flow_key *key, struct wire_flow *fresh)
{
	struct wire_flow *flow;
	__u32 zero = 0;
	void *map;

	map = bpf_map_lookup_elem(&flows, &zero);
	if (!map)
		return 0;
	if (!bpf_map_update_elem(map, key, fresh, BPF_NOEXIST))
		__sync_fetch_and_add(&flows_made, 1);
	/* Another CPU may have made it meanwhile. */
	flow = bpf_map_lookup_elem(map, key);
	if (flow)
		return flow;

	map = bpf_map_lookup_elem(&coarse, &zero);
	if (!map)
		return 0;
	key->lport = key->rport = 0;
	__builtin_memset(key->laddr, 0, sizeof(key->laddr));
	__builtin_memset(key->raddr, 0, sizeof(key->raddr));
	fresh->opened = 0;
	if (!bpf_map_update_elem(map, key, fresh, BPF_NOEXIST))
		__sync_fetch_and_add(&coarse_made, 1);
	flow = bpf_map_lookup_elem(map, key);
	if (flow)
		count(WIRE_COARSE, 1);
	return flow;
}

/* sk is NULL in programs on functions of modules: there, kernels up to 6.1 fall over the mere
 * presence of a call for a socket's storage (bpf_sk_storage_tracing_allowed() looks the function
 * up among the kernel's own). */
static __always_inline struct wire_flow *flow_find(struct sock *sk, struct wire_flow_key *key)
{
	struct wire_flow fresh = {0}, *flow;
	__u32 zero = 0;
	void *map = bpf_map_lookup_elem(&flows, &zero);

	if (!map)
		return 0;
	flow = bpf_map_lookup_elem(map, key);
	if (flow)
		return flow;
	if (sk)
		flow_origin(sk, key, &fresh);
	return flow_begin(key, &fresh);
}

static __always_inline void add(struct wire_flow *flow, enum way way, __u64 bytes)
{
	if (flow) {
		__sync_fetch_and_add(way == SENT ? &flow->sent : &flow->received, bytes);
		__sync_fetch_and_add(&flow->calls, 1);
	} else {
		count(WIRE_FULL_CALLS, 1);
		count(way == SENT ? WIRE_FULL_SENT : WIRE_FULL_RECEIVED, bytes);
	}
}

/* Where the function is that a program is attached to. */
enum home { IN_KERNEL, IN_MODULE };

/* Adds bytes and one call to a flow of sk. peer may be NULL, or not known: then it is the one
 * that sk is connected to, if any. */
static __always_inline void account_at(enum home home, struct sock *sk, enum way way, __u64 bytes,
                                       const struct peer *peer)
{
	struct wire_flow_key key;

	__builtin_memset(&key, 0, sizeof(key));
	current_image(&key.image, &key.uid);
	key.netns = sk->__sk_common.skc_net.net->ns.inum;
	key.family = (__u8)sk->__sk_common.skc_family;
	if (key.family == AF_INET || key.family == AF_INET6) {
		key.protocol = sk->sk_protocol;
		ends_of(&key, sk);
	} else {
		other_ends_of(&key, sk);
	}
	if (peer && peer->family) {
		key.rport = key.portless ? 0 : peer->port;
		if (peer->family == key.family) {
			__builtin_memcpy(key.raddr, peer->addr, 16);
		} else {
			/* A socket of IPv6 talks IPv4: the address as such a socket has it. */
			__builtin_memset(key.raddr, 0, 10);
			key.raddr[10] = key.raddr[11] = 0xff;
			__builtin_memcpy(key.raddr + 12, peer->addr, 4);
		}
	}
	add(flow_find(home == IN_KERNEL ? sk : 0, &key), way, bytes);
}

static __always_inline void account(struct sock *sk, enum way way, __u64 bytes, const struct peer *peer)
{
	account_at(IN_KERNEL, sk, way, bytes, peer);
}

/* Where a program that sees a datagram's other end leaves it for the one that counts the call:
 * one slot a thread, kept until the thread ends. */
struct peer_slot {
	__u64 sk; /* the socket's address; 0: empty */
	struct peer peer;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64); /* the thread's task_struct */
	__type(value, struct peer_slot);
} peers SEC(".maps");

static __always_inline void peer_leave(__u64 sk, const struct peer *peer)
{
	struct peer_slot fresh = {.sk = sk, .peer = *peer}, *slot;
	__u64 task = bpf_get_current_task();

	slot = bpf_map_lookup_elem(&peers, &task);
	if (slot)
		*slot = fresh;
	else if (bpf_map_update_elem(&peers, &task, &fresh, BPF_ANY))
		count(WIRE_NO_PEER, 1);
}

/* What was left for this call on sk, or NULL; to be emptied by peer_forget(). */
static __always_inline struct peer_slot *peer_find(const struct sock *sk)
{
	__u64 task = bpf_get_current_task();
	struct peer_slot *slot = bpf_map_lookup_elem(&peers, &task);

	return slot && slot->sk == (__u64)sk ? slot : 0;
}

static __always_inline void peer_forget(struct peer_slot *slot)
{
	slot->sk = 0;
}

#endif

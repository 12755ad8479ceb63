/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one accounting function behind both doors: bytes of a socket, for the calling process. */
#ifndef PS_BPF_ACCOUNT_H
#define PS_BPF_ACCOUNT_H

#include "maps.h"

enum direction { SENT, RECEIVED };

/* The other end of one datagram, as far as the socket itself does not say it. */
struct peer {
	__u16 family; /* 0: not known */
	__u16 port;   /* host order */
	__u8 addr[16];
};

static __always_inline bool is_inet(const struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return family == AF_INET || family == AF_INET6;
}

/* Fills in everything of the key that is not the other end's. */
static __always_inline void key_of(struct wire_flow_key *key, const struct sock *sk)
{
	const struct sock_common *skc = &sk->__sk_common;

	__builtin_memset(key, 0, sizeof(*key));
	image_of(&key->image, bpf_get_current_task_btf());
	key->uid = (__u32)bpf_get_current_uid_gid();
	key->netns = skc->skc_net.net->ns.inum;
	key->family = skc->skc_family;
	key->protocol = sk->sk_protocol;
	key->lport = skc->skc_num;
	if (key->family == AF_INET) {
		*(__u32 *)key->laddr = skc->skc_rcv_saddr;
	} else {
		struct in6_addr a = skc->skc_v6_rcv_saddr;

		__builtin_memcpy(key->laddr, &a, 16);
	}
}

static __always_inline void connected_peer(struct wire_flow_key *key, const struct sock *sk)
{
	const struct sock_common *skc = &sk->__sk_common;

	key->rport = bpf_ntohs(skc->skc_dport);
	if (key->family == AF_INET) {
		*(__u32 *)key->raddr = skc->skc_daddr;
	} else {
		struct in6_addr a = skc->skc_v6_daddr;

		__builtin_memcpy(key->raddr, &a, 16);
	}
}

/* Adds bytes and one call to a flow of sk. peer may be NULL, or not known: then it is the one
 * that sk is connected to, if any. */
static __always_inline void account(const struct sock *sk, enum direction direction, __u64 bytes,
                                    const struct peer *peer)
{
	struct wire_flow fresh = {0}, *flow;
	struct wire_flow_key key;
	__u32 zero = 0;
	void *map;

	key_of(&key, sk);
	if (peer && peer->family) {
		key.rport = peer->port;
		if (peer->family == key.family) {
			__builtin_memcpy(key.raddr, peer->addr, 16);
		} else {
			/* A socket of IPv6 talks IPv4: the address as such a socket has it. */
			key.raddr[10] = key.raddr[11] = 0xff;
			__builtin_memcpy(key.raddr + 12, peer->addr, 4);
		}
	} else {
		connected_peer(&key, sk);
	}

	map = bpf_map_lookup_elem(&flows, &zero);
	if (!map)
		return;
	flow = bpf_map_lookup_elem(map, &key);
	if (!flow) {
		long err = bpf_map_update_elem(map, &key, &fresh, BPF_NOEXIST);

		if (!err)
			__sync_fetch_and_add(&flows_made, 1);
		/* Another CPU may have made it meanwhile. */
		flow = bpf_map_lookup_elem(map, &key);
		if (!flow) {
			count(WIRE_FULL_CALLS, 1);
			count(direction == SENT ? WIRE_FULL_SENT : WIRE_FULL_RECEIVED, bytes);
			return;
		}
	}
	__sync_fetch_and_add(direction == SENT ? &flow->sent : &flow->received, bytes);
	__sync_fetch_and_add(&flow->calls, 1);
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

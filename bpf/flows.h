/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Flows: found, begun, added to. A flow is in the first of three places that has room for it, for as
 * long as a generation lasts: a slot, the flow map, the coarse map.
 *
 * What a call costs is mostly what it has to fetch. So the place of a slot follows from what the
 * kernel has just used, the socket and the peer; no helper is called, and the key is compared, not
 * hashed. A slot is whose first claims it. Who finds it taken, or comes while it is being filled,
 * goes on to the flow map: so a flow may be in both, and who reads them adds them up.
 *
 * Why no byte is lost: a program may find the half and the map of this generation or of the next, but
 * it runs in a critical section of RCU. The core turns `generation` and then swaps the maps, which
 * returns when every program has ended that may have seen them as they were before. From then on
 * nobody writes to that half and that map. The core reads both and empties them before the next turn.
 */
#ifndef PS_BPF_FLOWS_H
#define PS_BPF_FLOWS_H

#include "maps.h"

enum way { SENT, RECEIVED };

/* Where the function is that a program is attached to. In programs on functions of modules, kernels
 * up to 6.1 fall over the mere presence of a call for a socket's storage
 * (bpf_sk_storage_tracing_allowed() looks the function up among the kernel's own). */
enum home { IN_KERNEL, IN_MODULE };

/* Whether datagrams without a byte count, too. */
static __always_inline bool is_udp(const struct sock *sk)
{
	__u16 protocol = sk->sk_protocol;

	return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

#ifdef __TARGET_ARCH_x86
/* publish() sets a flag after all that was written before it; behind() is p, read after the flag. */
#define publish(flag)                                                                                                  \
	({                                                                                                                 \
		barrier();                                                                                                     \
		WRITE_ONCE(flag, 1);                                                                                           \
	})
#define behind(flag, p) (p)
#else
/* Order is kept by an atomic operation that returns something, and to an address that depends on
 * what was read. */
#define publish(flag)                                                                                                  \
	({                                                                                                                 \
		__u32 was = __sync_fetch_and_add(&(flag), 1);                                                                  \
		barrier_var(was);                                                                                              \
	})
#define behind(flag, p)                                                                                                \
	({                                                                                                                 \
		__u64 none = (flag);                                                                                           \
		asm volatile("%0 &= 0" : "+r"(none));                                                                          \
		(typeof(p))((void *)(p) + none);                                                                               \
	})
#endif

/* Where flows with that peer are, of a socket or of whatever else seed says. */
static __always_inline __u32 place_of(__u32 seed, const void *raddr, __u16 rport)
{
	word peer = ((word *)raddr)[0] ^ ((word *)raddr)[1];

	return (seed + (__u32)(peer ^ peer >> 32) + ((__u32)rport << 16)) * SPREAD >> (32 - WIRE_SLOT_BITS);
}

/* The slot of a place in the half that is in use, or NULL: there may be fewer slots than places. */
static __always_inline struct wire_slot *slot_at(__u32 place)
{
	struct wire_slots *both = bpf_map_lookup_elem(&slots, &place);
	struct wire_slot *slot;

	if (!both)
		return 0;
	slot = &both->half[0];
	if (READ_ONCE(generation) & 1) {
		/* Kept a jump: with a sum, the slot could not be fetched before generation is there. */
		slot = &both->half[1];
		barrier_var(slot);
	}
	return slot;
}

static __always_inline bool slot_holds(struct wire_slot *slot, const struct wire_flow_key *key)
{
	__u32 filled = READ_ONCE(slot->filled);
	const word *a = behind(filled, (word *)&slot->key), *b = (word *)key;

	return filled && a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3] && a[4] == b[4] && a[5] == b[5] &&
	       a[6] == b[6] && a[7] == b[7];
}

/* Makes a free slot that of a new flow. The numbers in it are zero. */
static __always_inline bool slot_take(struct wire_slot *slot, const struct wire_flow_key *key,
                                      const struct wire_flow *fresh)
{
	if (!claim(&slot->claims))
		return false;
	slot->key = *key;
	slot->flow.opened = fresh->opened;
	slot->flow.direction = fresh->direction;
	slot->flow.began = fresh->began;
	publish(slot->filled);
	__sync_fetch_and_add(&flows_made, 1);
	return true;
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
	if (!c->told || c->key.image.start != key->image.start || c->key.image.exec_id != key->image.exec_id ||
	    c->key.image.tgid != key->image.tgid)
		fresh->began = 1;
	c->told = 1;
	c->key = *key;
	c->owned = 1;
	return 0;
}

/* A flow that is in no slot: in the flow map, or one without addresses and ports when that is full. */
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

/* The flow of a key, wherever it is, made if need be. sk: whose it is, or NULL. */
static __always_inline struct wire_flow *flow_find(enum home home, struct sock *sk, struct wire_flow_key *key)
{
	__u32 seed = sk ? half_of(sk) : key->image.tgid, zero = 0;
	struct wire_slot *slot = slot_at(place_of(seed, key->raddr, key->rport));
	struct wire_flow fresh = {0}, *flow;
	void *map;

	if (slot && slot_holds(slot, key))
		return &slot->flow;
	map = bpf_map_lookup_elem(&flows, &zero);
	if (!map)
		return 0;
	flow = bpf_map_lookup_elem(map, key);
	if (flow)
		return flow;
	if (home == IN_KERNEL && sk)
		flow_origin(sk, key, &fresh);
	/* The local port may be known only now. */
	if (slot && (slot_holds(slot, key) || slot_take(slot, key, &fresh)))
		return &slot->flow;
	return flow_begin(key, &fresh);
}

/* Bytes and one call. flow may be NULL: there was no room for it. */
static __always_inline void flow_add(struct wire_flow *flow, enum way way, __u64 bytes)
{
	if (likely(flow)) {
		__sync_fetch_and_add(way == SENT ? &flow->sent : &flow->received, bytes);
		__sync_fetch_and_add(&flow->calls, 1);
	} else {
		count(WIRE_FULL_CALLS, 1);
		count(way == SENT ? WIRE_FULL_SENT : WIRE_FULL_RECEIVED, bytes);
	}
}

#endif

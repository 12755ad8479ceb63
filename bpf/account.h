/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one accounting function behind both doors: bytes of a socket, for the calling process. */
#ifndef PS_BPF_ACCOUNT_H
#define PS_BPF_ACCOUNT_H

#include "flows.h"
#include "stand_in.h"

/* Sockets of the other families do not leave this machine. */
static __always_inline bool is_counted(const struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return family == AF_INET || family == AF_INET6 || family == AF_PACKET || family == AF_VSOCK;
}

static __always_inline bool is_ip(const struct sock *sk)
{
	return sk->__sk_common.skc_family == AF_INET || sk->__sk_common.skc_family == AF_INET6;
}

/* Whom a socket is connected to, if to anybody. */
static __always_inline void connected_to(struct peer *peer, const struct sock *sk)
{
	const struct sock_common *skc = &sk->__sk_common;

	peer->port = bpf_ntohs(skc->skc_dport);
	if (likely(skc->skc_family == AF_INET))
		address4(peer->addr, skc->skc_daddr);
	else
		address6(peer->addr, skc->skc_v6_daddr);
}

/* Both ends. */
static __always_inline void ends_of(struct wire_flow_key *key, const struct sock *sk, const struct peer *peer)
{
	const struct sock_common *skc = &sk->__sk_common;

	/* Of a raw socket, the protocol is where the ports should be. */
	key->portless = sk->sk_type == SOCK_RAW;
	key->lport = key->portless ? 0 : skc->skc_num;
	key->rport = key->portless ? 0 : peer->port;
	if (likely(skc->skc_family == AF_INET))
		address4(key->laddr, skc->skc_rcv_saddr);
	else
		address6(key->laddr, skc->skc_v6_rcv_saddr);
	((word *)key->raddr)[0] = peer->addr[0];
	((word *)key->raddr)[1] = peer->addr[1];
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

/* All that tells a call's flow from others, where there is IP. */
static __always_inline void key_of(struct wire_flow_key *key, struct sock *sk, struct task_struct *task,
                                   const struct peer *peer)
{
	image_of_current(&key->image, &key->uid, task);
	key->netns = sk->__sk_common.skc_net.net->ns.inum;
	key->family = (__u8)sk->__sk_common.skc_family;
	key->protocol = sk->sk_protocol;
	ends_of(key, sk, peer);
}

/* The same for what is rare, and without IP too. peer: NULL is the one that sk is connected to. */
static __noinline int rare_key_of(struct wire_flow_key *out, struct sock *sk, const struct peer *peer)
{
	struct wire_flow_key key;
	struct peer other;

	__builtin_memset(&key, 0, sizeof(key));
	current_image(&key.image, &key.uid);
	key.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	key.family = (__u8)sk->__sk_common.skc_family;
	if (is_ip(sk)) {
		if (peer)
			other = *peer;
		else
			connected_to(&other, sk);
		key.protocol = sk->sk_protocol;
		ends_of(&key, sk, &other);
	} else {
		other_ends_of(&key, sk);
	}
	return forget(out, &key);
}

/* What is in no slot yet, and what is not IP. */
static __always_inline void account_rare(enum home home, struct sock *sk, enum way way, __u64 bytes,
                                         const struct peer *peer)
{
	struct wire_flow_key key;

	if (!rare_key_of(&key, sk, peer))
		flow_add(flow_find(home, sk, &key), way, bytes);
}

/* Not inlined: so the frequent case is short, and needs little of the stack. */
static __noinline int account_rare_in_kernel(struct sock *sk, enum way way, __u64 bytes, const struct peer *peer)
{
	account_rare(IN_KERNEL, sk, way, bytes, peer);
	return 0;
}

static __noinline int account_rare_in_module(struct sock *sk, enum way way, __u64 bytes, const struct peer *peer)
{
	account_rare(IN_MODULE, sk, way, bytes, peer);
	return 0;
}

/* Adds bytes and one call of task, the current one, to a flow of sk. peer: the other end, or NULL if
 * it is the one that sk is connected to. */
static __always_inline void account_at(enum home home, struct sock *sk, struct task_struct *task, enum way way,
                                       __u64 bytes, const struct peer *peer)
{
	struct wire_flow_key key;
	struct wire_slot *slot;
	struct peer other;

	if (likely(is_ip(sk))) {
		if (peer)
			other = *peer;
		else
			connected_to(&other, sk);
		/* The slot comes before the key, so that the key need not outlive a call and stays in registers. */
		slot = slot_at(place_of(half_of(sk), other.addr, other.port));
		if (slot) {
			key_of(&key, sk, task, &other);
			if (likely(slot_holds(slot, &key))) {
				flow_add(&slot->flow, way, bytes);
				return;
			}
		}
	}
	if (home == IN_KERNEL)
		account_rare_in_kernel(sk, way, bytes, peer);
	else
		account_rare_in_module(sk, way, bytes, peer);
}

static __always_inline void account(struct sock *sk, enum way way, __u64 bytes, const struct peer *peer)
{
	account_at(IN_KERNEL, sk, current_task(), way, bytes, peer);
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of TCP connections: who opened them, when, and when they ended. */
#ifndef PS_BPF_CONNECTION_H
#define PS_BPF_CONNECTION_H

#include "account.h"

/* The position behind the last byte of data that was read. A FIN that was read counts as one. */
static __always_inline __u32 position_of(struct sock *sk, struct tcp_sock *tp)
{
	__u32 seq = tp->copied_seq;

	if ((sk->__sk_common.skc_flags >> SOCK_DONE & 1) && seq == tp->rcv_nxt)
		seq--;
	return seq;
}

/* A flow of the connection, even if no byte ever moves. A socket that closes has given its port back
 * by now: what is known already stays. */
static __always_inline struct wire_flow *owners_flow(struct sock *sk, struct connection *c)
{
	struct wire_flow_key key = c->key, same;
	struct peer peer;

	if (!key.lport) {
		connected_to(&peer, sk);
		ends_of(&key, sk, &peer);
	}
	return forget(&same, &key) ? 0 : flow_find(IN_KERNEL, sk, &same);
}

/* What has been read and passed by the program that would have counted it. */
static __always_inline void catch_up(struct sock *sk, struct connection *c, struct wire_flow *flow)
{
	struct tcp_sock *tp = plain_tcp(sk);
	__u32 moved;

	if (!tp || !c->placed || c->late)
		return;
	moved = position_of(sk, tp) - c->seq;
	if (!moved || (__s32)moved < 0)
		return;
	c->seq += moved;
	flow_add(flow, RECEIVED, moved);
}

static __noinline int state_set(struct sock *sk, int old, int new)
{
	struct wire_flow *flow;
	struct connection *c;

	switch (new) {
	case TCP_SYN_SENT: /* in connect(): the caller opens it */
		c = is_plain(sk) ? connection_of(sk, BPF_SK_STORAGE_GET_F_CREATE) : 0;
		if (!c)
			break;
		__builtin_memset(c, 0, sizeof(*c));
		c->direction = WIRE_OUT;
		c->born = 1;
		current_image(&c->key.image, &c->key.uid);
		c->key.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
		c->key.family = (__u8)sk->__sk_common.skc_family;
		c->key.protocol = sk->sk_protocol;
		c->owned = 1;
		break;
	case TCP_SYN_RECV: /* a listener's child; whose it will be is seen when it is used */
		c = old != TCP_SYN_SENT && is_plain(sk) ? connection_of(sk, BPF_SK_STORAGE_GET_F_CREATE) : 0;
		if (!c)
			break;
		__builtin_memset(c, 0, sizeof(*c));
		c->direction = WIRE_IN;
		c->born = 1;
		break;
	case TCP_ESTABLISHED:
		c = connection_of(sk, 0);
		if (!c)
			break;
		if (!c->opened)
			c->opened = bpf_ktime_get_boot_ns();
		if (c->owned)
			owners_flow(sk, c);
		break;
	case TCP_CLOSE: /* also of a connection that came to nothing */
		c = connection_of(sk, 0);
		if (!c)
			break;
		flow = c->owned ? owners_flow(sk, c) : 0;
		if (flow) {
			flow->closed = bpf_ktime_get_boot_ns();
			catch_up(sk, c, flow);
		}
		connection_forget(sk);
		break;
	}
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_set_state, struct sock *sk, int old, int new)
{
	state_set(sk, old, new);
	return 0;
}

/* The kernel passes over the one above where it runs already, on whatever socket: an interrupt may come
 * in between. To do it again is the same. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_set_state_2, struct sock *sk, int old, int new)
{
	state_set(sk, old, new);
	return 0;
}

#endif

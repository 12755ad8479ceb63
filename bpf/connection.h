/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of TCP connections: who opened them, when, and when they ended. */
#ifndef PS_BPF_CONNECTION_H
#define PS_BPF_CONNECTION_H

#include "account.h"

/* A flow of the connection, even if no byte ever moves. A socket that closes has given its port back
 * by now: what is known already stays. */
static __always_inline struct wire_flow *owners_flow(struct sock *sk, struct connection *c)
{
	struct wire_flow_key key = c->key;
	struct peer peer;

	if (!key.lport) {
		connected_to(&peer, sk);
		ends_of(&key, sk, &peer);
	}
	return flow_find(IN_KERNEL, sk, &key);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_set_state, struct sock *sk, int old, int new)
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
		c->key.netns = sk->__sk_common.skc_net.net->ns.inum;
		c->key.family = (__u8)sk->__sk_common.skc_family;
		c->key.protocol = sk->sk_protocol;
		c->owned = 1;
		break;
	case TCP_SYN_RECV: /* a listener's child; whose it will be is seen when it is used */
		c = is_plain(sk) ? connection_of(sk, BPF_SK_STORAGE_GET_F_CREATE) : 0;
		if (!c)
			break;
		c->direction = WIRE_IN;
		c->born = 1;
		break;
	case TCP_ESTABLISHED:
		c = connection_of(sk, 0);
		if (!c)
			break;
		c->opened = bpf_ktime_get_boot_ns();
		if (c->owned)
			owners_flow(sk, c);
		break;
	case TCP_CLOSE: /* also of a connection that came to nothing */
		c = connection_of(sk, 0);
		if (!c || !c->owned)
			break;
		flow = owners_flow(sk, c);
		if (flow)
			flow->closed = bpf_ktime_get_boot_ns();
		break;
	}
	return 0;
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tracepoint door (6.3 and later): sock_send_length and sock_recv_length say which socket
 * moved how much. They do not say with whom a datagram was exchanged: programs at the root of
 * cgroup v2 leave that beforehand, in the same thread. TCP is received by splice() and by
 * TCP_ZEROCOPY_RECEIVE too, which these tracepoints never see: there, what was read is how far
 * the socket's own position has moved.
 */
#ifndef PS_BPF_TRACEPOINT_H
#define PS_BPF_TRACEPOINT_H

#include "account.h"

/* How far a TCP socket had been read when we last looked. */
struct tcp_position {
	__u32 seq;
	__u32 counted; /* of the receive call under way, while `late` */
	__u32 late;    /* its first position is not known: the socket is older than the daemon */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tcp_position);
} positions SEC(".maps");

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

/* The position behind the last byte of data that was read. A FIN that was read counts as one. */
static __always_inline __u32 position_of(struct sock *sk, struct tcp_sock *tp)
{
	__u32 seq = tp->copied_seq;

	if ((sk->__sk_common.skc_flags >> SOCK_DONE & 1) && seq == tp->rcv_nxt)
		seq--;
	return seq;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send_length, struct sock *sk, int ret, int flags)
{
	struct peer_slot *slot = 0;

	if (!is_inet(sk))
		return 0;
	if (sk->sk_protocol == IPPROTO_UDP)
		slot = peer_find(sk);
	if (ret > 0 || (ret == 0 && sk->sk_protocol == IPPROTO_UDP))
		account(sk, SENT, ret, slot ? &slot->peer : 0);
	if (slot)
		peer_forget(slot);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_recv_length, struct sock *sk, int ret, int flags)
{
	struct peer_slot *slot = 0;

	if (!is_inet(sk))
		return 0;
	if (plain_tcp(sk)) {
		struct tcp_position *p;

		if (ret <= 0 || (flags & (MSG_PEEK | MSG_ERRQUEUE)))
			return 0;
		/* Counted as it was read; but of a socket that we meet in the middle of its first call,
		 * only what came after the meeting. */
		p = bpf_sk_storage_get(&positions, sk, 0, 0);
		if (p && p->late) {
			if ((__u32)ret > p->counted)
				account(sk, RECEIVED, ret - p->counted, 0);
			p->late = 0;
		}
		return 0;
	}
	if (sk->sk_protocol == IPPROTO_UDP)
		slot = peer_find(sk);
	if (!(flags & (MSG_PEEK | MSG_ERRQUEUE)) && (ret > 0 || (ret == 0 && sk->sk_protocol == IPPROTO_UDP)))
		account(sk, RECEIVED, ret, slot ? &slot->peer : 0);
	if (slot)
		peer_forget(slot);
	return 0;
}

SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(on_rcv_space_adjust, struct sock *sk)
{
	struct tcp_sock *tp = plain_tcp(sk);
	struct tcp_position *p;
	__u32 seq, moved;

	if (!tp)
		return 0;
	p = bpf_sk_storage_get(&positions, sk, 0, 0);
	seq = position_of(sk, tp);
	if (!p) {
		struct tcp_position fresh = {.seq = seq, .late = 1};

		if (!bpf_sk_storage_get(&positions, sk, &fresh, BPF_SK_STORAGE_GET_F_CREATE))
			count(WIRE_NO_STORAGE, 1);
		return 0;
	}
	moved = seq - p->seq;
	if (!moved || (__s32)moved < 0)
		return 0;
	p->seq = seq;
	if (p->late)
		p->counted += moved;
	account(sk, RECEIVED, moved, 0);
	return 0;
}

/* A connection begins: its position is known from here on. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_set_state, struct sock *sk, int old, int new)
{
	struct tcp_position *p;
	struct tcp_sock *tp;

	if (new != TCP_ESTABLISHED)
		return 0;
	tp = plain_tcp(sk);
	if (!tp)
		return 0;
	p = bpf_sk_storage_get(&positions, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (p) {
		p->seq = tp->copied_seq;
		p->late = 0;
	} else {
		count(WIRE_NO_STORAGE, 1);
	}
	return 0;
}

static __always_inline int leave_peer4(struct bpf_sock_addr *ctx)
{
	struct peer peer = {.family = AF_INET, .port = bpf_ntohs(ctx->user_port)};

	*(__u32 *)peer.addr = ctx->user_ip4;
	peer_leave((__u64)ctx->sk, &peer);
	return 1;
}

static __always_inline int leave_peer6(struct bpf_sock_addr *ctx)
{
	struct peer peer = {.family = AF_INET6, .port = bpf_ntohs(ctx->user_port)};
	__u32 *addr = (__u32 *)peer.addr;

	addr[0] = ctx->user_ip6[0];
	addr[1] = ctx->user_ip6[1];
	addr[2] = ctx->user_ip6[2];
	addr[3] = ctx->user_ip6[3];
	peer_leave((__u64)ctx->sk, &peer);
	return 1;
}

SEC("cgroup/sendmsg4")
int on_sendmsg4(struct bpf_sock_addr *ctx)
{
	return leave_peer4(ctx);
}

SEC("cgroup/sendmsg6")
int on_sendmsg6(struct bpf_sock_addr *ctx)
{
	return leave_peer6(ctx);
}

SEC("cgroup/recvmsg4")
int on_recvmsg4(struct bpf_sock_addr *ctx)
{
	return leave_peer4(ctx);
}

SEC("cgroup/recvmsg6")
int on_recvmsg6(struct bpf_sock_addr *ctx)
{
	return leave_peer6(ctx);
}

#endif

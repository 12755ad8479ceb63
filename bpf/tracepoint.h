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

#include "connection.h"
#include "evidence.h"

/* TCP sockets that we met in the middle of their first call. Mostly none: so the end of a call need
 * not look. */
__u32 latecomers;

/* What a call moved, and with whom, if that was left for it. */
static __always_inline void count_length(struct sock *sk, enum way way, bool counts, int ret)
{
	struct task_struct *task = current_task();
	bool udp = is_udp(sk);
	struct note *note = udp ? peer_find(sk, task) : 0;
	__u16 port = note ? note->peer.port : bpf_ntohs(sk->__sk_common.skc_dport);

	counts = counts && (likely(ret > 0) || (ret == 0 && udp));
	if (counts)
		account_at(IN_KERNEL, sk, task, way, ret, note ? &note->peer : 0);
	if (note)
		peer_forget(note);
	if (counts)
		look_at(sk, way, ret, port);
}

static __always_inline void sent_length(struct sock *sk, int ret)
{
	if (is_counted(sk))
		count_length(sk, SENT, true, ret);
}

static __noinline int sent_length_again(struct sock *sk, int ret)
{
	sent_length(sk, ret);
	return 0;
}

WITH_STAND_INS("tp_btf/sock_send_length", on_send_length, sent_length(sk, ret), sent_length_again(sk, ret),
               struct sock *sk, int ret, int flags)

/* The end of a latecomer's first call: what it had read before the meeting. */
static __noinline int late_received(struct sock *sk, int ret)
{
	struct connection *c = connection_of(sk, 0);

	if (!c || !__sync_val_compare_and_swap(&c->late, 1, 0))
		return 0;
	__sync_fetch_and_add(&latecomers, -1);
	if ((__u32)ret > c->counted)
		account(sk, RECEIVED, ret - c->counted, 0);
	return 0;
}

static __always_inline void received_length(struct sock *sk, int ret, int flags)
{
	bool counts = !(flags & (MSG_PEEK | MSG_ERRQUEUE));

	if (!is_counted(sk))
		return;
	if (!plain_tcp(sk)) {
		count_length(sk, RECEIVED, counts, ret);
	} else if (counts && ret > 0) {
		if (unlikely(READ_ONCE(latecomers)))
			late_received(sk, ret);
		look_at(sk, RECEIVED, ret, bpf_ntohs(sk->__sk_common.skc_dport));
	}
}

static __noinline int received_length_again(struct sock *sk, int ret, int flags)
{
	received_length(sk, ret, flags);
	return 0;
}

WITH_STAND_INS("tp_btf/sock_recv_length", on_recv_length, received_length(sk, ret, flags),
               received_length_again(sk, ret, flags), struct sock *sk, int ret, int flags)

/* A socket that is being read for the first time. */
static __noinline int place(struct connection *c, struct tcp_sock *tp, __u32 seq)
{
	c->placed = 1;
	/* Nothing had been read when it was born. */
	c->seq = c->born ? tp->rcv_nxt - (__u32)tp->bytes_received : seq;
	if (!c->born) {
		c->late = 1;
		__sync_fetch_and_add(&latecomers, 1);
	}
	return 0;
}

static __always_inline void space_adjusted(struct sock *sk)
{
	struct tcp_sock *tp = plain_tcp(sk);
	struct connection *c;
	__u32 seq, moved;

	if (!tp)
		return;
	c = connection_of(sk, BPF_SK_STORAGE_GET_F_CREATE);
	if (!c)
		return;
	seq = position_of(sk, tp);
	if (unlikely(!c->placed))
		place(c, tp, seq);
	moved = seq - c->seq;
	if (!moved || (__s32)moved < 0)
		return;
	c->seq = seq;
	if (unlikely(c->late))
		c->counted += moved;
	account(sk, RECEIVED, moved, 0);
}

SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(on_rcv_space_adjust, struct sock *sk)
{
	space_adjusted(sk);
	return 0;
}

/* For what the kernel passes over the one above with; else there is nothing left to count. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(on_rcv_space_adjust_2, struct sock *sk)
{
	space_adjusted(sk);
	return 0;
}

/* Of sockets that are older than the daemon: how far they have been read. */
SEC("iter/task_file")
int each_file(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct connection *c;
	struct socket *sock;
	struct tcp_sock *tp;
	struct sock *sk;

	if (!file)
		return 0;
	sock = bpf_sock_from_file(file);
	if (!sock || !sock->sk)
		return 0;
	sk = sock->sk;
	tp = plain_tcp(sk);
	c = tp ? connection_of(sk, BPF_SK_STORAGE_GET_F_CREATE) : 0;
	if (c && !c->placed && !c->born) {
		c->seq = position_of(sk, tp);
		c->placed = 1;
	}
	return 0;
}

static __always_inline int leave_peer4(struct bpf_sock_addr *ctx)
{
	struct peer *peer = peer_leave(ctx->sk);

	if (peer)
		peer_set4(peer, ctx->family, ctx->user_ip4, bpf_ntohs(ctx->user_port));
	return 1;
}

static __always_inline int leave_peer6(struct bpf_sock_addr *ctx)
{
	struct peer *peer = peer_leave(ctx->sk);
	__u32 *addr = (__u32 *)peer->addr;

	if (!peer)
		return 1;
	peer->port = bpf_ntohs(ctx->user_port);
	addr[0] = ctx->user_ip6[0];
	addr[1] = ctx->user_ip6[1];
	addr[2] = ctx->user_ip6[2];
	addr[3] = ctx->user_ip6[3];
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

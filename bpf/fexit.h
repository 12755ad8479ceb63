/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fexit door: the calls of each address family, behind which every way of sending and
 * receiving ends. The message header names the other end of a datagram.
 */
#ifndef PS_BPF_FEXIT_H
#define PS_BPF_FEXIT_H

#include "evidence.h"

struct in4_name {
	__u16 family;
	__u16 port;
	__u32 addr;
};

struct in6_name {
	__u16 family;
	__u16 port;
	__u32 flowinfo;
	__u8 addr[16];
};

/* The kernel's copy of the address that the program named, or asked for. False: there is none. */
static __always_inline bool named_peer(struct peer *peer, const struct sock *sk, struct msghdr *msg)
{
	void *name = msg->msg_name;
	struct in6_name in6;
	struct in4_name *in4 = (struct in4_name *)&in6;

	if (!name || bpf_probe_read_kernel(in4, sizeof(*in4), name))
		return false;
	if (in4->family == AF_INET && msg->msg_namelen >= (int)sizeof(*in4)) {
		peer_set4(peer, sk->__sk_common.skc_family, in4->addr, bpf_ntohs(in4->port));
		return true;
	}
	if (in4->family != AF_INET6 || msg->msg_namelen < (int)sizeof(in6) ||
	    bpf_probe_read_kernel(&in6, sizeof(in6), name))
		return false;
	peer->port = bpf_ntohs(in6.port);
	__builtin_memcpy(peer->addr, in6.addr, 16);
	return true;
}

/* Whether the caller may name another peer in each call. */
static __always_inline bool is_addressed(const struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return (family == AF_INET || family == AF_INET6) && sk->sk_type != SOCK_STREAM;
}

/* What a call moved, and with whom: what was left for it, or else what its message says. */
static __always_inline void count_call(enum home home, struct socket *sock, struct msghdr *msg, enum way way,
                                       bool counts, long ret)
{
	struct task_struct *task = current_task();
	const struct peer *other = 0;
	struct note *note = 0;
	struct sock *sk = sock->sk;
	struct peer named;

	if (!is_counted(sk))
		return;
	if (is_addressed(sk))
		note = peer_find(sk, task);
	if (counts && (ret > 0 || (ret == 0 && is_udp(sk)))) {
		if (note)
			other = &note->peer;
		else if (is_addressed(sk) && named_peer(&named, sk, msg))
			other = &named;
		account_at(home, sk, task, way, ret, other);
		if (home == IN_KERNEL)
			look_at(sk, way, ret, other ? other->port : bpf_ntohs(sk->__sk_common.skc_dport));
	}
	if (note)
		peer_forget(note);
}

static __noinline int count_call_IN_KERNEL(struct socket *sock, struct msghdr *msg, enum way way, bool counts, long ret)
{
	count_call(IN_KERNEL, sock, msg, way, counts, ret);
	return 0;
}

static __noinline int count_call_IN_MODULE(struct socket *sock, struct msghdr *msg, enum way way, bool counts, long ret)
{
	count_call(IN_MODULE, sock, msg, way, counts, ret);
	return 0;
}

#define TAKES(flags) !((flags) & (MSG_PEEK | MSG_ERRQUEUE))

/* A family's call for sending, and one for receiving. */
#define ON_SEND(home, function)                                                                                        \
	WITH_STAND_INS("fexit/" #function, on_##function, count_call(home, sock, msg, SENT, true, ret),                    \
	               count_call_##home(sock, msg, SENT, true, ret), struct socket *sock, struct msghdr *msg,             \
	               unsigned long size, int ret)

#define ON_RECEIVE(home, function)                                                                                     \
	WITH_STAND_INS("fexit/" #function, on_##function, count_call(home, sock, msg, RECEIVED, TAKES(flags), ret),        \
	               count_call_##home(sock, msg, RECEIVED, TAKES(flags), ret), struct socket *sock, struct msghdr *msg, \
	               unsigned long size, int flags, int ret)

/* TCP, UDP, UDP-Lite, ICMP, raw IPv4, SCTP, MPTCP */
ON_SEND(IN_KERNEL, inet_sendmsg)
ON_SEND(IN_KERNEL, inet6_sendmsg)
ON_RECEIVE(IN_KERNEL, inet_recvmsg)
ON_RECEIVE(IN_KERNEL, inet6_recvmsg)
/* raw IPv6 */
ON_RECEIVE(IN_KERNEL, sock_common_recvmsg)
/* frames */
ON_SEND(IN_MODULE, packet_sendmsg)
ON_SEND(IN_MODULE, packet_sendmsg_spkt)
ON_RECEIVE(IN_MODULE, packet_recvmsg)
/* vsock, under the names of 5.12 and later and under the one before */
ON_SEND(IN_MODULE, vsock_connectible_sendmsg)
ON_RECEIVE(IN_MODULE, vsock_connectible_recvmsg)
ON_SEND(IN_MODULE, vsock_stream_sendmsg)
ON_RECEIVE(IN_MODULE, vsock_stream_recvmsg)
ON_SEND(IN_MODULE, vsock_dgram_sendmsg)
ON_RECEIVE(IN_MODULE, vsock_dgram_recvmsg)

/* What splice() takes out of a socket, whatever the layers above TCP: kTLS's own function is in a
 * module, where programs cannot have a socket's storage. */
static __noinline int spliced(struct file *file, long ret)
{
	struct socket *sock;

	if (ret <= 0)
		return 0;
	sock = bpf_sock_from_file(file);
	/* Without a function of its own, the socket was read by recvmsg(), which is counted. */
	if (sock && sock->sk && sock->ops->splice_read && is_counted(sock->sk))
		account(sock->sk, RECEIVED, ret, 0);
	return 0;
}

WITH_STAND_INS("fexit/sock_splice_read", on_sock_splice_read, spliced(file, ret), spliced(file, ret), struct file *file,
               void *ppos, void *pipe, unsigned long len, unsigned int flags, long ret)

/* The same before 5.11, where a file does not lead to its socket: each piece of it. */
SEC("fexit/skb_splice_bits")
int BPF_PROG(on_skb_splice_bits, struct sk_buff *skb, struct sock *sk, unsigned int offset, void *pipe,
             unsigned int len, unsigned int flags, int ret)
{
	if (ret > 0 && sk && is_counted(sk))
		account(sk, RECEIVED, ret, 0);
	return 0;
}

/* An IPv4 address that is named to an IPv6 socket is replaced, inside, by one on a stack that is
 * gone when the call returns: read it before. */
static __noinline int named_before(struct socket *sock, struct msghdr *msg)
{
	struct sock *sk = sock->sk;
	struct peer named, *peer;

	if (is_addressed(sk) && named_peer(&named, sk, msg) && (peer = peer_leave(sk)))
		*peer = named;
	return 0;
}

WITH_STAND_INS("fentry/inet6_sendmsg", before_inet6_sendmsg, named_before(sock, msg), named_before(sock, msg),
               struct socket *sock, struct msghdr *msg, unsigned long size)

struct ports {
	__u16 source, dest;
};

/* A program that does not ask whom a datagram is from: the datagram knows. */
static __always_inline void consumed(struct sock *sk, struct sk_buff *skb)
{
	unsigned char *head = skb->head, *network = head + skb->network_header;
	struct ports ports;
	struct peer *peer;
	__u32 addr = 0;

	if (sk->__sk_common.skc_dport || bpf_probe_read_kernel(&ports, sizeof(ports), head + skb->transport_header))
		return;
	peer = peer_leave(sk);
	if (!peer)
		return;
	if (skb->protocol == bpf_htons(0x0800)) {
		bpf_probe_read_kernel(&addr, 4, network + 12);
		peer_set4(peer, sk->__sk_common.skc_family, addr, bpf_ntohs(ports.source));
	} else {
		peer->port = bpf_ntohs(ports.source);
		bpf_probe_read_kernel(peer->addr, 16, network + 8);
	}
}

static __noinline int consumed_again(struct sock *sk, struct sk_buff *skb)
{
	consumed(sk, skb);
	return 0;
}

WITH_STAND_INS("fentry/skb_consume_udp", before_consume_udp, consumed(sk, skb), consumed_again(sk, skb),
               struct sock *sk, struct sk_buff *skb, int len)

/* sendfile() and splice() to a socket, before 6.5. */
static __noinline int paged(struct sock *sk, long ret)
{
	/* The other protocols make a call of sendmsg() of it, which is counted. */
	if (ret > 0 && (is_udp(sk) || sk->sk_protocol == IPPROTO_TCP))
		account(sk, SENT, ret, 0);
	return 0;
}

WITH_STAND_INS("fexit/inet_sendpage", on_inet_sendpage, paged(sock->sk, ret), paged(sock->sk, ret), struct socket *sock,
               void *page, int offset, unsigned long size, int flags, long ret)

#endif

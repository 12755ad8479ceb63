/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tells the names of addresses.
 *
 * Answers of name servers, as programs receive them. They are read when a receiving call has put them
 * into the program's memory, so that other traffic pays no more than a look at the port; and only answers
 * that a program has taken count. Of datagrams, only if it asked: anybody could send one from port 53.
 *
 * The greeting of TLS, as programs send it: it has the name that they want, and belongs to that very
 * connection. It is small, and among the first that is sent: larger pieces pay for a look at their size.
 */
#ifndef PS_BPF_EVIDENCE_H
#define PS_BPF_EVIDENCE_H

#include "account.h"
#include "call.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 262144);
} evidence SEC(".maps");

/* Questions that await an answer. Those that get none are pushed out by others. */
struct question {
	__u64 sk;
	__u16 id;
	__u8 pad[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct question);
	__type(value, __u8);
} questions SEC(".maps");

#define PORT_DNS 53
#define PORT_MDNS 5353
#define PORT_LLMNR 5355

/* Whether one talks to a name server on that port. */
static __always_inline bool is_name_server(__u16 port)
{
	return port == PORT_DNS || port == PORT_MDNS || port == PORT_LLMNR;
}

/* What to hand on. */
struct saying {
	__u64 at;
	__u32 len, total, seq, kind;
	__u64 stream;
	__u16 port; /* whence */
};

static __always_inline void said_sized(const struct saying *w, const struct wire_flow_key *flow, const __u32 room)
{
	struct wire_said *said = bpf_ringbuf_reserve(&evidence, sizeof(*said) + room, 0);
	__u32 n = at_most(w->len, room);
	bool filling;

	if (!said) {
		count(WIRE_LOST_NAMES, 1);
		return;
	}
	said->kind = w->kind;
	said->len = n;
	said->total = w->total;
	said->seq = w->seq;
	said->stream = w->stream;
	said->time = bpf_ktime_get_boot_ns();
	said->flow = *flow;
	if (bpf_probe_read_user(said + 1, n, (void *)w->at)) {
		bpf_ringbuf_discard(said, BPF_RB_NO_WAKEUP);
		return;
	}
	/* It can wait until the next drain, if there is room until then. */
	filling = bpf_ringbuf_query(&evidence, BPF_RB_AVAIL_DATA) > bpf_ringbuf_query(&evidence, BPF_RB_RING_SIZE) / 4;
	bpf_ringbuf_submit(said, filling ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/* In as little room as it needs, of three sizes: that is what older kernels can do. */
static __noinline int say(struct sock *sk, const struct saying *what)
{
	struct wire_flow_key flow;
	struct saying copy, *w = &copy;
	struct peer peer;

	if (forget(w, what))
		return 0;
	connected_to(&peer, sk);
	peer.port = w->port;
	if (rare_key_of(&flow, sk, &peer))
		return 0;
	if (w->len <= 256)
		said_sized(w, &flow, 256);
	else if (w->len <= 1280)
		said_sized(w, &flow, 1280);
	else
		said_sized(w, &flow, WIRE_SAID_MOST);
	return 0;
}

/* A datagram has been sent to a name server: notes which question awaits its answer. A call that sends
 * several sends them all to the same. */
static __noinline int dns_asked(struct sock *sk)
{
	struct question question = {.sk = (__u64)sk};
	struct spans s;
	__u8 one = 1;

	for (__u32 i = 0; i < 4 && spans_of(&s, i); i++)
		if (s.len[0] >= 12 && !bpf_probe_read_user(&question.id, sizeof(question.id), (void *)s.at[0]))
			bpf_map_update_elem(&questions, &question, &one, BPF_ANY);
	return 0;
}

struct dns_header {
	__u16 id;
	__u8 flags, code;
	__u16 questions, answers;
};

/* A datagram of n bytes has been received from a name server. */
static __noinline int dns_answered(struct sock *sk, __u32 n, __u16 port)
{
	struct saying w = {.kind = WIRE_DNS, .total = n, .port = port};
	struct question question = {.sk = (__u64)sk};
	struct dns_header h;
	struct spans s;

	if (!spans_of(&s, 0) || n < 12 || s.len[0] < 12 || bpf_probe_read_user(&h, sizeof(h), (void *)s.at[0]))
		return 0;
	/* An answer, without an error, that says something. */
	if (!(h.flags & 0x80) || h.code & 0xf || !h.answers)
		return 0;
	question.id = h.id;
	if (port != PORT_MDNS && bpf_map_delete_elem(&questions, &question))
		return 0;
	w.at = s.at[0];
	w.len = n < s.len[0] ? n : s.len[0];
	say(sk, &w);
	return 0;
}

/* n bytes of a TCP connection have been received from port 53. Whether they are an answer is seen when
 * they are put together. */
static __noinline int dns_read(struct sock *sk, __u32 n)
{
	struct saying w = {.kind = WIRE_DNS, .total = n, .stream = (__u64)sk, .port = PORT_DNS};
	struct connection *c = connection_of(sk, 0);
	struct tcp_sock *tp = plain_tcp(sk);
	struct spans s;

	/* If it was the other side that called, this is no client. */
	if (!c || c->direction != WIRE_OUT || !tp || !spans_of(&s, 0))
		return 0;
	w.seq = tp->copied_seq - n;
	w.at = s.at[0];
	w.len = n < s.len[0] ? n : s.len[0];
	if (w.len < n && s.len[1]) {
		/* The length first, then the message, say. */
		w.total = w.len;
		say(sk, &w);
		n -= w.len;
		w.seq += w.len;
		w.total = n;
		w.at = s.at[1];
		w.len = n < s.len[1] ? n : s.len[1];
	}
	say(sk, &w);
	return 0;
}

/* A greeting has as many bytes. */
#define GREETING_LEAST 64
#define GREETING_MOST WIRE_SAID_MOST
/* And that many segments before it at most: of STARTTLS, say, or what a proxy is asked for. */
#define GREETING_SEGMENTS 8

/* n bytes have been sent by TCP or MPTCP: the greeting of a client of TLS? */
static __noinline int tls_sent(struct sock *sk, __u32 n)
{
	struct saying w = {.kind = WIRE_TLS, .total = n, .port = bpf_ntohs(sk->__sk_common.skc_dport)};
	struct tcp_sock *tp = plain_tcp(sk);
	struct connection *c;
	struct spans s;
	__u8 head[6];

	/* What MPTCP has sent its paths count: that is rare enough to look at every time. */
	if (tp ? tp->data_segs_out > GREETING_SEGMENTS : sk->sk_protocol != IPPROTO_MPTCP)
		return 0;
	c = connection_of(sk, 0);
	if (!c || c->direction != WIRE_OUT || !spans_of(&s, 0) || s.len[0] < sizeof(head) ||
	    bpf_probe_read_user(head, sizeof(head), (void *)s.at[0]))
		return 0;
	/* A record of handshaking, of version 3.x, and in it the first message of a client. */
	if (head[0] != 22 || head[1] != 3 || head[5] != 1)
		return 0;
	w.at = s.at[0];
	w.len = n < s.len[0] ? n : s.len[0];
	say(sk, &w);
	return 0;
}

/* n bytes have been counted that went to that port, or came from there: are they of interest? */
static __always_inline void look_at(struct sock *sk, enum way way, __u32 n, __u16 port)
{
	if (likely(!is_name_server(port))) {
		if (way == SENT && n - GREETING_LEAST <= GREETING_MOST - GREETING_LEAST &&
		    (sk->sk_protocol == IPPROTO_TCP || sk->sk_protocol == IPPROTO_MPTCP))
			tls_sent(sk, n);
		return;
	}
	if (is_udp(sk)) {
		if (way == SENT)
			dns_asked(sk);
		else
			dns_answered(sk, n, port);
	} else if (way == RECEIVED && port == PORT_DNS && sk->sk_protocol == IPPROTO_TCP) {
		dns_read(sk, n);
	}
}

#endif

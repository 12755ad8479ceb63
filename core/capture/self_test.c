/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/self_test.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

const struct self_path_info self_paths[SELF_PATHS] = {
    [SELF_TCP4] = {"TCP, IPv4", AF_INET, IPPROTO_TCP, true, PEER_MUST, 10007},
    [SELF_TCP6] = {"TCP, IPv6", AF_INET6, IPPROTO_TCP, true, PEER_MUST, 10009},
    [SELF_TCP_MAPPED] = {"TCP, IPv4 through IPv6 sockets", AF_INET, IPPROTO_TCP, true, PEER_MUST, 10037},
    [SELF_TCP_WRITE] = {"TCP, write() and read()", AF_INET, IPPROTO_TCP, true, PEER_MUST, 10039},
    [SELF_TCP_MSG] = {"TCP, sendmsg() and recvmsg()", AF_INET6, IPPROTO_TCP, true, PEER_MUST, 10061},
    [SELF_TCP_SENDFILE] = {"TCP, sendfile()", AF_INET, IPPROTO_TCP, true, PEER_MUST, 10067},
    [SELF_TCP_SPLICE_OUT] = {"TCP, splice() to a socket", AF_INET6, IPPROTO_TCP, true, PEER_MUST, 10069},
    [SELF_TCP_SPLICE_IN] = {"TCP, splice() from a socket", AF_INET, IPPROTO_TCP, true, PEER_MUST, 10079},
    [SELF_TCP_PEEK] = {"TCP, MSG_PEEK counts nothing", AF_INET, IPPROTO_TCP, true, PEER_MUST, 10091},
    [SELF_TCP_ZEROCOPY] = {"TCP, MSG_ZEROCOPY", AF_INET, IPPROTO_TCP, true, PEER_MUST, 10093},
    [SELF_TCP_FASTOPEN] = {"TCP, fast open", AF_INET, IPPROTO_TCP, true, PEER_MUST, 10099},
    [SELF_TCP_URING] = {"TCP, io_uring", AF_INET, IPPROTO_TCP, true, PEER_MUST, 10103},
    [SELF_TCP_URING_ZC] = {"TCP, io_uring zero copy", AF_INET, IPPROTO_TCP, true, PEER_MUST, 10111},
    [SELF_TCP_TLS] = {"TCP, TLS in the kernel", AF_INET, IPPROTO_TCP, true, PEER_MUST, 10133},
    [SELF_UDP4] = {"UDP, IPv4", AF_INET, IPPROTO_UDP, true, PEER_MUST, 2003},
    [SELF_UDP6] = {"UDP, IPv6", AF_INET6, IPPROTO_UDP, true, PEER_MUST, 2011},
    [SELF_UDP_MAPPED] = {"UDP, IPv4 through IPv6 sockets", AF_INET, IPPROTO_UDP, true, PEER_MUST, 2017},
    [SELF_UDP_CONNECTED4] = {"UDP, IPv4, connected", AF_INET, IPPROTO_UDP, true, PEER_MUST, 2027},
    [SELF_UDP_CONNECTED6] = {"UDP, IPv6, connected", AF_INET6, IPPROTO_UDP, true, PEER_MUST, 2029},
    [SELF_UDP_RECV] = {"UDP, peer not asked for", AF_INET, IPPROTO_UDP, true, PEER_FEXIT_MUST, 2039},
    [SELF_UDP_MMSG] = {"UDP, sendmmsg() and recvmmsg()", AF_INET6, IPPROTO_UDP, true, PEER_MUST, 2053},
    [SELF_UDP_GSO] = {"UDP, segments (GSO and GRO)", AF_INET, IPPROTO_UDP, true, PEER_MUST, 2063},
    [SELF_UDP_URING] = {"UDP, io_uring", AF_INET, IPPROTO_UDP, true, PEER_MUST, 2069},
    [SELF_UDPLITE] = {"UDP-Lite", AF_INET, IPPROTO_UDPLITE, true, PEER_MUST, 2081},
    [SELF_SCTP] = {"SCTP", AF_INET, IPPROTO_SCTP, true, PEER_MAY, 10139},
    [SELF_MPTCP] = {"MPTCP", AF_INET, IPPROTO_MPTCP, true, PEER_MUST, 10141},
    [SELF_PING4] = {"ICMP, ping socket", AF_INET, IPPROTO_ICMP, false, PEER_MAY, 1009},
    [SELF_PING6] = {"ICMPv6, ping socket", AF_INET6, IPPROTO_ICMPV6, false, PEER_MAY, 1013},
    /* 253 is for experiments: nobody else has it. */
    [SELF_RAW4] = {"raw IPv4", AF_INET, 253, false, PEER_MAY, 1019},
    [SELF_RAW6] = {"raw IPv6", AF_INET6, 253, false, PEER_MAY, 1021},
    /* So are these EtherTypes. */
    [SELF_PACKET] = {"AF_PACKET", AF_PACKET, 0x88b5, false, PEER_MAY, 1031},
    [SELF_PACKET_RING] = {"AF_PACKET, sent by a ring", AF_PACKET, 0x88b6, false, PEER_MAY, 1033},
    [SELF_VSOCK] = {"vsock", AF_VSOCK, 0, true, PEER_MAY, 10151},
    [SELF_TUN] = {"tun device, written", PS_FAMILY_TUN, 0x0800, false, PEER_MAY, 1039},
};

static struct self_result *find(struct self_test *t, const struct observation *o, enum self_path *path)
{
	int64_t at = (int64_t)o->lport - SELF_PORT(0, 0);

	if (at >= 0 && at < 2 * SELF_PATHS && self_paths[at / 2].ports) {
		*path = (enum self_path)(at / 2);
		return &t->results[*path];
	}
	for (*path = 0; *path < SELF_PATHS; (*path)++)
		if (!self_paths[*path].ports && self_paths[*path].family == o->family &&
		    self_paths[*path].protocol == o->protocol)
			return &t->results[*path];
	return NULL;
}

/* Whether it says the right other end: this machine, by loopback, and the other socket's port. */
static bool has_peer(const struct observation *o, enum self_path path)
{
	static const struct ps_addr v4 = {AF_INET, {127, 0, 0, 1}}, v6 = {AF_INET6, {[15] = 1}};
	const struct ps_addr *addr = o->raddr.family == AF_INET ? &v4 : &v6;

	if (self_paths[path].peer == PEER_MAY)
		return o->raddr.family != 0;
	return o->raddr.family == addr->family && memcmp(o->raddr.bytes, addr->bytes, sizeof(addr->bytes)) == 0 &&
	       o->rport == SELF_PORT(path, o->lport == SELF_PORT(path, 0));
}

bool self_test_observe(struct self_test *t, const struct observation *o)
{
	struct self_result *r;
	enum self_path path;

	if (!t->netns || o->netns != t->netns)
		return false;
	r = find(t, o, &path);
	if (!r)
		return true; /* what the child needed besides */
	r->sent += o->sent;
	r->received += o->received;
	if (o->protocol != self_paths[path].protocol || o->family != self_paths[path].family)
		r->as_protocol = o->protocol;
	for (int way = 0; way < 2; way++)
		if (way ? o->received : o->sent) {
			r->seen[way] = true;
			r->no_peer[way] |= !has_peer(o, path);
		}
	return true;
}

static enum self_verdict judge(const struct self_result *r, enum self_path path, enum hooks door)
{
	bool blind = self_paths[path].peer == PEER_FEXIT_MUST && door != HOOKS_FEXIT;

	if (*r->moved.why)
		return SELF_NOT_TRIED;
	if (r->sent != r->moved.sent || r->received != r->moved.received || r->as_protocol)
		return SELF_NOT_COUNTED;
	if (self_paths[path].peer == PEER_MAY)
		return SELF_COUNTED;
	return r->no_peer[0] || (r->no_peer[1] && !blind) ? SELF_NO_PEER : SELF_COUNTED;
}

void self_test_judge(struct self_test *t, const struct self_moved moved[SELF_PATHS], const char *why)
{
	t->netns = 0;
	memset(t->n, 0, sizeof(t->n));
	for (enum self_path path = 0; moved && path < SELF_PATHS; path++) {
		struct self_result *r = &t->results[path];

		r->moved = moved[path];
		r->moved.why[sizeof(r->moved.why) - 1] = 0;
		r->verdict = judge(r, path, t->door);
		t->n[r->verdict]++;
	}
	t->state = t->n[SELF_NOT_COUNTED] || t->n[SELF_NO_PEER] ? SELF_FAILED : SELF_PASSED;
	if (!moved || t->n[SELF_NOT_TRIED] == SELF_PATHS) {
		t->state = SELF_BROKEN;
		snprintf(t->why, sizeof(t->why), "%s", moved ? t->results[0].moved.why : why);
	}
}

void self_result_bytes(char *out, size_t size, uint64_t seen, uint64_t moved)
{
	if (seen == moved)
		snprintf(out, size, "exact");
	else
		snprintf(out, size, "%" PRIu64 " of %" PRIu64, seen, moved);
}

const char *self_result_peer(const struct self_result *r)
{
	bool sending = r->seen[0] && !r->no_peer[0], receiving = r->seen[1] && !r->no_peer[1];

	return sending && receiving ? "yes" : sending ? "sending" : receiving ? "receiving" : "no";
}

const char *self_result_verdict(const struct self_result *r)
{
	static const char *const names[] = {"counted", "not counted", "peer not known", "not tried"};

	return names[r->verdict];
}

void self_result_text(char *out, size_t size, const struct self_test *t, enum self_path path)
{
	const struct self_result *r = &t->results[path];
	const char *name = self_paths[path].name;

	if (r->verdict == SELF_NO_PEER)
		snprintf(out, size, "%s: the bytes are counted, but not with whom they are exchanged (peer known: %s)", name,
		         self_result_peer(r));
	else if (r->as_protocol && r->sent == r->moved.sent && r->received == r->moved.received)
		snprintf(out, size, "%s: counted as if it were protocol %u", name, r->as_protocol);
	else
		snprintf(out, size,
		         "%s: not counted as it should be: of %" PRIu64 " bytes sent %" PRIu64 " were seen, of %" PRIu64
		         " received %" PRIu64,
		         name, r->moved.sent, r->sent, r->moved.received, r->received);
}

const char *self_test_state(const struct self_test *t)
{
	static const char *const names[] = {"off", "running", "passed", "failed", "broken"};

	return names[t->state];
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel's counters out of the text of /proc, and what came between two readings. */
#include "core/capture/counters.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/capture/namespaces.h"
#include "tests/tap.h"

static bool is_wg(void *arg, const char *name, size_t len)
{
	(*(int *)arg)++;
	return len == 3 && memcmp(name, "wg0", 3) == 0;
}

static struct counters parsed(enum counters_file file, const char *text)
{
	struct counters c = {{0}};
	int asked = 0;

	counters_parse(&c, file, text, strlen(text), is_wg, &asked);
	return c;
}

static void test_dev(void)
{
	static const char text[] = "Inter-|   Receive                                                |  Transmit\n"
	                           " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets "
	                           "errs drop fifo colls carrier "
	                           "compressed\n"
	                           "    lo: 1000      10    0    0    0     0          0         0     1000      10    0   "
	                           " 0    0     0       0      "
	                           "    0\n"
	                           "  eth0:27364664     720    1    2    0     0          0         0    39612     488    "
	                           "3    4    0     0       0    "
	                           "      0\n"
	                           "wg0: 100 1 0 0 0 0 0 0 200 2 0 0 0 0 0 0\n"
	                           "InReceives: 5 5\n"
	                           "x\xff\x1b[31m: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0";
	struct counters c = parsed(COUNTERS_DEV, text);

	is_int(c.value[LINK_IN_BYTES], 27364664 + 100 + 1, "what interfaces received, lo aside");
	is_int(c.value[LINK_OUT_BYTES], 39612 + 200 + 1, "and sent");
	is_int(c.value[LINK_IN_PACKETS] * 1000 + c.value[LINK_OUT_PACKETS], 722491, "frames");
	is_int(c.value[LINK_ERRORS], 10, "errors and drops, both ways");
	is_int(c.value[LOOPBACK_BYTES], 1000, "lo");
	is_int(c.value[TUNNEL_IN_BYTES] * 1000 + c.value[TUNNEL_OUT_BYTES], 100200, "of which a tunnel's");
}

static void test_tables(void)
{
	static const char list[] = "Ip6InOctets \t 5\nUdp6OutDatagrams\t7\n";
	struct counters c;

	c = parsed(COUNTERS_SNMP,
	           "Ip: Forwarding InReceives ForwDatagrams OutRequests\nIp: 2 30 4 50\n"
	           "Tcp: MaxConn InSegs OutSegs RetransSegs\nTcp: -1 6 7 8\n"
	           "Udp: InDatagrams NoPorts InErrors OutDatagrams\nUdp: 9 10 11 12\n"
	           "UdpLite: InDatagrams\nUdpLite: 13\nIcmpMsg:\nIcmpMsg:\nIcmp: InMsgs OutMsgs\nIcmp: 14 15\n");
	is_int(c.value[IP4_IN_PACKETS] * 100 + c.value[IP4_OUT_PACKETS], 3050, "IP packets");
	is_int(c.value[IP_FORWARDED], 4, "forwarded ones");
	is_int(c.value[TCP_IN] * 100 + c.value[TCP_OUT] * 10 + c.value[TCP_AGAIN], 678, "TCP segments");
	is_int(c.value[UDP_IN] * 100 + c.value[UDP_OUT], 912, "UDP datagrams");
	is_int(c.value[UDP_ERRORS], 21, "and those that nobody got");
	is_int(c.value[UDPLITE_IN], 13, "UDP-Lite is not UDP");
	is_int(c.value[ICMP_IN] * 100 + c.value[ICMP_OUT], 1415, "ICMP messages");
	c = parsed(COUNTERS_SNMP, "Ip: InReceives OutRequests OutTransmits\nIp: 1 50 49\n");
	is_int(c.value[IP4_OUT_PACKETS], 49, "newer kernels tell what was sent from what was asked for");
	c = parsed(COUNTERS_NETSTAT, "TcpExt: InOctets\nTcpExt: 99\nIpExt: InOctets OutOctets InMcastOctets InBcastOctets\n"
	                             "IpExt: 1000 2000 30 4\n");
	is_int(c.value[IP_IN_BYTES] + c.value[IP_OUT_BYTES], 3000, "bytes of IP, of their own group");
	is_int(c.value[IP_CAST_BYTES], 34, "multicast and broadcast");
	counters_parse(&c, COUNTERS_SNMP6, list, sizeof(list) - 1, NULL, NULL);
	is_int(c.value[IP_IN_BYTES], 1005, "IPv6 is added");
	is_int(c.value[UDP_OUT], 7, "name and value may be apart");
}

static void test_damaged(void)
{
	static const char *const texts[] = {
	    "",
	    "\n\n",
	    "Ip:",
	    "Ip: InReceives\nIp:",
	    "Ip: InReceives\nIp: 99999999999999999999999\n",
	    "Ip InReceives\nIp 5\n",
	    "Ip: InReceives\nIp: 1x\n",
	    "Ip: InReceives",
	};
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		for (enum counters_file file = 0; file < COUNTERS_FILES; file++) {
			struct counters c = parsed(file, texts[i]);

			for (int j = 0; j < COUNTERS; j++)
				sum += c.value[j];
		}
	is_int(sum, 0, "what is cut, damaged or too large counts nothing");
}

static void test_since(void)
{
	struct counters before = {{0}}, now = {{0}}, d;

	before.value[TCP_IN] = 100;
	now.value[TCP_IN] = 150;
	before.value[LINK_IN_BYTES] = 4294967290;
	now.value[LINK_IN_BYTES] = 10;
	before.value[LINK_OUT_BYTES] = 1000000;
	now.value[LINK_OUT_BYTES] = 5;
	before.value[IP_IN_BYTES] = UINT64_C(1) << 40;
	now.value[IP_IN_BYTES] = 7;
	counters_since(&d, &before, &now);
	is_int(d.value[TCP_IN], 50, "what was added");
	is_int(d.value[LINK_IN_BYTES], 16, "a counter of 32 bits wrapped");
	is_int(d.value[LINK_OUT_BYTES], 0, "an interface that has gone took its counter along");
	is_int(d.value[IP_IN_BYTES], 0, "a wide counter does not wrap, it was reset");
}

/* A byte for the counters of a machine that has moved none since it started. */
static void move_a_byte(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)) != 1)
		abort();
	close(fd);
}

/* This very machine, and a namespace whose process is no more. */
static void test_namespaces(void)
{
	struct namespaces *ns = namespaces_open();
	const struct namespace_counters *c;
	size_t n;

	move_a_byte();
	namespaces_hint(ns, 12345, 1u << 29);
	namespaces_read(ns);
	c = namespaces_counters(ns, &n);
	ok(n >= 1 && c[0].netns && c[0].counters.value[LOOPBACK_BYTES] + c[0].counters.value[LINK_OUT_BYTES] > 0,
	   "the namespace that we are in has counters");
	for (size_t i = 0; i < n; i++)
		if (c[i].netns == 12345)
			ok(0, "a namespace without a process is read");
	ok(!namespaces_cut(ns), "there are not too many");
	for (uint32_t i = 0; i < NAMESPACES_MAX; i++)
		namespaces_hint(ns, 1 + i, 1u << 29);
	ok(namespaces_cut(ns), "beyond so many it is said");
	namespaces_read(ns);
	namespaces_counters(ns, &n);
	ok(n >= 1, "and those that are known are read on");
	namespaces_close(ns);
}

int main(void)
{
	test_dev();
	test_tables();
	test_damaged();
	test_since();
	test_namespaces();
	return tap_done();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel's counters beside what was observed: the rest, and when it is alerted. */
#include "core/ledger/audit.h"

#include <netinet/in.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "tests/tap.h"

#define NETNS 4026531840u
#define KIB INT64_C(1024)

struct desk {
	struct losses *losses;
	struct audit *audit;
	struct counters now;
	int64_t wall_ns;
	struct ps_audit got[PS_LAYER_ICMP + 1]; /* of the last reading; layer 0 where there was none */
	struct ps_record last;
	unsigned records;
};

static void desk_open(struct desk *d)
{
	*d = (struct desk){.wall_ns = 1000 * NS_PER_S};
	d->losses = losses_open();
	d->audit = audit_open(d->losses);
}

static void desk_close(struct desk *d)
{
	audit_close(d->audit);
	losses_close(d->losses);
}

static void on_record(void *arg, const struct ps_record *r)
{
	struct desk *d = arg;

	d->got[r->audit.layer] = r->audit;
	d->last = *r;
	d->records++;
}

/* Ten seconds later. */
static void read_again(struct desk *d, uint32_t netns, int64_t threshold)
{
	struct namespace_counters c = {netns, d->now};

	memset(d->got, 0, sizeof(d->got));
	d->records = 0;
	audit_read(d->audit, &c, netns != 0, d->wall_ns, threshold, on_record, d);
	d->wall_ns += 10 * NS_PER_S;
}

static void observe(struct desk *d, uint32_t netns, uint8_t family, uint16_t protocol, uint64_t sent, uint64_t received,
                    uint64_t calls)
{
	struct observation o = {.netns = netns, .family = family, .protocol = protocol};

	o.sent = sent;
	o.received = received;
	o.calls = calls;
	audit_add(d->audit, &o);
}

static uint64_t alerts(struct desk *d)
{
	struct losses_total totals[4];
	size_t n = losses_totals(d->losses, totals, 4);

	return n && totals[0].stage == PS_STAGE_AUDIT ? totals[0].count : 0;
}

static void test_exact(void)
{
	struct desk d;

	desk_open(&d);
	d.now.value[UDP_IN] = 1000; /* long before */
	observe(&d, NETNS, AF_INET, IPPROTO_UDP, 5, 5, 2);
	read_again(&d, NETNS, KIB);
	is_int(d.records, 0, "a first reading only begins");
	d.now.value[UDP_IN] += 3;
	d.now.value[UDP_OUT] += 4;
	d.now.value[UDP_ERRORS] += 1;
	observe(&d, NETNS, AF_INET, IPPROTO_UDP, 400, 0, 4);
	observe(&d, NETNS, AF_INET6, IPPROTO_UDP, 0, 300, 3);
	observe(&d, NETNS, AF_VSOCK, 0, 1000, 1000, 9);
	read_again(&d, NETNS, KIB);
	is_int(d.got[PS_LAYER_UDP].rest_packets, 0, "datagrams and calls: no rest");
	ok(d.got[PS_LAYER_UDP].own_sent == 400 && d.got[PS_LAYER_UDP].own_received == 300 &&
	       d.got[PS_LAYER_UDP].own_calls == 7 && d.got[PS_LAYER_UDP].errors == 1,
	   "IPv4 and IPv6 together");
	is_int(d.got[PS_LAYER_IP].own_calls, 7, "all that goes over IP, and no more");
	ok(d.last.start_ns == 1000 * NS_PER_S && d.last.end_ns == 1010 * NS_PER_S && d.last.kind == PS_AUDIT,
	   "from one reading to the next");
	d.now.value[UDP_IN] += 5;
	d.now.value[ICMP_OUT] += 2;
	read_again(&d, NETNS, KIB);
	is_int(d.got[PS_LAYER_UDP].rest_packets, 5, "datagrams that no call moved are a rest");
	is_int(d.got[PS_LAYER_ICMP].rest_packets, 2, "and so is what the kernel answers");
	ok(!d.got[PS_LAYER_TCP].layer, "a layer where nothing happened has no record");
	read_again(&d, NETNS, KIB);
	is_int(d.records, 0, "nor has a quiet window");
	is_int(audit_total(d.audit, 0)->udp.rest_packets, 5, "sums are kept");
	desk_close(&d);
}

/* 100 TCP packets, 10 datagrams, 2 messages each way; one is sent again. */
static void tcp_and_udp(struct desk *d)
{
	uint64_t *c = d->now.value;

	c[IP4_OUT_PACKETS] += 60;
	c[IP6_OUT_PACKETS] += 52;
	c[IP4_IN_PACKETS] += 60;
	c[IP6_IN_PACKETS] += 52;
	c[TCP_OUT] += 99;
	c[TCP_AGAIN] += 1;
	c[TCP_IN] += 100;
	c[UDP_OUT] += 10;
	c[UDP_IN] += 10;
	c[ICMP_OUT] += 2;
	c[ICMP_IN] += 2;
	c[IP_OUT_BYTES] += 60 * 20 + 52 * 40 + 100 * 32 + 10 * 8 + 100000 + 5000 + 1460;
	c[IP_IN_BYTES] += 60 * 20 + 52 * 40 + 100 * 32 + 10 * 8 + 200000 + 6000;
	observe(d, NETNS, AF_INET, IPPROTO_TCP, 100000, 200000, 20);
	observe(d, NETNS, AF_INET, IPPROTO_UDP, 5000, 6000, 20);
}

static void test_estimate(void)
{
	struct desk d;
	uint64_t *c;

	desk_open(&d);
	c = d.now.value;
	read_again(&d, NETNS, KIB);
	tcp_and_udp(&d);
	read_again(&d, NETNS, KIB);
	ok(d.got[PS_LAYER_IP].rest_sent == 0 && d.got[PS_LAYER_IP].rest_received == 0,
	   "payload, headers and what is sent again make what IP counted");
	is_int(d.got[PS_LAYER_TCP].retransmitted * 1000 + d.got[PS_LAYER_TCP].packets_sent, 1100,
	       "TCP says what was again");
	tcp_and_udp(&d);
	c[IP4_IN_PACKETS] += 7;
	c[IP4_CAST_PACKETS] += 7;
	c[IP_IN_BYTES] += 7000;
	c[IP_CAST_BYTES] += 7000;
	c[TUNNEL_OUT_BYTES] += 300;
	c[IP_OUT_BYTES] += 300;
	read_again(&d, NETNS, KIB);
	ok(d.got[PS_LAYER_IP].rest_sent == 0 && d.got[PS_LAYER_IP].rest_received == 0,
	   "what is for everybody, or goes through a tunnel, is no rest");
	is_int(alerts(&d), 0, "and no alert");
	/* A router: as much again goes in and out. */
	c[IP_FORWARDED] += 100;
	c[IP4_IN_PACKETS] += 100;
	c[IP4_OUT_PACKETS] += 100;
	c[IP_IN_BYTES] += 150000;
	c[IP_OUT_BYTES] += 150000;
	read_again(&d, NETNS, KIB);
	ok(d.got[PS_LAYER_IP].rest_sent == 0 && d.got[PS_LAYER_IP].rest_received == 0 &&
	       d.got[PS_LAYER_IP].forwarded == 100,
	   "what is forwarded is shown, and no rest");
	/* A frame that IP never saw. */
	c[LINK_OUT_BYTES] += 1000;
	c[LINK_OUT_PACKETS] += 1;
	observe(&d, NETNS, AF_PACKET, 8, 386, 0, 1);
	read_again(&d, NETNS, KIB);
	is_int(d.got[PS_LAYER_LINK].rest_sent, 1000 - 14 - 386, "frames that IP did not count, and no program sent");
	desk_close(&d);
}

static void test_alert(void)
{
	struct desk d;
	uint64_t *c;

	desk_open(&d);
	c = d.now.value;
	read_again(&d, NETNS, 1000 * KIB);
	/* Sent in one window, on its way in the next: over and over. */
	for (int i = 0; i < 50; i++) {
		observe(&d, NETNS, AF_INET, IPPROTO_TCP, 900000, 0, 1);
		read_again(&d, NETNS, 1000 * KIB);
		c[IP_OUT_BYTES] += 900000;
		read_again(&d, NETNS, 1000 * KIB);
	}
	is_int(alerts(&d), 0, "what is on its way when a window ends is no alert");
	is_int(audit_total(d.audit, 0)->ip.rest_sent, 0, "and comes to nothing");
	/* A twentieth more than is accounted for. */
	for (int i = 0; i < 50; i++) {
		observe(&d, NETNS, AF_INET, IPPROTO_TCP, 0, 1000000, 1);
		c[IP_IN_BYTES] += 1050000;
		read_again(&d, NETNS, 1000 * KIB);
	}
	is_int(alerts(&d), 0, "nor is a twentieth");
	/* 3 kB/s of nobody's. */
	for (int i = 0; i < 500; i++) {
		c[IP_IN_BYTES] += 30000;
		read_again(&d, NETNS, 1000 * KIB);
	}
	is_int(alerts(&d), 0, "nor a trickle");
	for (int i = 0; i < 40; i++) {
		c[IP_OUT_BYTES] += 200000;
		read_again(&d, NETNS, 0);
	}
	is_int(alerts(&d), 0, "nor anything when it is off");
	for (int i = 0; i < 40; i++) {
		c[IP_OUT_BYTES] += 200000;
		read_again(&d, NETNS, 1000 * KIB);
	}
	is_int(alerts(&d), audit_total(d.audit, 0)->alerts, "an alert each time that the rest is over the threshold");
	ok(alerts(&d) >= 3 && alerts(&d) <= 6, "again and again: %d", (int)alerts(&d));
	c[IP_FORWARDED] += 1000;
	c[IP4_IN_PACKETS] += 1000;
	c[IP_OUT_BYTES] += 100 << 20;
	{
		uint64_t before = alerts(&d);

		read_again(&d, NETNS, 1000 * KIB);
		is_int(alerts(&d), before, "a router is not judged");
	}
	desk_close(&d);
}

static void test_namespaces(void)
{
	struct desk d;

	desk_open(&d);
	read_again(&d, NETNS, KIB);
	observe(&d, 7, AF_INET, IPPROTO_UDP, 1, 0, 1);
	d.now.value[UDP_OUT] = 1;
	read_again(&d, 7, KIB);
	is_int(d.records, 0, "a new namespace begins");
	observe(&d, 7, AF_INET, IPPROTO_UDP, 1, 0, 1);
	read_again(&d, 0, KIB);
	d.now.value[UDP_OUT] = 3;
	observe(&d, 7, AF_INET, IPPROTO_UDP, 1, 0, 1);
	read_again(&d, 7, KIB);
	is_int(d.got[PS_LAYER_UDP].rest_packets, 0, "one that could not be read for a while is compared over all of it");
	is_int(d.last.end_ns - d.last.start_ns, 20 * NS_PER_S, "and says so");
	d.wall_ns += 400 * NS_PER_S;
	read_again(&d, 7, KIB);
	ok(audit_total(d.audit, 0)->netns == 7 && !audit_total(d.audit, 1), "one that has gone is forgotten");
	for (uint32_t i = 0; i < 1000; i++)
		observe(&d, 100 + i, AF_INET, IPPROTO_UDP, 1, 0, 1);
	ok(!audit_total(d.audit, NAMESPACES_MAX), "there are never more than have room");
	desk_close(&d);
}

int main(void)
{
	log_setup("test", LOG_LEVEL_ERROR, 0);
	test_exact();
	test_estimate();
	test_alert();
	test_namespaces();
	return tap_done();
}

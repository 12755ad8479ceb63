/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/audit.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

enum {
	LAYERS = PS_LAYER_ICMP + 1,
	ETHERNET = 14, /* bytes of headers, without options but for TCP's timestamps */
	IP4 = 20,
	IP6 = 40,
	UDP = 8,
	TCP = 32,
	SEGMENT = 1460,    /* of payload, that is sent again */
	SOME_PER_S = 4096, /* bytes of rest that are nobody's: scans, neighbour discovery */
};
#define FORGOTTEN_NS (300 * NS_PER_S) /* a namespace that was not read for so long has gone */

struct own {
	uint64_t sent, received, calls;
};

struct place {
	struct audit_total total;
	uint32_t pid; /* of the latest traffic */
	bool begun;
	struct counters before;
	struct own own[LAYERS];
	int64_t balance_sent, balance_received;
};

struct audit {
	struct losses *losses;
	struct place places[NAMESPACES_MAX];
	size_t n, last;
};

struct audit *audit_open(struct losses *losses)
{
	struct audit *a = mem_alloc(sizeof(*a));

	a->losses = losses;
	return a;
}

void audit_close(struct audit *a)
{
	free(a);
}

static struct place *place_of(struct audit *a, uint32_t netns)
{
	if (a->last < a->n && a->places[a->last].total.netns == netns)
		return &a->places[a->last];
	for (a->last = 0; a->last < a->n; a->last++)
		if (a->places[a->last].total.netns == netns)
			return &a->places[a->last];
	if (a->n == NAMESPACES_MAX)
		return NULL;
	a->places[a->n] = (struct place){.total.netns = netns};
	return &a->places[a->n++];
}

static void own_add(struct own *own, const struct observation *o)
{
	own->sent += o->sent;
	own->received += o->received;
	own->calls += o->calls;
}

void audit_add(struct audit *a, const struct observation *o)
{
	struct place *p = place_of(a, o->netns);

	if (!p)
		return;
	p->pid = o->image.tgid;
	if (o->family == AF_PACKET)
		own_add(&p->own[PS_LAYER_LINK], o);
	if (o->family != AF_INET && o->family != AF_INET6)
		return;
	own_add(&p->own[PS_LAYER_IP], o);
	switch (o->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_MPTCP:
		own_add(&p->own[PS_LAYER_TCP], o);
		break;
	case IPPROTO_UDP:
		own_add(&p->own[PS_LAYER_UDP], o);
		break;
	case IPPROTO_UDPLITE:
		own_add(&p->own[PS_LAYER_UDPLITE], o);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		own_add(&p->own[PS_LAYER_ICMP], o);
		break;
	}
}

void audit_hint(const struct audit *a, struct namespaces *ns)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->places[i].pid)
			namespaces_hint(ns, a->places[i].total.netns, a->places[i].pid);
}

/* ---- the layers ---- */

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* What the headers of so many packets come to, of which so many are datagrams and messages. */
static uint64_t headers(uint64_t ip4, uint64_t ip6, uint64_t datagrams, uint64_t messages)
{
	return ip4 * IP4 + ip6 * IP6 + datagrams * UDP + less(ip4 + ip6, datagrams + messages) * TCP;
}

static void audit_ip(struct ps_audit *r, const uint64_t *c)
{
	uint64_t ip4_in = less(c[IP4_IN_PACKETS], c[IP4_CAST_PACKETS]);
	uint64_t ip6_in = less(c[IP6_IN_PACKETS], c[IP6_CAST_PACKETS]);
	uint64_t datagrams_in = c[UDP_IN] + c[UDPLITE_IN], datagrams_out = c[UDP_OUT] + c[UDPLITE_OUT], forwarded;

	r->sent = c[IP_OUT_BYTES];
	r->received = c[IP_IN_BYTES];
	r->packets_sent = c[IP4_OUT_PACKETS] + c[IP6_OUT_PACKETS];
	r->packets_received = c[IP4_IN_PACKETS] + c[IP6_IN_PACKETS];
	r->errors = c[IP_ERRORS];
	r->forwarded = c[IP_FORWARDED];
	/* What comes in for everybody may be for nobody here. */
	r->rest_sent = (int64_t)(r->sent - c[TUNNEL_OUT_BYTES] - r->own_sent - c[TCP_AGAIN] * SEGMENT -
	                         headers(c[IP4_OUT_PACKETS], c[IP6_OUT_PACKETS], datagrams_out, c[ICMP_OUT]));
	r->rest_received = (int64_t)(r->received - c[IP_CAST_BYTES] - c[TUNNEL_IN_BYTES] - r->own_received -
	                             headers(ip4_in, ip6_in, datagrams_in, c[ICMP_IN]));
	/* They are taken to be as large as all that came in; but not to be larger than the rest. */
	forwarded =
	    r->packets_received ? (uint64_t)((double)r->forwarded * (double)r->received / (double)r->packets_received) : 0;
	if (r->rest_sent > 0)
		r->rest_sent = (int64_t)less((uint64_t)r->rest_sent, forwarded);
	if (r->rest_received > 0)
		r->rest_received = (int64_t)less((uint64_t)r->rest_received, forwarded);
}

static void audit_link(struct ps_audit *r, const uint64_t *c)
{
	r->sent = c[LINK_OUT_BYTES];
	r->received = c[LINK_IN_BYTES];
	r->packets_sent = c[LINK_OUT_PACKETS];
	r->packets_received = c[LINK_IN_PACKETS];
	r->errors = c[LINK_ERRORS];
	r->rest_sent =
	    (int64_t)(r->sent - r->packets_sent * ETHERNET - less(c[IP_OUT_BYTES], c[LOOPBACK_BYTES]) - r->own_sent);
	r->rest_received =
	    (int64_t)(r->received - r->packets_received * ETHERNET - less(c[IP_IN_BYTES], c[LOOPBACK_BYTES]));
}

static void audit_packets(struct ps_audit *r, uint64_t in, uint64_t out, uint64_t errors)
{
	r->packets_sent = out;
	r->packets_received = in;
	r->errors = errors;
	r->rest_packets = (int64_t)(in + out - r->own_calls);
}

static void audit_layer(struct ps_audit *r, const struct own *own, const struct counters *counters)
{
	const uint64_t *c = counters->value;

	r->own_sent = own->sent;
	r->own_received = own->received;
	r->own_calls = own->calls;
	switch (r->layer) {
	case PS_LAYER_LINK:
		audit_link(r, c);
		break;
	case PS_LAYER_IP:
		audit_ip(r, c);
		break;
	case PS_LAYER_TCP:
		r->packets_sent = c[TCP_OUT] + c[TCP_AGAIN];
		r->packets_received = c[TCP_IN];
		r->retransmitted = c[TCP_AGAIN];
		r->errors = c[TCP_ERRORS];
		break;
	case PS_LAYER_UDP:
		audit_packets(r, c[UDP_IN], c[UDP_OUT], c[UDP_ERRORS]);
		break;
	case PS_LAYER_UDPLITE:
		audit_packets(r, c[UDPLITE_IN], c[UDPLITE_OUT], c[UDPLITE_ERRORS]);
		break;
	case PS_LAYER_ICMP:
		audit_packets(r, c[ICMP_IN], c[ICMP_OUT], c[ICMP_ERRORS]);
		break;
	}
}

static void total_add(struct ps_audit *total, const struct ps_audit *r)
{
	total->sent += r->sent;
	total->received += r->received;
	total->packets_sent += r->packets_sent;
	total->packets_received += r->packets_received;
	total->errors += r->errors;
	total->forwarded += r->forwarded;
	total->own_sent += r->own_sent;
	total->own_received += r->own_received;
	total->own_calls += r->own_calls;
	total->rest_sent += r->rest_sent;
	total->rest_received += r->rest_received;
	total->rest_packets += r->rest_packets;
}

/* ---- judgement ---- */

static void weigh(int64_t *balance, int64_t rest, uint64_t counted, int64_t ns, int64_t threshold)
{
	*balance += rest - (int64_t)(counted / 10) - ns / NS_PER_S * SOME_PER_S;
	if (*balance < -threshold)
		*balance = -threshold;
}

static void judge(struct audit *a, struct place *p, const struct ps_audit *ip, int64_t ns, int64_t threshold)
{
	if (!threshold || ip->forwarded > ip->packets_received / 100)
		return;
	weigh(&p->balance_sent, ip->rest_sent, ip->sent, ns, threshold);
	weigh(&p->balance_received, ip->rest_received, ip->received, ns, threshold);
	if (p->balance_sent <= threshold && p->balance_received <= threshold)
		return;
	losses_add(a->losses, PS_STAGE_AUDIT, 1, p->balance_sent > 0 ? (uint64_t)p->balance_sent : 0,
	           p->balance_received > 0 ? (uint64_t)p->balance_received : 0,
	           "the kernel counted more IP traffic in network namespace %u than programs account for", p->total.netns);
	p->balance_sent = p->balance_received = 0;
	p->total.alerts++;
}

static void read_place(struct audit *a, struct place *p, const struct counters *now, int64_t wall_ns, int64_t threshold,
                       void (*each)(void *, const struct ps_record *), void *arg)
{
	struct ps_record r = {.kind = PS_AUDIT, .start_ns = p->total.last_ns, .end_ns = wall_ns};
	struct counters since;

	if (r.start_ns > r.end_ns) /* the clock was set back */
		r.start_ns = r.end_ns;
	counters_since(&since, &p->before, now);
	for (uint32_t layer = PS_LAYER_LINK; p->begun && layer < LAYERS; layer++) {
		struct ps_audit *audit = &r.audit;

		*audit = (struct ps_audit){.netns = p->total.netns, .layer = layer};
		audit_layer(audit, &p->own[layer], &since);
		if (layer == PS_LAYER_IP) {
			total_add(&p->total.ip, audit);
			judge(a, p, audit, r.end_ns - r.start_ns, threshold);
		} else if (layer == PS_LAYER_UDP) {
			total_add(&p->total.udp, audit);
		}
		if (audit->packets_sent || audit->packets_received || audit->errors || audit->own_calls)
			each(arg, &r);
	}
	if (!p->begun)
		p->total.since_ns = wall_ns;
	p->begun = true;
	p->before = *now;
	p->total.last_ns = wall_ns;
	memset(p->own, 0, sizeof(p->own));
}

void audit_read(struct audit *a, const struct namespace_counters *counters, size_t n, int64_t wall_ns,
                int64_t threshold, void (*each)(void *arg, const struct ps_record *), void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct place *p = place_of(a, counters[i].netns);

		if (p)
			read_place(a, p, &counters[i].counters, wall_ns, threshold, each, arg);
	}
	for (size_t i = 0; i < a->n; i++) {
		/* One that was seen, but never read, ages from now on. */
		if (!a->places[i].total.last_ns)
			a->places[i].total.last_ns = wall_ns;
		if (wall_ns - a->places[i].total.last_ns < FORGOTTEN_NS)
			a->places[kept++] = a->places[i];
	}
	a->n = kept;
}

const struct audit_total *audit_total(const struct audit *a, size_t i)
{
	return i < a->n ? &a->places[i].total : NULL;
}

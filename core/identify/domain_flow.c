/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/identify/domain_inside.h"

/* Ends that were quiet for so long, and of whose beginning nothing is known, have begun anew. */
#define QUIET_NS (300 * NS_PER_S)
#define LONG_AGO (INT64_MIN / 2)

struct domain_flow domain_flow_of(const struct observation *o, int64_t first_ns)
{
	return (struct domain_flow){
	    .image = o->image,
	    .netns = o->netns,
	    .protocol = o->protocol,
	    .direction = o->direction,
	    .lport = o->lport,
	    .rport = o->rport,
	    .laddr = o->laddr,
	    .raddr = o->raddr,
	    .opened_ns = o->opened_ns,
	    .first_ns = first_ns,
	    .closed = o->closed_ns != 0,
	};
}

struct flow_key {
	uint32_t netns;
	uint16_t protocol, lport, rport;
	uint8_t lfamily, rfamily;
	uint8_t laddr[16], raddr[16];
};

_Static_assert(sizeof(struct flow_key) == 44, "flow keys must have no holes");

struct flow {
	struct flow_key key;
	struct flow *newer, *older;
	struct verdict verdict;
	unsigned worth;
	int64_t opened_ns, first_ns, used_ns;
};

/* False for what has no two ends that are known. */
static bool key_of(struct flow_key *key, const struct domain_flow *f)
{
	if (f->lport <= 0 || f->rport <= 0 || (f->raddr.family != AF_INET && f->raddr.family != AF_INET6))
		return false;
	*key = (struct flow_key){
	    .netns = f->netns,
	    .protocol = f->protocol,
	    .lport = (uint16_t)f->lport,
	    .rport = (uint16_t)f->rport,
	    .lfamily = f->laddr.family,
	    .rfamily = f->raddr.family,
	};
	memcpy(key->laddr, f->laddr.bytes, sizeof(key->laddr));
	memcpy(key->raddr, f->raddr.bytes, sizeof(key->raddr));
	return true;
}

static void unlink_flow(struct domains *d, struct flow *flow)
{
	*(flow->newer ? &flow->newer->older : &d->newest) = flow->older;
	*(flow->older ? &flow->older->newer : &d->oldest) = flow->newer;
}

static void link_newest(struct domains *d, struct flow *flow)
{
	flow->newer = NULL;
	flow->older = d->newest;
	*(flow->older ? &flow->older->newer : &d->oldest) = flow;
	d->newest = flow;
}

static void flow_free(struct domains *d, struct flow *flow)
{
	unlink_flow(d, flow);
	table_remove(&d->flows, &flow->key, sizeof(flow->key));
	name_drop(d, flow->verdict.name);
	free(flow);
}

static struct flow *flow_find(struct domains *d, const struct domain_flow *f)
{
	struct flow_key key;

	return key_of(&key, f) ? table_get(&d->flows, &key, sizeof(key)) : NULL;
}

/* Whether it is that connection still, and not another one between the same ends. */
static bool is_same(const struct flow *flow, const struct domain_flow *f, int64_t now_ns)
{
	if (flow->opened_ns && f->opened_ns)
		return flow->opened_ns == f->opened_ns;
	return now_ns - flow->used_ns <= QUIET_NS;
}

unsigned flow_kept(struct domains *d, struct domain_flow *f, int64_t now_ns, struct verdict *verdict)
{
	struct flow *flow = flow_find(d, f);

	*verdict = (struct verdict){0};
	if (flow && !is_same(flow, f, now_ns)) {
		flow_free(d, flow);
		flow = NULL;
	}
	if (!flow)
		return 0;
	*verdict = flow->verdict;
	if (flow->first_ns < f->first_ns)
		f->first_ns = flow->first_ns;
	return flow->worth;
}

void flow_keep(struct domains *d, const struct domain_flow *f, int64_t now_ns, const struct verdict *verdict,
               unsigned worth)
{
	struct flow *flow = flow_find(d, f);
	struct flow_key key;

	if (flow) {
		unlink_flow(d, flow);
	} else {
		/* Most connections are short, and over before their row is written. */
		if (f->closed || !key_of(&key, f))
			return;
		if (d->flows.n >= DOMAINS_FLOWS_MAX)
			flow_free(d, d->oldest);
		flow = mem_alloc(sizeof(*flow));
		flow->key = key;
		flow->first_ns = f->first_ns;
		table_add(&d->flows, &flow->key, sizeof(flow->key), flow);
	}
	link_newest(d, flow);
	if (f->opened_ns)
		flow->opened_ns = f->opened_ns;
	flow->used_ns = f->closed ? LONG_AGO : now_ns;
	flow->worth = worth;
	if (flow->verdict.name != verdict->name) {
		verdict->name->refs++;
		name_drop(d, flow->verdict.name);
	}
	flow->verdict = *verdict;
}

void domains_greeted(struct domains *d, const struct domain_flow *f, struct ps_text text)
{
	struct verdict verdict = {.source = PS_DOMAIN_SNI};
	struct flow *before = flow_find(d, f);

	if (!text.len)
		return;
	names_sweep(d);
	verdict.name = name_get(d, text);
	if (before)
		flow_free(d, before);
	flow_keep(d, f, f->first_ns, &verdict, FLOW_GREETED);
	name_drop(d, verdict.name);
}

void flows_clear(struct domains *d)
{
	while (d->oldest)
		flow_free(d, d->oldest);
	table_done(&d->flows);
}

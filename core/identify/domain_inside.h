/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What domain.c and domain_flow.c share, and nobody else knows. */
#ifndef PS_IDENTIFY_DOMAIN_INSIDE_H
#define PS_IDENTIFY_DOMAIN_INSIDE_H

#include "core/base/table.h"
#include "core/identify/domain.h"

/* A name, once for all that have it. */
struct name {
	unsigned refs;
	bool idle; /* nobody had it at some time: it is in the list of those */
	struct name *next_idle;
	unsigned pairs; /* how many of them are pairs */
	uint32_t len;
	char text[];
};

struct verdict {
	struct name *name; /* NULL: none */
	uint32_t rivals;
	uint8_t source; /* enum ps_domain_source */
};

struct domains {
	struct table names;  /* text -> struct name */
	struct table spots;  /* netns and address -> struct spot */
	struct table spaces; /* netns -> struct space */
	struct table hosts;  /* likewise -> struct host */
	struct table flows;  /* the two ends -> struct flow */
	struct flow *newest, *oldest;
	struct name *idle;
	uint32_t hosts_netns;
	size_t n_pairs;
	size_t text;                /* bytes of the names that pairs have */
	struct domains_stats stats; /* `learnt` and `evicted` only */
};

struct name *name_get(struct domains *, struct ps_text); /* with a reference */
void name_drop(struct domains *, struct name *);         /* it stays until names_sweep() */
void names_sweep(struct domains *);                      /* frees those that nobody has */

/* Connections whose name is known, until they end or DOMAINS_FLOWS_MAX others came. A name is kept with
 * what it was worth; a better one replaces it. FLOW_GREETED: the program has said it on this connection. */
#define FLOW_GREETED 100u

/* What is kept of a connection, and what it was worth: 0: nothing. Sets f->first_ns to when it began. */
unsigned flow_kept(struct domains *, struct domain_flow *f, int64_t now_ns, struct verdict *);
void flow_keep(struct domains *, const struct domain_flow *, int64_t now_ns, const struct verdict *, unsigned worth);
void flows_clear(struct domains *);

#endif

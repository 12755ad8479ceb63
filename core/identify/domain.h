/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which name a remote address was asked for by: evidence as it comes in, and what it says of a
 * connection. Evidence belongs to a network namespace, has a source and an age, and lives in bounded
 * memory: what finds no room pushes out what is oldest in the namespace that has most. Main thread only.
 */
#ifndef PS_IDENTIFY_DOMAIN_H
#define PS_IDENTIFY_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/capture/decode.h"

#define DOMAINS_MAX 16384           /* pairs of a name and an address */
#define DOMAINS_OF_ADDRESS 64       /* names that one address may have */
#define DOMAINS_TEXT_MAX (2u << 20) /* bytes of all names */
#define DOMAINS_FLOWS_MAX 8192      /* connections whose name is kept until they end */

struct domains;

/* Somebody learnt that a name has an address. */
struct domain_seen {
	enum ps_domain_source source; /* DNS, GETADDRINFO, SNI or PTR */
	struct wire_image image;      /* who; zeros: nobody that is known */
	uint32_t netns;
	struct ps_addr addr;
	struct ps_text name; /* reverse notation; copied */
	uint32_t ttl;        /* seconds; 0: not known */
	int64_t seen_ns;     /* since boot */
};

/* A connection, or whatever moves bytes between two ends. */
struct domain_flow {
	struct wire_image image;
	uint32_t netns;
	uint16_t protocol;
	uint8_t direction;    /* enum ps_direction: who calls in has no name that was asked for */
	int64_t lport, rport; /* as in an observation */
	struct ps_addr laddr, raddr;
	int64_t opened_ns; /* since boot; 0: not known */
	int64_t first_ns;  /* when it was first seen, likewise */
	bool closed;
};

/* That of an observation that was first made at first_ns. */
struct domain_flow domain_flow_of(const struct observation *, int64_t first_ns);

/* What it is called. The text lives until the next call that is not domains_find(), and equal names are
 * the same text until then. */
struct domain_answer {
	struct ps_text name; /* empty: not known */
	enum ps_domain_source source;
	uint32_t rivals; /* how many other names were as likely */
};

struct domains *domains_open(void);
void domains_close(struct domains *);

void domains_learn(struct domains *, const struct domain_seen *);

/* A program said the name of its peer on that very connection. */
void domains_greeted(struct domains *, const struct domain_flow *, struct ps_text name);

/* The addresses of a namespace's hosts file, with its names one by one: valid there until the next
 * domains_hosts_begin() of the same. */
void domains_hosts_begin(struct domains *, uint32_t netns);
void domains_hosts_add(struct domains *, const struct ps_addr *, struct ps_text name);

/*
 * The name that a connection began with, as far as it is known by now. In this order: what the
 * program said on it; what the program itself asked for; what others in its namespace were told,
 * while that is valid; the hosts file; PTR. Of equals the newest before it was opened; one that was
 * learnt a moment after counts, too. A connection that has a name keeps it beyond the name's TTL.
 */
void domains_find(struct domains *, const struct domain_flow *, int64_t now_ns, struct domain_answer *);

struct domains_stats {
	uint64_t learnt;  /* since start */
	uint64_t evicted; /* that were valid still, for want of room */
	size_t pairs, addresses, names, flows;
	size_t text; /* bytes of the names that pairs have */
};
void domains_get_stats(const struct domains *, struct domains_stats *);

#endif

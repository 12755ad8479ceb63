/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/domain.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/identify/domain_inside.h"

/* An answer holds for its TTL, and for this long in any case: programs keep what they were told. */
#define LIFE_LEAST (300 * NS_PER_S)
#define LIFE_MOST (86400 * NS_PER_S)
/* What was learnt so long after a connection was opened may have been meant for it. */
#define LATE_NS (2 * NS_PER_S)

enum {
	IMAGES = 4, /* that are remembered to have learnt the same */
	HOSTS_MAX = 65536,
};

/* How much a piece of evidence is worth for a flow. What is equal here is a rival. */
enum worth {
	NOTHING,
	BY_PTR,
	BY_HOSTS,
	TOLD_OTHERS, /* any program of the namespace, and valid */
	OWN_ONCE,    /* the program itself, but long ago */
	OWN_SNI,     /* it named its peer so on another connection to that address */
	OWN_DNS,
	OWN_LOOKUP,
};

/* Name and address, as learnt from one source. */
struct pair {
	struct spot *spot;
	struct pair *next; /* of the spot */
	struct space *space;
	struct pair *newer, *older; /* in the space */
	struct name *name;
	int64_t first_ns, before_ns, seen_ns; /* when: the first time, the time before the last, the last */
	int64_t life_ns;
	struct wire_image images[IMAGES]; /* who, lately */
	unsigned n_images;
	uint8_t source;
};

struct spot_key {
	uint32_t netns;
	uint8_t family, pad[3];
	uint8_t bytes[16];
};

_Static_assert(sizeof(struct spot_key) == 24, "spot keys must have no holes");

/* An address in a namespace. */
struct spot {
	struct spot_key key;
	struct pair *pairs; /* the last learnt first */
	unsigned n;
};

struct space {
	uint32_t netns;
	size_t n;
	struct pair *newest, *oldest;
};

struct host {
	struct spot_key key;
	struct name *name;
	uint32_t rivals;
};

/* ---- names ---- */

struct name *name_get(struct domains *d, struct ps_text text)
{
	struct name *name = table_get(&d->names, text.data, text.len);

	if (!name) {
		name = mem_alloc(sizeof(*name) + text.len + 1);
		memcpy(name->text, text.data, text.len);
		name->len = text.len;
		table_add(&d->names, name->text, name->len, name);
	}
	name->refs++;
	return name;
}

void name_drop(struct domains *d, struct name *name)
{
	if (!name || --name->refs || name->idle)
		return;
	name->idle = true;
	name->next_idle = d->idle;
	d->idle = name;
}

void names_sweep(struct domains *d)
{
	while (d->idle) {
		struct name *name = d->idle;

		d->idle = name->next_idle;
		name->idle = false;
		if (name->refs)
			continue;
		table_remove(&d->names, name->text, name->len);
		free(name);
	}
}

/* ---- pairs ---- */

static struct spot_key key_of(uint32_t netns, const struct ps_addr *addr)
{
	struct spot_key key = {.netns = netns, .family = addr->family};

	memcpy(key.bytes, addr->bytes, sizeof(key.bytes));
	return key;
}

static void age_unlink(struct pair *p)
{
	struct space *space = p->space;

	*(p->newer ? &p->newer->older : &space->newest) = p->older;
	*(p->older ? &p->older->newer : &space->oldest) = p->newer;
}

static void age_newest(struct pair *p)
{
	struct space *space = p->space;

	p->newer = NULL;
	p->older = space->newest;
	*(p->older ? &p->older->newer : &space->oldest) = p;
	space->newest = p;
}

static void spot_unlink(struct pair *p)
{
	struct pair **at = &p->spot->pairs;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

static void pair_free(struct domains *d, struct pair *p)
{
	struct spot *spot = p->spot;
	struct space *space = p->space;

	spot_unlink(p);
	if (!--spot->n) {
		table_remove(&d->spots, &spot->key, sizeof(spot->key));
		free(spot);
	}
	age_unlink(p);
	if (!--space->n) {
		table_remove(&d->spaces, &space->netns, sizeof(space->netns));
		free(space);
	}
	if (!--p->name->pairs)
		d->text -= p->name->len;
	name_drop(d, p->name);
	free(p);
	d->n_pairs--;
}

static void evict(struct domains *d, struct pair *p, int64_t now_ns)
{
	if (now_ns <= p->seen_ns + p->life_ns)
		d->stats.evicted++;
	pair_free(d, p);
}

/* Forgets what is oldest where there is most, so that one namespace cannot push out another's. */
static void make_room(struct domains *d, size_t text, int64_t now_ns)
{
	while (d->n_pairs && (d->n_pairs >= DOMAINS_MAX || d->text + text > DOMAINS_TEXT_MAX)) {
		struct space *most = NULL, *space;

		for (size_t at = 0; (space = table_next(&d->spaces, &at));)
			if (!most || space->n > most->n)
				most = space;
		evict(d, most->oldest, now_ns);
	}
}

static struct pair *pair_find(const struct spot *spot, struct ps_text name, uint8_t source)
{
	for (struct pair *p = spot ? spot->pairs : NULL; p; p = p->next)
		if (p->source == source && p->name->len == name.len && memcmp(p->name->text, name.data, name.len) == 0)
			return p;
	return NULL;
}

static struct pair *pair_add(struct domains *d, const struct domain_seen *seen)
{
	struct spot_key key = key_of(seen->netns, &seen->addr);
	struct space *space;
	struct spot *spot;
	struct pair *p;

	make_room(d, seen->name.len, seen->seen_ns);
	spot = table_get(&d->spots, &key, sizeof(key));
	if (spot && spot->n == DOMAINS_OF_ADDRESS) {
		for (p = spot->pairs; p->next; p = p->next)
			;
		evict(d, p, seen->seen_ns);
	}
	if (!spot) {
		spot = mem_alloc(sizeof(*spot));
		spot->key = key;
		table_add(&d->spots, &spot->key, sizeof(spot->key), spot);
	}
	space = table_get(&d->spaces, &seen->netns, sizeof(seen->netns));
	if (!space) {
		space = mem_alloc(sizeof(*space));
		space->netns = seen->netns;
		table_add(&d->spaces, &space->netns, sizeof(space->netns), space);
	}
	p = mem_alloc(sizeof(*p));
	*p = (struct pair){
	    .spot = spot,
	    .space = space,
	    .name = name_get(d, seen->name),
	    .source = (uint8_t)seen->source,
	    .first_ns = seen->seen_ns,
	    .before_ns = seen->seen_ns,
	    .seen_ns = seen->seen_ns,
	};
	if (!p->name->pairs++)
		d->text += p->name->len;
	p->next = spot->pairs;
	spot->pairs = p;
	spot->n++;
	age_newest(p);
	space->n++;
	d->n_pairs++;
	return p;
}

static bool same_image(const struct wire_image *a, const struct wire_image *b)
{
	return a->start == b->start && a->tgid == b->tgid && a->exec_id == b->exec_id;
}

static bool is_own(const struct pair *p, const struct wire_image *who)
{
	for (unsigned i = 0; i < p->n_images && i < IMAGES; i++)
		if (same_image(&p->images[i], who))
			return true;
	return false;
}

void domains_learn(struct domains *d, const struct domain_seen *seen)
{
	struct spot_key key = key_of(seen->netns, &seen->addr);
	struct spot *spot;
	struct pair *p;

	if (!seen->name.len || !seen->addr.family)
		return;
	names_sweep(d);
	d->stats.learnt++;
	spot = table_get(&d->spots, &key, sizeof(key));
	p = pair_find(spot, seen->name, (uint8_t)seen->source);
	if (p) {
		p->before_ns = p->seen_ns;
		p->seen_ns = seen->seen_ns;
		spot_unlink(p);
		p->next = spot->pairs;
		spot->pairs = p;
		age_unlink(p);
		age_newest(p);
	} else {
		p = pair_add(d, seen);
	}
	p->life_ns = seen->ttl * NS_PER_S;
	if (p->life_ns < LIFE_LEAST)
		p->life_ns = LIFE_LEAST;
	if (p->life_ns > LIFE_MOST)
		p->life_ns = LIFE_MOST;
	if (seen->image.tgid && !is_own(p, &seen->image))
		p->images[p->n_images++ % IMAGES] = seen->image;
}

/* ---- the hosts file ---- */

static void hosts_clear(struct domains *d, bool all, uint32_t netns)
{
	struct host *h;

	for (size_t at = 0; (h = table_next(&d->hosts, &at));) {
		if (!all && h->key.netns != netns)
			continue;
		table_remove(&d->hosts, &h->key, sizeof(h->key));
		name_drop(d, h->name);
		free(h);
	}
}

void domains_hosts_begin(struct domains *d, uint32_t netns)
{
	hosts_clear(d, false, netns);
	names_sweep(d);
	d->hosts_netns = netns;
}

void domains_hosts_add(struct domains *d, const struct ps_addr *addr, struct ps_text name)
{
	struct spot_key key = key_of(d->hosts_netns, addr);
	struct host *h = table_get(&d->hosts, &key, sizeof(key));

	/* The first name of an address is the one that counts, to the libc too. */
	if (h) {
		h->rivals += name.len != h->name->len || memcmp(name.data, h->name->text, name.len) != 0;
	} else if (d->hosts.n < HOSTS_MAX) {
		h = mem_alloc(sizeof(*h));
		h->key = key;
		h->name = name_get(d, name);
		table_add(&d->hosts, &h->key, sizeof(h->key), h);
	}
}

/* ---- judging ---- */

/* The last time not after `at` that it was learnt, or -1. */
static int64_t learnt_by(const struct pair *p, int64_t at)
{
	/* Whose address it is, he says at any time. */
	if (p->source == PS_DOMAIN_PTR)
		return p->seen_ns;
	at += LATE_NS;
	return p->seen_ns <= at ? p->seen_ns : p->before_ns <= at ? p->before_ns : p->first_ns <= at ? p->first_ns : -1;
}

static enum worth worth_of(const struct pair *p, const struct domain_flow *f, int64_t when)
{
	bool fresh = f->first_ns <= when + p->life_ns;

	if (p->source == PS_DOMAIN_PTR)
		return fresh ? BY_PTR : NOTHING;
	if (f->direction == PS_DIRECTION_IN)
		return NOTHING;
	if (!is_own(p, &f->image))
		return fresh && p->source != PS_DOMAIN_SNI ? TOLD_OTHERS : NOTHING;
	if (!fresh)
		return OWN_ONCE;
	return p->source == PS_DOMAIN_GETADDRINFO ? OWN_LOOKUP : p->source == PS_DOMAIN_SNI ? OWN_SNI : OWN_DNS;
}

/* The best of what is known of the flow's address; NOTHING if there is none. */
static enum worth judge(struct domains *d, const struct domain_flow *f, struct verdict *out)
{
	struct spot_key key = key_of(f->netns, &f->raddr);
	struct spot *spot = table_get(&d->spots, &key, sizeof(key));
	struct host *h = table_get(&d->hosts, &key, sizeof(key));
	const struct name *rivals[DOMAINS_OF_ADDRESS];
	enum worth best = NOTHING;
	int64_t newest = -1;

	*out = (struct verdict){0};
	for (struct pair *p = spot ? spot->pairs : NULL; p; p = p->next) {
		int64_t when = learnt_by(p, f->first_ns);
		enum worth worth = when < 0 ? NOTHING : worth_of(p, f, when);
		unsigned i = 0;

		if (!worth || worth < best)
			continue;
		if (worth > best) {
			best = worth;
			newest = -1;
			out->rivals = 0;
		}
		/* Rivals are, for now, all names of this worth. */
		while (i < out->rivals && rivals[i] != p->name)
			i++;
		if (i == out->rivals)
			rivals[out->rivals++] = p->name;
		if (when > newest) {
			newest = when;
			out->name = p->name;
			out->source = p->source;
		}
	}
	if (out->rivals)
		out->rivals--;
	if (h && best < BY_HOSTS) {
		*out = (struct verdict){.name = h->name, .rivals = h->rivals, .source = PS_DOMAIN_HOSTS};
		best = BY_HOSTS;
	}
	return best;
}

void domains_find(struct domains *d, const struct domain_flow *flow, int64_t now_ns, struct domain_answer *answer)
{
	struct domain_flow f = *flow;
	struct verdict verdict, kept;
	unsigned worth, kept_worth;

	*answer = (struct domain_answer){.name = {"", 0}};
	if (!f.raddr.family)
		return;
	kept_worth = flow_kept(d, &f, now_ns, &kept);
	if (f.opened_ns)
		f.first_ns = f.opened_ns;
	if (kept_worth != FLOW_GREETED) {
		worth = judge(d, &f, &verdict);
		if (worth > kept_worth) {
			kept = verdict;
			kept_worth = worth;
		}
	}
	if (!kept.name)
		return;
	answer->name = (struct ps_text){kept.name->text, kept.name->len};
	answer->source = kept.source;
	answer->rivals = kept.rivals;
	flow_keep(d, &f, now_ns, &kept, kept_worth);
}

/* ---- life ---- */

struct domains *domains_open(void)
{
	return mem_alloc(sizeof(struct domains));
}

void domains_close(struct domains *d)
{
	struct space *space;

	if (!d)
		return;
	for (size_t at = 0; (space = table_next(&d->spaces, &at)); at = 0)
		pair_free(d, space->oldest);
	hosts_clear(d, true, 0);
	table_done(&d->hosts);
	flows_clear(d);
	names_sweep(d);
	table_done(&d->spots);
	table_done(&d->spaces);
	table_done(&d->names);
	free(d);
}

void domains_get_stats(const struct domains *d, struct domains_stats *stats)
{
	*stats = d->stats;
	stats->pairs = d->n_pairs;
	stats->addresses = d->spots.n;
	stats->names = d->names.n;
	stats->flows = d->flows.n;
	stats->text = d->text;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/capture/decode.h"
#include "core/capture/lookups.h"
#include "core/identify/dns_message.h"
#include "core/identify/dns_stream.h"
#include "core/identify/tls_hello.h"

enum {
	TAKEN_AT_ONCE = 256,
	TAKEN_MOST = 4096, /* between two drains */
	LOOK_MS = 3000,    /* between two looks for C libraries */
	PORT_MDNS = 5353,
	PORT_LLMNR = 5355,
};

struct evidence {
	struct probe *probe;
	struct domains *domains;
	struct losses *losses;
	struct dns_streams *streams;
	uv_poll_t poll;
	bool polls;    /* the poll handle is open */
	unsigned left; /* that may be taken before the next drain */
	uint64_t lost, evicted;
	struct lookups *lookups;
	bool looks;   /* for C libraries, or at least has tried */
	bool crowded; /* there are more libraries than are probed: it has been told */
	uint64_t ended;
	void (*closed)(void *arg);
	void *arg;
};

/* ---- answers of name servers ---- */

struct answer {
	struct domains *domains;
	const struct evidence_event *event;
};

static void on_found(void *arg, const struct dns_found *found)
{
	const struct answer *answer = arg;
	struct domain_seen seen = {
	    .source = PS_DOMAIN_DNS,
	    .image = answer->event->image,
	    .netns = answer->event->netns,
	    .addr = found->addr,
	    .name = found->name,
	    .ttl = found->ttl,
	    .seen_ns = answer->event->time_ns,
	};

	domains_learn(answer->domains, &seen);
}

static void on_message(void *arg, const void *message, size_t len)
{
	struct answer *answer = arg;
	uint16_t port = answer->event->rport;

	dns_message_read(message, len,
	                 port == PORT_MDNS    ? DNS_MULTICAST
	                 : port == PORT_LLMNR ? DNS_LINK_LOCAL
	                                      : DNS_PLAIN,
	                 on_found, answer);
}

static void on_dns(struct evidence *e, const struct evidence_event *event)
{
	struct answer answer = {e->domains, event};
	struct dns_piece piece = {event->stream, event->seq, event->total, event->text.len, event->text.data};

	if (event->stream)
		dns_streams_take(e->streams, &piece, on_message, &answer);
	else
		on_message(&answer, event->text.data, event->text.len);
}

/* ---- greetings of TLS ---- */

static void on_tls(struct evidence *e, const struct evidence_event *event)
{
	struct domain_flow flow = domain_flow_of(&event->flow, event->time_ns);
	char name[DOMAIN_NAME_SIZE];
	size_t len = tls_hello_name(name, event->text.data, event->text.len);

	if (len)
		domains_greeted(e->domains, &flow, (struct ps_text){name, (uint32_t)len});
}

/* ---- what libraries say ---- */

static void on_lookup(struct evidence *e, const struct evidence_event *event)
{
	struct domain_seen seen = {
	    .source = PS_DOMAIN_GETADDRINFO,
	    .image = event->image,
	    .netns = event->netns,
	    .seen_ns = event->time_ns,
	};
	char name[DOMAIN_NAME_SIZE];
	const struct ps_addr *last = NULL;

	seen.name = (struct ps_text){name, (uint32_t)domain_name_from_text(name, event->text.data, event->text.len)};
	for (size_t i = 0; seen.name.len && i < WIRE_LOOKUP_FOUND; i++) {
		const struct ps_addr *addr = &event->found[i];

		/* There is one for each kind of socket. */
		if (!addr->family || (last && memcmp(last, addr, sizeof(*addr)) == 0))
			continue;
		last = addr;
		seen.addr = *addr;
		domains_learn(e->domains, &seen);
	}
}

/* ---- taking ---- */

static void on_evidence(void *arg, const void *data, size_t len)
{
	struct evidence_event event;
	struct evidence *e = arg;

	e->left--;
	if (decode_evidence(&event, data, len))
		return;
	if (event.kind == WIRE_TLS)
		on_tls(e, &event);
	else if (event.kind == WIRE_LOOKUP)
		on_lookup(e, &event);
	else
		on_dns(e, &event);
}

static void take(struct evidence *e, unsigned most)
{
	if (most > e->left)
		most = e->left;
	if (most)
		probe_consume_evidence(e->probe, on_evidence, e, most);
	/* Who sends so many must wait for the next drain. */
	if (!e->left && e->polls)
		uv_poll_stop(&e->poll);
}

static void on_filling(uv_poll_t *poll, int status, int events)
{
	(void)events;
	if (!status)
		take(poll->data, TAKEN_AT_ONCE);
}

void evidence_drain(struct evidence *e, uint64_t lost)
{
	struct lookups_stats lookups;
	struct domains_stats stats;

	if (!e->left && e->polls)
		uv_poll_start(&e->poll, UV_READABLE, on_filling);
	e->left = TAKEN_MOST;
	take(e, TAKEN_MOST);
	if (lost != e->lost)
		losses_add(
		    e->losses, PS_STAGE_NAMES, lost - e->lost, 0, 0,
		    "answers of name servers, or greetings of TLS, came faster than they are read: what they say is not known");
	e->lost = lost;
	domains_get_stats(e->domains, &stats);
	if (stats.evicted != e->evicted)
		losses_add(e->losses, PS_STAGE_NAMES, stats.evicted - e->evicted, 0, 0,
		           "names of addresses that were valid still had to be forgotten, as there were too many");
	e->evicted = stats.evicted;
	/* Its thread has no more rights than we have by now. */
	if (!e->looks)
		e->lookups = lookups_open(probe_lookup_begins(e->probe), probe_lookup_ends(e->probe), LOOK_MS);
	e->looks = true;
	lookups_get_stats(e->lookups, &lookups);
	if (lookups.refused && !e->crowded)
		losses_add(
		    e->losses, PS_STAGE_NAMES, 1, 0, 0,
		    "more C libraries are in use than the %d that are probed: what others' getaddrinfo() says is not known",
		    LOOKUPS_LIBRARIES);
	e->crowded = lookups.refused;
	if (lookups.ended != e->ended)
		losses_add(e->losses, PS_STAGE_TAMPER, lookups.ended - e->ended, 0, 0,
		           "the probe of a C library's getaddrinfo() was taken away: what it said until it was probed anew is "
		           "not known");
	e->ended = lookups.ended;
}

void evidence_get_stats(const struct evidence *e, struct lookups_stats *stats)
{
	lookups_get_stats(e->lookups, stats);
}

/* ---- life ---- */

struct evidence *evidence_open(uv_loop_t *loop, struct probe *probe, struct domains *domains, struct losses *losses)
{
	struct evidence *e = mem_alloc(sizeof(*e));

	e->probe = probe;
	e->domains = domains;
	e->losses = losses;
	e->streams = dns_streams_open();
	e->left = TAKEN_MOST;
	e->polls = !uv_poll_init(loop, &e->poll, probe_evidence_fd(probe));
	e->poll.data = e;
	if (e->polls)
		uv_poll_start(&e->poll, UV_READABLE, on_filling);
	return e;
}

static void on_closed(uv_handle_t *handle)
{
	struct evidence *e = handle->data;
	void (*closed)(void *) = e->closed;
	void *arg = e->arg;

	dns_streams_close(e->streams);
	free(e);
	closed(arg);
}

void evidence_close(struct evidence *e, void (*closed)(void *), void *arg)
{
	lookups_close(e->lookups);
	e->closed = closed;
	e->arg = arg;
	if (e->polls) {
		uv_close((uv_handle_t *)&e->poll, on_closed);
	} else {
		e->poll.data = e;
		on_closed((uv_handle_t *)&e->poll);
	}
}

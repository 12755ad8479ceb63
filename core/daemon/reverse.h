/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The names that addresses have by their owners' word (PTR), asked of this machine's resolver: [core] ptr.
 *
 * The resolver may take as long as it likes: it is asked by threads that nobody waits for. All else is for the main
 * thread.
 */
#ifndef PS_DAEMON_REVERSE_H
#define PS_DAEMON_REVERSE_H

#include <uv.h>

#include "core/identify/domain.h"
#include "core/ledger/losses.h"

enum {
	REVERSE_THREADS = 4,
	REVERSE_WAITING = 256,  /* addresses that wait for a thread */
	REVERSE_KNOWN = 4096,   /* addresses that are not asked for again, for an hour; without an answer, a minute */
	REVERSE_PATIENCE_S = 5, /* for so long an answer is worth waiting for */
};

struct reverse;

struct reverse *reverse_open(uv_loop_t *, struct domains *, struct losses *);
/* closed(): what is still being asked is left to its thread. */
void reverse_close(struct reverse *, void (*closed)(void *arg), void *arg);

/* Asks for the name of an address in a network namespace, unless it was asked for lately, or is one that has no name
 * elsewhere (loopback, link-local, multicast). domains get it later. */
void reverse_ask(struct reverse *, uint32_t netns, const struct ps_addr *);

/* Whether that question was asked a short time ago, and is not answered yet. */
bool reverse_awaits(struct reverse *, uint32_t netns, const struct ps_addr *);

struct reverse_stats {
	uint64_t asked, named, failed; /* failed: the resolver could not say */
	uint64_t refused;              /* too many waited */
};
void reverse_get_stats(const struct reverse *, struct reverse_stats *);

#endif

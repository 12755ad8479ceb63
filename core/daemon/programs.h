/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is new about programs, from the ledger to the journal and exe.log at once, instead of at the end of the
 * window; and the memory by which it is known to be new. Main thread only.
 */
#ifndef PS_DAEMON_PROGRAMS_H
#define PS_DAEMON_PROGRAMS_H

#include "core/daemon/record.h"
#include "core/ledger/ledger.h"

struct programs {
	struct first_seen *first_seen; /* for whoever finds that a program's file has changed: first_seen_changed() */
	void (*told)(void *arg, const struct first_note *); /* of each that is handed over; to be set after opening */
	void (*judged)(void *arg, const struct finding *);  /* likewise, of each verdict */
	void *told_arg;
	/* private */
	struct record *record;
	struct ledger *ledger;
	struct journal *journal;
	uv_timer_t timer;
	void (*closed)(void *arg);
	void *arg;
	bool stopped;
};

/* Begins to load the memory, and to be told by the ledger who is seen. */
void programs_open(struct programs *, uv_loop_t *, const struct settings *, struct processes *, struct losses *,
                   struct journal *, struct ledger *);

/* After a drain: hands over what is new, and has the memory written now and then. */
void programs_tick(struct programs *);

/* A sink has found out something about a content: remembers it, hands it to the journal, and tells of it; who is
 * suspicious is logged. 0: it is durable once the journal has committed all; -EAGAIN: not now. */
int programs_found(struct programs *, const char *service, const struct ps_found *);

/* Whether nobody waits any more, for a hash or for the memory. */
bool programs_idle(const struct programs *);

/* Before the last window: hands over what is new, with those that still wait; then calls closed(). */
void programs_stop(struct programs *, void (*closed)(void *arg), void *arg);

/* After closed(). `save`: all that was handed over is durable, so it may be remembered. */
void programs_close(struct programs *, bool save);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is connected, and until when: a client that sends a byte now and then, or takes one, would hold its connection
 * for ever otherwise. Any thread.
 */
#ifndef PS_DASH_VISITS_H
#define PS_DASH_VISITS_H

#include <stdint.h>

enum {
	VISIT_HEADERS_S = 20,  /* from the connection to the end of a request's headers, ... */
	VISIT_IDLE_S = 75,     /* ... the same of a further request */
	VISIT_ANSWER_S = 120,  /* to take an answer, ... */
	VISIT_EXPORT_S = 1800, /* ... a long one */
	VISIT_NO_END = -1,
};

struct visits;
struct visit;

struct visits *visits_new(void);
void visits_free(struct visits *);

struct visit *visits_begin(struct visits *, int fd);
void visits_end(struct visits *, struct visit *);
void visits_allow(struct visits *, struct visit *, int seconds);

/* Cuts off whoever's time is over. */
void visits_tick(struct visits *);

#endif

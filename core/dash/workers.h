/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Those who ask the store: a few threads, each with a reader of its own. Requests wait in a queue that is bounded in
 * length and in time.
 */
#ifndef PS_DASH_WORKERS_H
#define PS_DASH_WORKERS_H

#include <sys/queue.h>

#include "core/dash/answer.h"

enum { WORKERS_QUEUE_MAX = 64, WORKERS_PATIENCE_S = 10 };

/* A request that waits: at the head of whoever's it is. */
struct task {
	TAILQ_ENTRY(task) entry;
	int64_t since_ns;
	int64_t until_ns; /* CLOCK_MONOTONIC: when whoever asked gives up; 0: when it says so */
	const struct target *target;
	struct reply reply;
	answer_function *answer;
	int fd;                       /* of the client: when that is gone, nobody wants the answer */
	void (*begin)(struct task *); /* it will be answered: called with the queue's lock, so before the end */
	void (*done)(struct task *);  /* its reply is set; any thread; the task is its owner's again */
};

struct workers;

/* NULL after saying why: the store is none that can be asked, say. That it is away is no reason. */
struct workers *workers_start(struct dash *, const char *config);

/* 0, or -EAGAIN: there are too many. */
int workers_ask(struct workers *, struct task *);

/* Gives up on those that have waited too long. */
void workers_tick(struct workers *);

/* Answers all that wait, and ends. dash.stopping has been set. */
void workers_stop(struct workers *);

#endif

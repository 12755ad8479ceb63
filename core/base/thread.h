/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads that nobody waits for: they may hang in a call of the kernel for as long as they like. So what they
 * share with who started them belongs to all of them, and the last one frees it.
 */
#ifndef PS_BASE_THREAD_H
#define PS_BASE_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* At the head of what is shared. */
struct shared {
	pthread_mutex_t lock; /* of all that is shared, unless that says otherwise */
	atomic_uint owners;
};

void shared_init(struct shared *); /* the caller is the one owner */

/* Starts run(arg) in a thread that is a further owner, with a small stack (256 KiB) and all signals blocked: they
 * are the main thread's. 0 or -errno. */
int shared_start(struct shared *, void *(*run)(void *arg), void *arg);

/* The caller owns it no more. True: nor does anybody else, so it is his to free; the lock is gone. Not with the lock.
 */
bool shared_leave(struct shared *);

#endif

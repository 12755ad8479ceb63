/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/thread.h"

#include <signal.h>

static int detach(void *(*run)(void *arg), void *arg)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 << 10);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

void shared_init(struct shared *s)
{
	pthread_mutex_init(&s->lock, NULL);
	atomic_init(&s->owners, 1);
}

int shared_start(struct shared *s, void *(*run)(void *arg), void *arg)
{
	int err;

	atomic_fetch_add(&s->owners, 1);
	err = detach(run, arg);
	if (err)
		atomic_fetch_sub(&s->owners, 1);
	return err;
}

bool shared_leave(struct shared *s)
{
	if (atomic_fetch_sub(&s->owners, 1) > 1)
		return false;
	pthread_mutex_destroy(&s->lock);
	return true;
}

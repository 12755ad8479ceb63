/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/visits.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

struct visit {
	LIST_ENTRY(visit) entry;
	int fd;
	int64_t until_ns;
};

struct visits {
	pthread_mutex_t lock;
	LIST_HEAD(, visit) list;
};

struct visits *visits_new(void)
{
	struct visits *v = mem_alloc(sizeof(*v));

	pthread_mutex_init(&v->lock, NULL);
	LIST_INIT(&v->list);
	return v;
}

void visits_free(struct visits *v)
{
	pthread_mutex_destroy(&v->lock);
	free(v);
}

struct visit *visits_begin(struct visits *v, int fd)
{
	struct visit *visit = mem_alloc(sizeof(*visit));

	visit->fd = fd;
	visit->until_ns = clock_monotonic_ns() + VISIT_HEADERS_S * NS_PER_S;
	pthread_mutex_lock(&v->lock);
	LIST_INSERT_HEAD(&v->list, visit, entry);
	pthread_mutex_unlock(&v->lock);
	return visit;
}

void visits_end(struct visits *v, struct visit *visit)
{
	pthread_mutex_lock(&v->lock);
	LIST_REMOVE(visit, entry);
	pthread_mutex_unlock(&v->lock);
	free(visit);
}

void visits_allow(struct visits *v, struct visit *visit, int seconds)
{
	pthread_mutex_lock(&v->lock);
	visit->until_ns = seconds < 0 ? INT64_MAX : clock_monotonic_ns() + seconds * NS_PER_S;
	pthread_mutex_unlock(&v->lock);
}

void visits_tick(struct visits *v)
{
	int64_t now = clock_monotonic_ns();
	struct visit *visit;

	/* The descriptor is open for as long as the visit is in the list; whoever owns it sees its end. */
	pthread_mutex_lock(&v->lock);
	LIST_FOREACH(visit, &v->list, entry)
	if (visit->until_ns < now) {
		shutdown(visit->fd, SHUT_RDWR);
		visit->until_ns = INT64_MAX;
	}
	pthread_mutex_unlock(&v->lock);
}

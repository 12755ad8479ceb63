/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/dash/atlas.h"

#define LOOK_NS (50 * NS_PER_MS)
#define AGAIN_NS (NS_PER_S)

struct worker {
	struct cli_store store; /* first: see is_unwanted() */
	struct workers *all;
	pthread_t thread;
	struct task *task; /* that it is at */
	int64_t looked_ns, failed_ns;
	bool unwanted;
};

struct workers {
	struct dash *dash;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	TAILQ_HEAD(, task) queue;
	size_t waiting;
	unsigned n;
	struct worker list[DASH_ASKED_AT_ONCE];
};

/* A cli_store.stopping: whether nobody waits for the answer any more. */
static int is_unwanted(const struct cli_store *store)
{
	struct worker *w = (struct worker *)(uintptr_t)store;
	int64_t now = clock_monotonic_ns();
	char byte;

	if (atomic_load_explicit(&w->all->dash->stopping, memory_order_relaxed))
		return 1;
	if (w->task && !w->unwanted && now - w->looked_ns > LOOK_NS) {
		w->looked_ns = now;
		w->unwanted =
		    (w->task->until_ns && now > w->task->until_ns) || recv(w->task->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
	}
	return w->unwanted;
}

/* What was away is not asked for more than once a second. */
static bool is_open(struct worker *w)
{
	int64_t now = clock_monotonic_ns();

	if (w->store.reader)
		return true;
	if (w->failed_ns && now - w->failed_ns < AGAIN_NS)
		return false;
	if (cli_store_open_reader(&w->store) == 0) {
		w->failed_ns = 0;
		return true;
	}
	w->failed_ns = now;
	return false;
}

static void answer(struct worker *w, struct task *task)
{
	struct asking asking = {
	    .dash = w->all->dash,
	    .store = &w->store,
	    .target = task->target,
	    .reply = &task->reply,
	    .countries = atlas_take(w->all->dash->atlas),
	    .now = clock_wall_ns() / NS_PER_S,
	};

	w->looked_ns = clock_monotonic_ns();
	w->unwanted = false;
	w->task = task;
	if (is_open(w) || task->answer == answer_metrics)
		task->answer(&asking);
	else
		reply_error(&task->reply, MHD_HTTP_SERVICE_UNAVAILABLE, cli_store_why(&w->store));
	w->task = NULL;
	if (asking.countries)
		atlas_leave(w->all->dash->atlas, asking.countries);
	task->done(task);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct workers *all = w->all;

	pthread_mutex_lock(&all->lock);
	while (!atomic_load(&all->dash->stopping)) {
		struct task *task = TAILQ_FIRST(&all->queue);

		if (!task) {
			pthread_cond_wait(&all->wake, &all->lock);
			continue;
		}
		TAILQ_REMOVE(&all->queue, task, entry);
		all->waiting--;
		pthread_mutex_unlock(&all->lock);
		answer(w, task);
		pthread_mutex_lock(&all->lock);
	}
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

static void close_stores(struct workers *all, unsigned n)
{
	while (n--)
		cli_store_close(&all->list[n].store);
}

struct workers *workers_start(struct dash *dash, const char *config)
{
	const struct dash_options *o = dash->options;
	struct workers *all = mem_alloc(sizeof(*all));

	all->dash = dash;
	pthread_mutex_init(&all->lock, NULL);
	pthread_cond_init(&all->wake, NULL);
	TAILQ_INIT(&all->queue);
	for (unsigned i = 0; i < DASH_ASKED_AT_ONCE; i++) {
		struct worker *w = &all->list[i];
		bool good = cli_store_load(&w->store, config, o->store, o->file) == 0;

		if (good && !w->store.plugin->reader) {
			log_error("the store of [sink %s] cannot be asked: its plugin only writes", o->store);
			cli_store_close(&w->store);
			good = false;
		}
		if (!good) {
			close_stores(all, i);
			free(all);
			return NULL;
		}
		w->store.stopping = is_unwanted;
		w->all = all;
	}
	dash->atlas = atlas_new(cli_store_settings(&all->list[0].store));
	for (unsigned i = 0; i < DASH_ASKED_AT_ONCE; i++)
		if (pthread_create(&all->list[i].thread, NULL, work, &all->list[i]) == 0)
			all->n++;
		else
			break;
	if (all->n == DASH_ASKED_AT_ONCE)
		return all;
	log_error("threads cannot be made");
	atomic_store(&dash->stopping, true);
	workers_stop(all);
	return NULL;
}

int workers_ask(struct workers *all, struct task *task)
{
	int r = 0;

	pthread_mutex_lock(&all->lock);
	if (atomic_load(&all->dash->stopping) || all->waiting == WORKERS_QUEUE_MAX) {
		r = -EAGAIN;
	} else {
		task->since_ns = clock_monotonic_ns();
		task->begin(task);
		TAILQ_INSERT_TAIL(&all->queue, task, entry);
		all->waiting++;
		pthread_cond_signal(&all->wake);
	}
	pthread_mutex_unlock(&all->lock);
	return r;
}

/* Those that have waited since before then. */
static void give_up(struct workers *all, int64_t before_ns, const char *why)
{
	struct task *task;

	pthread_mutex_lock(&all->lock);
	while ((task = TAILQ_FIRST(&all->queue)) && task->since_ns < before_ns) {
		TAILQ_REMOVE(&all->queue, task, entry);
		all->waiting--;
		reply_error(&task->reply, MHD_HTTP_SERVICE_UNAVAILABLE, why);
		task->done(task);
	}
	pthread_mutex_unlock(&all->lock);
}

void workers_tick(struct workers *all)
{
	give_up(all, clock_monotonic_ns() - WORKERS_PATIENCE_S * NS_PER_S,
	        "too much is asked at once: it has waited for too long");
}

void workers_stop(struct workers *all)
{
	pthread_mutex_lock(&all->lock);
	pthread_cond_broadcast(&all->wake);
	pthread_mutex_unlock(&all->lock);
	for (unsigned i = 0; i < all->n; i++)
		pthread_join(all->list[i].thread, NULL);
	give_up(all, INT64_MAX, "the server ends");
	atlas_free(all->dash->atlas);
	close_stores(all, DASH_ASKED_AT_ONCE);
	pthread_cond_destroy(&all->wake);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

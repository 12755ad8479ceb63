/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/view/asker.h"
#include "core/geoip/wanted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/query/fold.h"
#include "core/screen/terminal.h"
#include "core/view/dims.h"

enum { END_PATIENCE_MS = 500 };

struct asker {
	struct shared shared; /* its lock: of all but the store, which is the thread's */
	struct cli_store store;
	struct country *countries; /* NULL: none is known */
	char *called;
	pthread_cond_t changed;
	int fd;
	struct view_job *todo, *done;
	atomic_bool given_up; /* the question that is out */
	bool ending, ended;
	bool broken; /* the reader has to be opened again */
};

static int is_given_up(const struct cli_store *store)
{
	const char *at = (const char *)store - offsetof(struct asker, store);

	return atomic_load(&((const struct asker *)(const void *)at)->given_up);
}

/* ---- the thread ---- */

struct asking {
	struct asker *asker;
	struct ps_answer to; /* the job's */
};

static int on_row(void *arg, const struct ps_answer_row *row)
{
	struct asking *a = arg;

	return is_given_up(&a->asker->store) || a->to.row(a->to.arg, row);
}

static void on_loss(void *arg, const struct ps_answer_loss *loss)
{
	struct asking *a = arg;

	a->to.loss(a->to.arg, loss);
}

static int on_event(void *arg, const struct ps_answer_event *event)
{
	struct asking *a = arg;

	return is_given_up(&a->asker->store) || a->to.event(a->to.arg, event);
}

static int ask(struct asker *a, struct view_job *job)
{
	struct asking asking = {.asker = a};
	struct ps_answer answer = {.arg = &asking};
	int r;

	if (a->broken) {
		r = cli_store_open_reader(&a->store);
		if (r < 0)
			return r;
		a->broken = false;
	}
	view_job_answer(job, &asking.to);
	answer.row = asking.to.row ? on_row : NULL;
	answer.loss = asking.to.loss ? on_loss : NULL;
	answer.event = asking.to.event ? on_event : NULL;
	r = fold_ask(a->store.reader, a->store.self, a->countries, &job->question, &answer);
	/* One that takes too long is no fault of the connection. */
	a->broken = r < 0 && r != -ETIME && r != -EINVAL && !is_given_up(&a->store);
	return r;
}

static void put_countries(const struct country *db, struct view_rows *r)
{
	char country[COUNTRY_SIZE];

	for (size_t i = 0; i < r->n; i++) {
		country_of(db, r->rows[i].value, country);
		r->rows[i].beside = arena_copy(&r->memory, country, strlen(country));
	}
}

static void answer(struct asker *a, struct view_job *job)
{
	int64_t began = clock_monotonic_ns();
	const char *why;
	int r = ask(a, job);

	if (is_given_up(&a->store))
		r = -ECANCELED;
	if (r < 0) {
		why = cli_store_why(&a->store);
		job->why = arena_copy(&job->memory, why, strlen(why));
		view_rows_free(job->rows);
		job->rows = NULL;
	}
	if (job->rows && dims_is_address(job->rows->by))
		put_countries(a->countries, job->rows);
	job->err = r < 0 ? r : 0;
	job->took_ns = clock_monotonic_ns() - began;
}

static void asker_free(struct asker *a)
{
	view_job_free(a->todo);
	view_job_free(a->done);
	pthread_cond_destroy(&a->changed);
	close(a->fd);
	country_close(a->countries);
	free(a->called);
	free(a);
}

static void *run(void *arg)
{
	struct asker *a = arg;
	const uint64_t one = 1;
	struct view_job *job;

	terminal_thread();
	pthread_mutex_lock(&a->shared.lock);
	while (!a->ending) {
		job = a->todo;
		if (!job) {
			pthread_cond_wait(&a->changed, &a->shared.lock);
			continue;
		}
		a->todo = NULL;
		pthread_mutex_unlock(&a->shared.lock);
		answer(a, job);
		pthread_mutex_lock(&a->shared.lock);
		a->done = job;
		if (write(a->fd, &one, sizeof(one)) < 0)
			break;
	}
	pthread_mutex_unlock(&a->shared.lock);
	cli_store_close(&a->store);
	pthread_mutex_lock(&a->shared.lock);
	a->ended = true;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->shared.lock);
	if (shared_leave(&a->shared))
		asker_free(a);
	return NULL;
}

/* ---- the program ---- */

struct asker *asker_open(const char *config_path, const char *name, const char *file)
{
	struct asker *a = mem_alloc(sizeof(*a));
	char why[COUNTRY_WHY] = "";
	pthread_condattr_t clock;
	int err;

	if (cli_store_open(&a->store, config_path, name, file) < 0) {
		free(a);
		return NULL;
	}
	a->store.stopping = is_given_up;
	a->countries = country_open_wanted(cli_store_settings(&a->store), why);
	if (!a->countries && *why)
		log_info("no country is known: %s", why);
	file = cli_store_text(&a->store, "file");
	a->called = *file ? mem_printf("%s %s", name, file) : mem_strdup(name);
	shared_init(&a->shared);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&a->changed, &clock);
	pthread_condattr_destroy(&clock);
	a->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = a->fd < 0 ? -errno : shared_start(&a->shared, run, a);
	if (!err)
		return a;
	log_error("asking in a thread: %s", strerror(-err));
	cli_store_close(&a->store);
	if (shared_leave(&a->shared))
		asker_free(a);
	return NULL;
}

const char *asker_attribution(const struct asker *a)
{
	return country_attribution(a->countries);
}

const char *asker_called(const struct asker *a)
{
	return a->called;
}

void asker_close(struct asker *a)
{
	int64_t until = clock_monotonic_ns() + END_PATIENCE_MS * NS_PER_MS;
	struct timespec deadline = {until / NS_PER_S, until % NS_PER_S};

	atomic_store(&a->given_up, true);
	pthread_mutex_lock(&a->shared.lock);
	a->ending = true;
	pthread_cond_broadcast(&a->changed);
	while (!a->ended && pthread_cond_timedwait(&a->changed, &a->shared.lock, &deadline) == 0)
		;
	pthread_mutex_unlock(&a->shared.lock);
	if (shared_leave(&a->shared))
		asker_free(a);
}

int asker_fd(const struct asker *a)
{
	return a->fd;
}

void asker_ask(struct asker *a, struct view_job *job)
{
	atomic_store(&a->given_up, false);
	pthread_mutex_lock(&a->shared.lock);
	a->todo = job;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->shared.lock);
}

void asker_give_up(struct asker *a)
{
	atomic_store(&a->given_up, true);
}

struct view_job *asker_take(struct asker *a)
{
	struct view_job *job;
	uint64_t n;

	if (read(a->fd, &n, sizeof(n)) < 0)
		return NULL;
	pthread_mutex_lock(&a->shared.lock);
	job = a->done;
	a->done = NULL;
	pthread_mutex_unlock(&a->shared.lock);
	return job;
}

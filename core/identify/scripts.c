/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/scripts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/thread.h"

enum {
	WAITING_MAX = 1024,
	THREADS_MAX = 8, /* all but one of them hang in a file system */
};
#define PATIENCE_NS (2 * NS_PER_S)

struct request {
	struct start start;
	void *subject; /* NULL: it was given up */
	int64_t begun_ns;
	struct opened_script opened;
	struct request *next;
	char path[];
};

struct queue {
	struct request *first, *last;
};

struct scripts {
	struct shared shared;
	pthread_cond_t more;
	struct queue asked, found;
	struct request *working; /* what the thread that does not hang is at */
	unsigned threads, hanging;
	bool closing;
	uv_async_t *ready; /* until it closes */
	scripts_found tell;
	void *arg;
	struct scripts_stats stats; /* the main thread's */
};

static void push(struct queue *q, struct request *r)
{
	r->next = NULL;
	*(q->last ? &q->last->next : &q->first) = r;
	q->last = r;
}

static struct request *pop(struct queue *q)
{
	struct request *r = q->first;

	if (r) {
		q->first = r->next;
		if (!q->first)
			q->last = NULL;
	}
	return r;
}

static void request_free(struct request *r)
{
	if (r->opened.fd >= 0)
		close(r->opened.fd);
	if (r->opened.apart)
		apart_free(r->opened.apart);
	free(r->opened.path);
	free(r);
}

static void leave(struct scripts *s)
{
	if (!shared_leave(&s->shared))
		return;
	pthread_cond_destroy(&s->more);
	free(s);
}

static void *work(void *arg)
{
	struct scripts *s = arg;
	struct request *r = NULL;

	pthread_mutex_lock(&s->shared.lock);
	while (!s->closing) {
		r = pop(&s->asked);
		if (!r) {
			pthread_cond_wait(&s->more, &s->shared.lock);
			continue;
		}
		r->begun_ns = clock_monotonic_ns();
		s->working = r;
		pthread_mutex_unlock(&s->shared.lock);
		script_open(&r->start, r->path, &r->opened);
		pthread_mutex_lock(&s->shared.lock);
		if (!r->subject) {
			/* Another thread has taken this one's place. */
			request_free(r);
			s->hanging--;
			break;
		}
		s->working = NULL;
		push(&s->found, r);
		if (!s->closing)
			uv_async_send(s->ready);
	}
	s->threads--;
	pthread_mutex_unlock(&s->shared.lock);
	leave(s);
	return NULL;
}

/* Under the lock. */
static void add_thread(struct scripts *s)
{
	if (!shared_start(&s->shared, work, s))
		s->threads++;
}

static void on_ready(uv_async_t *ready)
{
	scripts_take(ready->data);
}

struct scripts *scripts_open(uv_loop_t *loop, scripts_found found, void *arg)
{
	struct scripts *s = mem_alloc(sizeof(*s));

	shared_init(&s->shared);
	pthread_cond_init(&s->more, NULL);
	s->tell = found;
	s->arg = arg;
	s->ready = mem_alloc(sizeof(*s->ready));
	s->ready->data = s;
	uv_async_init(loop, s->ready, on_ready);
	uv_unref((uv_handle_t *)s->ready);
	return s;
}

bool scripts_ask(struct scripts *s, const struct start *start, struct ps_text path, void *subject)
{
	struct request *r;
	bool room;

	pthread_mutex_lock(&s->shared.lock);
	if (s->threads == s->hanging)
		add_thread(s);
	room = s->threads > s->hanging && s->stats.waiting < WAITING_MAX;
	if (room) {
		r = mem_alloc(sizeof(*r) + path.len + 1);
		*r = (struct request){.start = *start, .subject = subject, .opened.fd = -1};
		memcpy(r->path, path.data, path.len);
		push(&s->asked, r);
		pthread_cond_signal(&s->more);
	}
	pthread_mutex_unlock(&s->shared.lock);
	*(room ? &s->stats.waiting : &s->stats.refused) += 1;
	return room;
}

/* What a thread hangs at, if one does; it is left alone, as long as others can be made. */
static void *give_up(struct scripts *s)
{
	struct request *r = s->working;
	void *subject;

	if (!r || s->threads == THREADS_MAX || clock_monotonic_ns() - r->begun_ns < PATIENCE_NS)
		return NULL;
	subject = r->subject;
	r->subject = NULL;
	s->working = NULL;
	s->hanging++;
	add_thread(s);
	return subject;
}

void scripts_take(struct scripts *s)
{
	struct request *r, *next;
	void *given_up;

	if (!s->stats.waiting)
		return;
	pthread_mutex_lock(&s->shared.lock);
	r = s->found.first;
	s->found = (struct queue){0};
	given_up = give_up(s);
	pthread_mutex_unlock(&s->shared.lock);
	for (; r; r = next) {
		next = r->next;
		s->stats.waiting--;
		s->tell(s->arg, r->subject, &r->opened);
		free(r->opened.path);
		free(r);
	}
	if (given_up) {
		s->stats.waiting--;
		s->tell(s->arg, given_up, &(struct opened_script){.fd = -1, .why = PS_HASH_UNREADABLE});
	}
}

static void drop_all(struct queue *q, void (*drop)(void *, void *), void *arg)
{
	struct request *r;

	while ((r = pop(q))) {
		drop(arg, r->subject);
		request_free(r);
	}
}

static void on_closed(uv_handle_t *ready)
{
	free(ready);
}

void scripts_close(struct scripts *s, void (*drop)(void *, void *), void *arg)
{
	int64_t until = clock_monotonic_ns() + PATIENCE_NS;

	pthread_mutex_lock(&s->shared.lock);
	s->closing = true;
	pthread_cond_broadcast(&s->more);
	while (s->threads > s->hanging && clock_monotonic_ns() < until) {
		pthread_mutex_unlock(&s->shared.lock);
		usleep(200);
		pthread_mutex_lock(&s->shared.lock);
	}
	drop_all(&s->asked, drop, arg);
	drop_all(&s->found, drop, arg);
	if (s->working) {
		drop(arg, s->working->subject);
		s->working->subject = NULL;
	}
	pthread_mutex_unlock(&s->shared.lock);
	uv_close((uv_handle_t *)s->ready, on_closed);
	leave(s);
}

void scripts_get_stats(const struct scripts *s, struct scripts_stats *stats)
{
	*stats = s->stats;
}

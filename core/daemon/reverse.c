/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/reverse.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/thread.h"
#include "core/identify/domain_name.h"

/* The resolver does not say for how long an answer holds. */
#define ANSWER_TTL 3600
#define ANSWERED_NS (ANSWER_TTL * NS_PER_S)
#define FAILED_NS (60 * NS_PER_S)
#define PATIENCE_NS (REVERSE_PATIENCE_S * NS_PER_S)

struct question {
	uint32_t netns;
	struct ps_addr addr;
};

struct answer {
	struct question to;
	bool failed;
	size_t len; /* 0: it has no name */
	char name[DOMAIN_NAME_SIZE];
};

/* What the threads share. Under the lock. */
struct asking {
	struct shared shared;
	pthread_cond_t more;
	bool ended;
	uv_async_t *done; /* NULL: nobody wants to know */
	struct question queue[REVERSE_WAITING];
	size_t first, n;
	struct buf answers; /* struct answer, one after the other */
};

/* In a place that its address says; another with that place takes it. */
struct known {
	struct question what;
	int64_t asked_ns, until_ns; /* CLOCK_MONOTONIC */
	bool answered;
};

struct reverse {
	uv_async_t async;
	struct asking *asking;
	struct domains *domains;
	struct losses *losses;
	struct reverse_stats stats;
	struct known known[REVERSE_KNOWN];
	void (*closed)(void *arg);
	void *arg;
};

/* ---- the threads ---- */

static void asking_drop(struct asking *a)
{
	if (!shared_leave(&a->shared))
		return;
	buf_done(&a->answers);
	pthread_cond_destroy(&a->more);
	free(a);
}

static socklen_t sockaddr_of(struct sockaddr_storage *out, const struct ps_addr *addr)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
	struct sockaddr_in *four = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	out->ss_family = addr->family;
	if (addr->family == AF_INET)
		memcpy(&four->sin_addr, addr->bytes, sizeof(four->sin_addr));
	else
		memcpy(&six->sin6_addr, addr->bytes, sizeof(six->sin6_addr));
	return addr->family == AF_INET ? sizeof(*four) : sizeof(*six);
}

static void find_name(struct answer *answer)
{
	struct sockaddr_storage address;
	socklen_t len = sockaddr_of(&address, &answer->to.addr);
	char host[NI_MAXHOST];
	int err = getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), NULL, 0, NI_NAMEREQD);

	answer->failed = err && err != EAI_NONAME;
	answer->len = err ? 0 : domain_name_from_text(answer->name, host, strlen(host));
}

static void *ask_all(void *arg)
{
	struct asking *a = arg;
	struct answer answer;

	pthread_mutex_lock(&a->shared.lock);
	while (!a->ended) {
		if (!a->n) {
			pthread_cond_wait(&a->more, &a->shared.lock);
			continue;
		}
		answer.to = a->queue[a->first];
		a->first = (a->first + 1) % REVERSE_WAITING;
		a->n--;
		pthread_mutex_unlock(&a->shared.lock);
		find_name(&answer);
		pthread_mutex_lock(&a->shared.lock);
		if (!a->done)
			continue;
		buf_put(&a->answers, &answer, sizeof(answer));
		uv_async_send(a->done);
	}
	pthread_mutex_unlock(&a->shared.lock);
	asking_drop(a);
	return NULL;
}

/* ---- the main thread ---- */

static bool is_nameless(const struct ps_addr *addr)
{
	struct in6_addr six;

	if (addr->family == AF_INET)
		return addr->bytes[0] == 0 || addr->bytes[0] == 127 || addr->bytes[0] >= 224 ||
		       (addr->bytes[0] == 169 && addr->bytes[1] == 254);
	memcpy(&six, addr->bytes, sizeof(six));
	return addr->family != AF_INET6 || IN6_IS_ADDR_UNSPECIFIED(&six) || IN6_IS_ADDR_LOOPBACK(&six) ||
	       IN6_IS_ADDR_LINKLOCAL(&six) || IN6_IS_ADDR_MULTICAST(&six);
}

static struct known *known_of(struct reverse *r, const struct question *q)
{
	uint32_t hash = 2166136261U ^ q->netns;

	for (size_t i = 0; i < sizeof(q->addr.bytes); i++)
		hash = (hash ^ q->addr.bytes[i]) * 16777619U;
	return &r->known[(hash ^ hash >> 16) % REVERSE_KNOWN];
}

static bool is_same(const struct question *a, const struct question *b)
{
	return a->netns == b->netns && a->addr.family == b->addr.family &&
	       memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes)) == 0;
}

void reverse_ask(struct reverse *r, uint32_t netns, const struct ps_addr *addr)
{
	struct question q = {.netns = netns, .addr = *addr};
	struct known *known = known_of(r, &q);
	int64_t now = clock_monotonic_ns();
	struct asking *a = r->asking;
	bool room;

	if (is_nameless(addr) || (now < known->until_ns && is_same(&known->what, &q)))
		return;
	pthread_mutex_lock(&a->shared.lock);
	room = a->n < REVERSE_WAITING;
	if (room)
		a->queue[(a->first + a->n++) % REVERSE_WAITING] = q;
	pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->shared.lock);
	if (!room) {
		r->stats.refused++;
		losses_add(r->losses, PS_STAGE_NAMES, 1, 0, 0,
		           "the resolver is slower than addresses come to be asked for: further ones have no name by PTR");
		return;
	}
	*known = (struct known){.what = q, .asked_ns = now, .until_ns = now + ANSWERED_NS};
	r->stats.asked++;
}

bool reverse_awaits(struct reverse *r, uint32_t netns, const struct ps_addr *addr)
{
	struct question q = {.netns = netns, .addr = *addr};
	const struct known *known = known_of(r, &q);

	return known->asked_ns && !known->answered && is_same(&known->what, &q) &&
	       clock_monotonic_ns() - known->asked_ns < PATIENCE_NS;
}

static void take(struct reverse *r, const struct answer *answer)
{
	struct known *known = known_of(r, &answer->to);
	struct domain_seen seen = {
	    .source = PS_DOMAIN_PTR,
	    .netns = answer->to.netns,
	    .addr = answer->to.addr,
	    .name = {answer->name, (uint32_t)answer->len},
	    .ttl = ANSWER_TTL,
	    .seen_ns = clock_boot_ns(),
	};

	r->stats.failed += answer->failed;
	if (is_same(&known->what, &answer->to)) {
		known->answered = true;
		if (answer->failed)
			known->until_ns = clock_monotonic_ns() + FAILED_NS;
	}
	if (!answer->len)
		return;
	r->stats.named++;
	domains_learn(r->domains, &seen);
}

static void on_answers(uv_async_t *async)
{
	struct reverse *r = async->data;
	struct asking *a = r->asking;
	struct answer answer;
	struct buf answers;

	pthread_mutex_lock(&a->shared.lock);
	answers = a->answers;
	buf_init(&a->answers);
	pthread_mutex_unlock(&a->shared.lock);
	for (size_t at = 0; at < answers.len; at += sizeof(answer)) {
		memcpy(&answer, answers.data + at, sizeof(answer));
		take(r, &answer);
	}
	buf_done(&answers);
}

struct reverse *reverse_open(uv_loop_t *loop, struct domains *domains, struct losses *losses)
{
	struct reverse *r = mem_alloc(sizeof(*r));
	struct asking *a = mem_alloc(sizeof(*a));
	int err = 0;

	r->domains = domains;
	r->losses = losses;
	r->asking = a;
	uv_async_init(loop, &r->async, on_answers);
	r->async.data = r;
	shared_init(&a->shared);
	pthread_cond_init(&a->more, NULL);
	a->done = &r->async;
	for (unsigned i = 0; i < REVERSE_THREADS && !err; i++)
		err = shared_start(&a->shared, ask_all, a);
	if (err)
		log_warning("names by PTR are asked for by fewer threads than %d: %s", REVERSE_THREADS, strerror(-err));
	return r;
}

static void async_closed(uv_handle_t *handle)
{
	struct reverse *r = handle->data;
	void (*closed)(void *) = r->closed;
	void *arg = r->arg;

	free(r);
	closed(arg);
}

void reverse_close(struct reverse *r, void (*closed)(void *), void *arg)
{
	struct asking *a = r->asking;

	r->closed = closed;
	r->arg = arg;
	pthread_mutex_lock(&a->shared.lock);
	a->done = NULL;
	a->ended = true;
	pthread_cond_broadcast(&a->more);
	pthread_mutex_unlock(&a->shared.lock);
	asking_drop(a);
	uv_close((uv_handle_t *)&r->async, async_closed);
}

void reverse_get_stats(const struct reverse *r, struct reverse_stats *stats)
{
	*stats = r->stats;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/answer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/query/fold.h"

#define FRESH_NS (3 * NS_PER_S)

/* Whether a word is among words between single spaces. */
static int among(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");

		if (n == len && memcmp(at, word, n) == 0)
			return 1;
		at += n;
	}
	return 0;
}

static int wrong(struct asking *a, const char *why)
{
	reply_error(a->reply, MHD_HTTP_BAD_REQUEST, why);
	return -EINVAL;
}

int answer_read(struct asking *a, struct ask *ask, const char *question, const char *own)
{
	const struct target *t = a->target;
	const char *why = "";

	ask_begin(ask);
	for (size_t i = 0; i < t->n; i++) {
		const char *name = t->parameters[i].name;
		int known = among(question, name);

		if (!known && !among(own, name)) {
			struct buf text = {0};

			buf_printf(&text, "there is no parameter \"%.100s\" here; there are: %s %s", name, question, own);
			buf_put_u8(&text, 0);
			wrong(a, (char *)text.data);
			buf_done(&text);
			return -EINVAL;
		}
		for (size_t j = 0; j < i && !among("f x kind", name); j++)
			if (strcmp(t->parameters[j].name, name) == 0)
				return wrong(a, "a parameter other than f, x and kind is there twice");
		if (known && ask_put(ask, name, t->parameters[i].value, &why) < 0)
			return wrong(a, why);
	}
	return 0;
}

int answer_read_end(struct asking *a, struct ask *ask)
{
	const char *why = "";

	return ask_end(ask, a->now, &why) < 0 ? wrong(a, why) : 0;
}

int answer_number(struct asking *a, const char *name, unsigned fallback, unsigned least, unsigned most, unsigned *n)
{
	const char *text = target_value(a->target, name);
	struct buf why = {0};
	char *end;
	long long number;

	*n = fallback;
	if (!text)
		return 0;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (!errno && end != text && !*end && number >= (long long)least && number <= (long long)most) {
		*n = (unsigned)number;
		return 0;
	}
	buf_printf(&why, "%s is a number from %u to %u", name, least, most);
	buf_put_u8(&why, 0);
	wrong(a, (char *)why.data);
	buf_done(&why);
	return -EINVAL;
}

int answer_ports(struct asking *a, struct ps_question *q)
{
	const char *ports = target_value(a->target, "ports");

	q->coarse_ports = !ports;
	return ports && strcmp(ports, "all") != 0 ? wrong(a, "ports is all, or not there") : 0;
}

int answer_ask(struct asking *a, const struct ps_question *q, struct ps_answer *answer)
{
	int r = fold_ask(a->store->reader, a->store->self, a->countries, q, answer);

	if (r == 0)
		return 0;
	reply_error(a->reply,
	            r == -ETIME    ? MHD_HTTP_GATEWAY_TIMEOUT
	            : r == -EINVAL ? MHD_HTTP_BAD_REQUEST
	                           : MHD_HTTP_SERVICE_UNAVAILABLE,
	            cli_store_why(a->store));
	/* A server may be back by then. */
	if (r != -ETIME && r != -EINVAL)
		cli_store_close_reader(a->store);
	return r < 0 ? r : -EIO;
}

static int take_extent(void *arg, const struct ps_answer_row *row)
{
	struct extent *extent = arg;

	*extent = (struct extent){row->first, row->last, row->rows};
	return 1;
}

int answer_extent(struct asking *a, struct extent *extent)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct extent known;
	static int64_t until_ns;
	const struct ps_question q = {.from = INT64_MIN, .to = INT64_MAX, .coarse_ports = 1};
	struct ps_answer answer = {.arg = extent, .row = take_extent};
	int64_t now = clock_monotonic_ns();
	int r = 0;

	*extent = (struct extent){INT64_MIN, INT64_MIN, 0};
	pthread_mutex_lock(&lock);
	if (until_ns > now)
		*extent = known;
	else
		r = -EAGAIN;
	pthread_mutex_unlock(&lock);
	if (r != -EAGAIN)
		return r;
	r = answer_ask(a, &q, &answer);
	if (r < 0)
		return r;
	pthread_mutex_lock(&lock);
	known = *extent;
	until_ns = now + FRESH_NS;
	pthread_mutex_unlock(&lock);
	return 0;
}

void answer_put_loss(void *arg, const struct ps_answer_loss *loss)
{
	json_t *const *losses = arg;

	json_array_append_new(*losses, json_loss(loss));
}

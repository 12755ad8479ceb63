/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/top/flows.h"

#include <stdlib.h>
#include <string.h>

void flows_init(struct flows *f, size_t most)
{
	*f = (struct flows){.most = most ? most : 1};
	table_init(&f->by_key);
	TAILQ_INIT(&f->quiet);
}

static void flow_free(struct flows *f, struct flow *flow)
{
	flows_close(flow);
	table_remove(&f->by_key, flow->key, sizeof(flow->key));
	TAILQ_REMOVE(&f->quiet, flow, quiet);
	LIST_REMOVE(flow, of_program);
	free(flow->peer);
	free(flow);
}

void flows_done(struct flows *f)
{
	while (!TAILQ_EMPTY(&f->quiet))
		flow_free(f, TAILQ_FIRST(&f->quiet));
	table_done(&f->by_key);
}

struct flow *flows_get(struct flows *f, const uint8_t key[32], struct flow_count *of, bool *made)
{
	struct flow *flow = table_get(&f->by_key, key, 32);

	*made = !flow;
	if (flow) {
		TAILQ_REMOVE(&f->quiet, flow, quiet);
		TAILQ_INSERT_TAIL(&f->quiet, flow, quiet);
		return flow;
	}
	if (f->by_key.n >= f->most) {
		flow_free(f, TAILQ_FIRST(&f->quiet));
		f->evicted++;
	}
	flow = mem_alloc(sizeof(*flow));
	memcpy(flow->key, key, sizeof(flow->key));
	flow->order = f->made++;
	flow->of = of;
	of->open++;
	table_add(&f->by_key, flow->key, sizeof(flow->key), flow);
	TAILQ_INSERT_TAIL(&f->quiet, flow, quiet);
	LIST_INSERT_HEAD(&of->list, flow, of_program);
	return flow;
}

void flows_close(struct flow *flow)
{
	flow->of->open -= !flow->closed;
	flow->closed = true;
}

void flows_expire(struct flows *f, int64_t before_ns)
{
	struct flow *flow;

	while ((flow = TAILQ_FIRST(&f->quiet)) && flow->moved_ns < before_ns)
		flow_free(f, flow);
}

void flows_forget(struct flows *f, struct flow_count *of)
{
	while (!LIST_EMPTY(&of->list))
		flow_free(f, LIST_FIRST(&of->list));
}

static int newer(const void *a, const void *b)
{
	const struct flow *const *x = a, *const *y = b;

	return (*x)->order < (*y)->order ? 1 : -1;
}

struct flow **flows_newest(const struct flows *f, size_t most, size_t *n)
{
	struct flow **all = mem_alloc(f->by_key.n * sizeof(*all)), *flow;
	size_t i = 0;

	TAILQ_FOREACH(flow, &f->quiet, quiet)
	all[i++] = flow;
	qsort(all, i, sizeof(*all), newer);
	*n = i < most ? i : most;
	return all;
}

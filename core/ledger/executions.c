/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/executions.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

struct execution {
	struct wire_image image;
	uint32_t uid, netns;
	unsigned times;
};

struct executions {
	struct ledger *ledger;
	struct execution *list; /* grows as it must: most machines execute little */
	size_t n, room;
};

struct executions *executions_open(struct ledger *ledger)
{
	struct executions *x = mem_alloc(sizeof(*x));

	x->ledger = ledger;
	return x;
}

void executions_close(struct executions *x)
{
	if (!x)
		return;
	free(x->list);
	free(x);
}

static void hand_over(struct executions *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct execution *e = &x->list[i];
		struct observation o = {.image = e->image, .uid = e->uid, .netns = e->netns, .lport = -1, .rport = -1};

		o.calls = e->times;
		ledger_add(x->ledger, &o);
	}
	x->n -= n;
	if (x->n)
		memmove(x->list, x->list + n, x->n * sizeof(*x->list));
}

void executions_add(struct executions *x, const struct wire_image *image, uint32_t uid, uint32_t netns, unsigned times)
{
	/* The command lines of the latest may still be on their way. */
	if (x->n == EXECUTIONS_MAX)
		hand_over(x, EXECUTIONS_MAX / 4 * 3);
	if (x->n == x->room) {
		x->room = x->room ? 2 * x->room : 64;
		x->list = mem_resize(x->list, x->room * sizeof(*x->list));
	}
	x->list[x->n++] = (struct execution){*image, uid, netns, times};
}

void executions_flush(struct executions *x)
{
	hand_over(x, x->n);
	/* What a storm took goes back. */
	if (x->room > 1024) {
		free(x->list);
		x->list = NULL;
		x->room = 0;
	}
}

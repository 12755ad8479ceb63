/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/count.h"

struct series_cell {
	size_t step;
	struct series_sums sums;
};

void series_init(struct series *s, const struct steps *steps, size_t top)
{
	*s = (struct series){.steps = steps, .top = top};
	table_init(&s->by_value);
	arena_init(&s->memory);
}

void series_done(struct series *s)
{
	for (size_t i = 0; i < s->n_groups; i++) {
		free(s->groups[i]->cells);
		free(s->groups[i]->steps);
	}
	free(s->groups);
	free(s->other);
	table_done(&s->by_value);
	arena_done(&s->memory);
}

static void add(struct series_sums *to, struct series_sums what)
{
	to->sent = count_add(to->sent, what.sent);
	to->received = count_add(to->received, what.received);
}

static struct series_group *group_of(struct series *s, struct ps_text value)
{
	struct series_group *g = table_get(&s->by_value, value.data, value.len);

	if (g)
		return g;
	g = arena_alloc(&s->memory, sizeof(*g));
	g->value = (struct ps_text){arena_copy(&s->memory, value.data, value.len), value.len};
	table_add(&s->by_value, g->value.data, g->value.len, g);
	if (s->n_groups == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->groups = mem_resize(s->groups, s->room * sizeof(struct series_group *));
	}
	s->groups[s->n_groups++] = g;
	return g;
}

/* Adds a group's steps up. */
static void spread(const struct series *s, const struct series_group *g, struct series_sums *steps)
{
	for (size_t i = 0; i < g->n_cells; i++)
		add(&steps[g->cells[i].step], g->cells[i].sums);
	for (size_t i = 0; g->steps && i < s->steps->n; i++)
		add(&steps[i], g->steps[i]);
}

/* As many sums as there are steps, instead of cells. */
static void lay_out(struct series *s, struct series_group *g)
{
	struct series_sums *steps;

	if (g->steps)
		return;
	steps = mem_alloc(s->steps->n * sizeof(*steps));
	spread(s, g, steps);
	free(g->cells);
	g->cells = NULL;
	g->steps = steps;
	g->n_cells = 0;
}

int series_put(struct series *s, struct ps_text value, int64_t time, uint64_t sent, uint64_t received)
{
	struct series_cell cell = {steps_at(s->steps, time), {sent, received}};
	struct series_group *g;

	if (cell.step == s->steps->n)
		return 0;
	g = group_of(s, value);
	add(&g->total, cell.sums);
	if (!g->steps && g->n_cells == g->room && g->room >= s->steps->n) {
		s->n_cells -= g->n_cells - s->steps->n;
		lay_out(s, g);
	}
	if (g->steps) {
		add(&g->steps[cell.step], cell.sums);
		return 0;
	}
	/* Parts of a group mostly come one after another. */
	if (g->n_cells && g->cells[g->n_cells - 1].step == cell.step) {
		add(&g->cells[g->n_cells - 1].sums, cell.sums);
		return 0;
	}
	if (++s->n_cells > SERIES_CELLS_MAX)
		return -E2BIG;
	if (g->n_cells == g->room) {
		g->room = g->room ? 2 * g->room : 4;
		g->cells = mem_resize(g->cells, g->room * sizeof(*g->cells));
	}
	g->cells[g->n_cells++] = cell;
	return 0;
}

static uint64_t size(const struct series_group *g)
{
	return count_add(g->total.sent, g->total.received);
}

static int larger_first(const void *one, const void *two)
{
	const struct series_group *a = *(struct series_group *const *)one, *b = *(struct series_group *const *)two;
	uint32_t least = a->value.len < b->value.len ? a->value.len : b->value.len;
	int order;

	if (size(a) != size(b))
		return size(a) > size(b) ? -1 : 1;
	order = memcmp(a->value.data, b->value.data, least);
	return order ? order : a->value.len < b->value.len ? -1 : a->value.len > b->value.len;
}

void series_fold(struct series *s)
{
	size_t bytes = s->steps->n * sizeof(struct series_sums);

	if (s->n_groups)
		qsort(s->groups, s->n_groups, sizeof(struct series_group *), larger_first);
	if (s->top > s->n_groups)
		s->top = s->n_groups;
	for (size_t i = 0; i < s->top; i++)
		lay_out(s, s->groups[i]);
	if (s->top < s->n_groups)
		s->other = mem_alloc(bytes);
	for (size_t i = s->top; i < s->n_groups; i++)
		spread(s, s->groups[i], s->other);
}

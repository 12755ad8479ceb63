/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/fold.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/query/names.h"

#define NOT_ASKED UINT32_MAX

/* A group of the answer; its texts lie behind it, as its key does. */
struct group {
	struct ps_answer_row row;
	struct ps_text values[];
};

struct fold {
	const struct ps_question *q;
	const struct country *db;
	struct ps_answer *to;

	uint32_t from[PS_DIMENSIONS]; /* of each value, which of the reader's it is; NOT_ASKED: the country */
	uint32_t raddr;               /* which of the reader's values the remote address is */
	uint32_t passed;              /* rows handed over, where nothing is folded */

	struct table groups;
	struct group **list;
	size_t n;
	struct buf key;
	struct arena memory;
};

int fold_is_needed(const struct ps_question *q)
{
	for (uint32_t i = 0; i < q->n_by; i++)
		if (q->by[i] == PS_BY_COUNTRY)
			return 1;
	for (uint32_t i = 0; i < q->n_filters; i++)
		if (q->filters[i].dimension == PS_BY_COUNTRY)
			return 1;
	return 0;
}

/* Whether filters let this country through. */
static int is_wanted(const struct ps_question *q, const char *country)
{
	int included = 0, among = 0;

	for (uint32_t i = 0; i < q->n_filters; i++) {
		const struct ps_filter *f = &q->filters[i];
		int same = f->value.len == strlen(country) && memcmp(f->value.data, country, f->value.len) == 0;

		if (f->dimension != PS_BY_COUNTRY)
			continue;
		if (f->exclude && same)
			return 0;
		included |= !f->exclude;
		among |= !f->exclude && same;
	}
	return !included || among;
}

/* As far as a store counts. */
static uint64_t add(uint64_t a, uint64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static void count(struct ps_answer_row *to, const struct ps_answer_row *row)
{
	to->sent = add(to->sent, row->sent);
	to->received = add(to->received, row->received);
	to->calls = add(to->calls, row->calls);
	to->rows = add(to->rows, row->rows);
	if (row->first < to->first)
		to->first = row->first;
	if (row->last > to->last)
		to->last = row->last;
}

static void put_key(struct fold *f, struct ps_text value)
{
	buf_put_u32(&f->key, value.len);
	buf_put(&f->key, value.data, value.len);
	buf_put_u8(&f->key, 0);
}

/* A new group, of the key that was made. */
static struct group *group_new(struct fold *f)
{
	struct group *g = arena_alloc(&f->memory, sizeof(*g) + f->q->n_by * sizeof(*g->values));
	char *at = arena_copy(&f->memory, f->key.data, f->key.len);
	struct cursor key;

	cursor_init(&key, at, f->key.len);
	for (uint32_t i = 0; i < f->q->n_by; i++) {
		g->values[i].len = cursor_u32(&key);
		g->values[i].data = (const char *)cursor_take(&key, g->values[i].len + 1);
	}
	g->row.values = f->q->n_by ? g->values : NULL;
	g->row.first = INT64_MAX;
	g->row.last = INT64_MIN;
	if (!(f->n & (f->n - 1)))
		f->list = mem_resize(f->list, (f->n ? f->n * 2 : 1) * sizeof(struct group *));
	f->list[f->n++] = g;
	table_add(&f->groups, at, f->key.len, g);
	return g;
}

static int fold_row(void *arg, const struct ps_answer_row *row)
{
	struct fold *f = arg;
	char country[COUNTRY_SIZE];
	struct group *g;

	country_of(f->db, row->values[f->raddr], country);
	if (!is_wanted(f->q, country))
		return 0;
	f->key.len = 0;
	for (uint32_t i = 0; i < f->q->n_by; i++)
		put_key(f, f->from[i] == NOT_ASKED ? (struct ps_text){country, (uint32_t)strlen(country)}
		                                   : row->values[f->from[i]]);
	g = table_get(&f->groups, f->key.data, f->key.len);
	count(g ? &g->row : &group_new(f)->row, row);
	return 0;
}

/* In parts there is nothing to fold: a row is told with its country in its place. */
static int hand_row(void *arg, const struct ps_answer_row *row)
{
	struct fold *f = arg;
	struct ps_text values[PS_DIMENSIONS];
	struct ps_answer_row told = *row;
	char country[COUNTRY_SIZE];

	country_of(f->db, row->values[f->raddr], country);
	if (!is_wanted(f->q, country))
		return 0;
	for (uint32_t i = 0; i < f->q->n_by; i++)
		values[i] =
		    f->from[i] == NOT_ASKED ? (struct ps_text){country, (uint32_t)strlen(country)} : row->values[f->from[i]];
	told.values = f->q->n_by ? values : NULL;
	return f->to->row(f->to->arg, &told);
}

/* The reader's rows are those that are wanted, in their order, but for those of other countries. */
static int pass_row(void *arg, const struct ps_answer_row *row)
{
	struct fold *f = arg;
	char country[COUNTRY_SIZE];

	if (!is_wanted(f->q, country_of(f->db, row->values[f->raddr], country)))
		return 0;
	return f->to->row(f->to->arg, row) || ++f->passed == f->q->limit;
}

static void pass_loss(void *arg, const struct ps_answer_loss *loss)
{
	struct fold *f = arg;

	f->to->loss(f->to->arg, loss);
}

static void pass_audit(void *arg, const struct ps_answer_audit *audit)
{
	struct fold *f = arg;

	f->to->audit(f->to->arg, audit);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_values(enum ps_dimension d, struct ps_text a, struct ps_text b)
{
	int r;

	if (names_is_number(d)) {
		long long x = strtoll(a.data, NULL, 10), y = strtoll(b.data, NULL, 10);

		return x < y ? -1 : x > y;
	}
	r = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
	return r ? r : compare_numbers(a.len, b.len);
}

/* As a store orders: by what is asked for, and what is equal in that by its values. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct ps_question *q = arg;
	const struct ps_answer_row *x = &(*(struct group *const *)a)->row, *y = &(*(struct group *const *)b)->row;
	int r = q->order == PS_ORDER_TOTAL      ? compare_numbers(y->sent + y->received, x->sent + x->received)
	        : q->order == PS_ORDER_SENT     ? compare_numbers(y->sent, x->sent)
	        : q->order == PS_ORDER_RECEIVED ? compare_numbers(y->received, x->received)
	        : q->order == PS_ORDER_CALLS    ? compare_numbers(y->calls, x->calls)
	        : q->order == PS_ORDER_TIME     ? (y->last > x->last) - (y->last < x->last)
	                                        : 0;

	for (uint32_t i = 0; r == 0 && i < q->n_by; i++)
		r = compare_values(q->by[i], x->values[i], y->values[i]);
	return r;
}

static void tell(struct fold *f)
{
	size_t n = f->q->limit && f->q->limit < f->n ? f->q->limit : f->n;
	union {
		const struct ps_question *q;
		void *arg;
	} q = {f->q};

	if (f->n)
		qsort_r(f->list, f->n, sizeof(struct group *), compare, q.arg);
	for (size_t i = 0; i < n; i++)
		if (f->to->row(f->to->arg, &f->list[i]->row))
			return;
}

/* What the store is asked instead. True: its rows need no folding. */
static int translate(struct fold *f, struct ps_question *q, enum ps_dimension *by, struct ps_filter *filters)
{
	int by_country = 0;

	*q = *f->q;
	q->by = by;
	q->n_by = 0;
	f->raddr = NOT_ASKED;
	for (uint32_t i = 0; i < f->q->n_by; i++) {
		f->from[i] = f->q->by[i] == PS_BY_COUNTRY ? NOT_ASKED : q->n_by;
		by_country |= f->from[i] == NOT_ASKED;
		if (f->from[i] == NOT_ASKED)
			continue;
		if (f->q->by[i] == PS_BY_RADDR)
			f->raddr = q->n_by;
		by[q->n_by++] = f->q->by[i];
	}
	q->filters = filters;
	q->n_filters = 0;
	for (uint32_t i = 0; i < f->q->n_filters; i++)
		if (f->q->filters[i].dimension != PS_BY_COUNTRY)
			filters[q->n_filters++] = f->q->filters[i];
	q->limit = 0;
	if (f->raddr != NOT_ASKED && !by_country)
		return 1;
	q->order = PS_ORDER_KEY;
	if (f->raddr == NOT_ASKED) {
		f->raddr = q->n_by;
		by[q->n_by++] = PS_BY_RADDR;
	}
	return 0;
}

int fold_ask(const struct ps_reader *reader, void *self, const struct country *db, const struct ps_question *q,
             struct ps_answer *to)
{
	enum ps_dimension by[PS_DIMENSIONS + 1];
	struct ps_filter *filters;
	struct ps_question inner;
	struct ps_answer answer;
	struct fold f = {.q = q, .db = db, .to = to};
	int passes, r = 0;

	if (!fold_is_needed(q) || q->n_by > PS_DIMENSIONS)
		return reader->ask(self, q, to);
	filters = mem_alloc((q->n_filters + 1) * sizeof(*filters));
	passes = translate(&f, &inner, by, filters);
	answer = (struct ps_answer){.arg = &f,
	                            .row = !to->row      ? NULL
	                                   : q->in_parts ? hand_row
	                                   : passes      ? pass_row
	                                                 : fold_row,
	                            .audit = to->audit ? pass_audit : NULL,
	                            .loss = to->loss ? pass_loss : NULL};
	if (to->event) {
		/* The limit holds for events, and not for these rows: they are asked for by themselves. */
		struct ps_answer events = *to;

		inner.limit = q->limit;
		events.row = NULL;
		answer.audit = NULL;
		answer.loss = NULL;
		r = reader->ask(self, &inner, &events);
		inner.limit = 0;
	}
	if (r < 0 || (to->event && !to->row)) {
		free(filters);
		return r;
	}
	arena_init(&f.memory);
	buf_init(&f.key);
	table_init(&f.groups);
	r = reader->ask(self, &inner, &answer);
	if (r == 0 && answer.row == fold_row)
		tell(&f);
	table_done(&f.groups);
	buf_done(&f.key);
	arena_done(&f.memory);
	free(f.list);
	free(filters);
	return r;
}

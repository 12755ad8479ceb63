/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/view/model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/count.h"
#include "core/base/mem.h"
#include "core/query/names.h"
#include "core/query/range.h"
#include "core/view/dims.h"
#include "core/view/shown.h"

#define DAY 86400

void view_model_say(struct view_model *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(m->said, sizeof(m->said), format, args);
	va_end(args);
}

void view_model_want(struct view_model *m, const char *value, uint32_t len)
{
	free(m->wanted);
	m->wanted = value ? mem_copy(value, len ? len : 1) : NULL;
	m->wanted_len = len;
}

/* ---- begin and end ---- */

static void add_filter(struct view_model *m, struct view_filter filter)
{
	m->filters = mem_resize(m->filters, (m->n_filters + 1) * sizeof(*m->filters));
	m->filters[m->n_filters++] = filter;
}

static struct view_filter make_filter(enum ps_dimension dimension, bool exclude, struct ps_text value,
                                      const char *shown)
{
	return (struct view_filter){.dimension = dimension,
	                            .exclude = exclude,
	                            .value = mem_copy(value.data, (size_t)value.len + 1),
	                            .len = value.len,
	                            .shown = mem_strdup(shown)};
}

/* Steps of time: the latest first. */
static void set_order(struct view_model *m)
{
	if (m->by == PS_BY_TIME && m->order != PS_ORDER_TIME) {
		m->order_elsewhere = m->order;
		m->order = PS_ORDER_TIME;
	} else if (m->by != PS_BY_TIME && m->order_elsewhere != m->order && m->order == PS_ORDER_TIME) {
		m->order = m->order_elsewhere;
	}
}

void view_model_init(struct view_model *m, const struct ask *ask, int64_t now)
{
	const struct ps_question *q = &ask->question;
	struct arena memory;

	*m = (struct view_model){.by = q->n_by ? ask->by[0] : PS_BY_EXE,
	                         .order = q->order,
	                         .units = ask->units,
	                         .now = now,
	                         .page = 1,
	                         .menu_rows = 1,
	                         .state_from = now - DAY};
	arena_init(&m->state_memory);
	arena_init(&memory);
	for (uint32_t i = 0; i < q->n_filters; i++) {
		const struct ps_filter *f = &q->filters[i];

		add_filter(m,
		           make_filter(f->dimension, f->exclude != 0, f->value, shown_value(&memory, f->dimension, f->value)));
	}
	arena_done(&memory);
	if (q->from == INT64_MIN && q->to == INT64_MAX)
		m->range = range_last(0);
	else if (ask->last)
		m->range = range_last(ask->last);
	else
		m->range = range_between(q->from, q->to);
	m->order_elsewhere = m->order;
	if (m->by == PS_BY_TIME && m->order == PS_ORDER_KEY)
		set_order(m);
	m->serial = 1;
	m->pending = true;
}

static void free_filter(struct view_filter *f)
{
	free(f->value);
	free(f->shown);
}

void view_model_done(struct view_model *m)
{
	for (size_t i = 0; i < m->n_filters; i++)
		free_filter(&m->filters[i]);
	free(m->filters);
	free(m->why);
	free(m->wanted);
	view_rows_free(m->rows);
	arena_done(&m->state_memory);
}

/* ---- the question ---- */

void view_model_ask(struct view_model *m, int64_t now)
{
	/* Steps back stay where they are. */
	if (!m->range.back)
		m->now = now;
	m->serial++;
	m->asked = false;
	m->pending = true;
}

void view_model_by(struct view_model *m, enum ps_dimension by, int64_t now)
{
	if (by == m->by)
		return;
	m->by = by;
	m->all_ports = false;
	m->selected = m->top = 0;
	set_order(m);
	view_model_want(m, NULL, 0);
	view_model_ask(m, now);
}

/* Steps of the range, in the time that the store is known to have something of. */
static void put_steps(const struct view_model *m, struct view_job *job, int64_t from, int64_t to, unsigned most)
{
	struct ps_question *q = &job->question;
	int64_t least;

	if (from == INT64_MIN)
		from = m->rows && m->rows->first < m->rows->last ? m->rows->first : m->now - 365 * DAY;
	if (to == INT64_MAX)
		to = m->now > from ? m->now : from + 1;
	least = range_least(from, to, names_asks_for_ends(q));
	q->step = range_step(from, to, most, least);
	q->origin = range_origin(from, q->step, least);
	job->begin = from - ((from - q->origin) % q->step + q->step) % q->step;
	job->steps = (unsigned)((to - job->begin - 1) / q->step + 1);
	if (job->steps > VIEW_STEPS_MAX)
		job->steps = VIEW_STEPS_MAX;
}

/* without: includes on it are left out. */
static void put_question(const struct view_model *m, struct view_job *job, enum ps_dimension without)
{
	range_window(&m->range, m->now, &job->question.from, &job->question.to);
	for (size_t i = 0; i < m->n_filters; i++) {
		const struct view_filter *f = &m->filters[i];

		if (f->dimension != PS_BY_TIME && (f->dimension != without || f->exclude))
			view_job_filter(job, f->dimension, f->exclude, (struct ps_text){f->value, f->len});
	}
}

static struct view_job *ask_rows(struct view_model *m)
{
	struct view_job *job = view_job_new(VIEW_ROWS, m->serial);

	put_question(m, job, PS_DIMENSIONS);
	job->by[0] = m->by;
	job->question.n_by = 1;
	job->question.order = m->order;
	job->question.coarse_ports = !m->all_ports;
	if (m->by == PS_BY_TIME)
		put_steps(m, job, job->question.from, job->question.to, 60);
	m->asked = true;
	return job;
}

static size_t first_in_sight(const struct view_model *m, size_t *end)
{
	*end = m->rows && m->top + m->page < m->rows->n ? m->top + m->page : m->rows ? m->rows->n : 0;
	return m->top;
}

static bool is_ports_of_clients(enum ps_dimension by, struct ps_text value)
{
	return (by == PS_BY_LPORT || by == PS_BY_RPORT) && value.len == 2 && memcmp(value.data, "-2", 2) == 0;
}

static struct view_job *done_or_free(struct view_job *job)
{
	if (job->n_asked)
		return job;
	view_job_free(job);
	return NULL;
}

static struct view_job *ask_trends(struct view_model *m)
{
	static const uint64_t none[VIEW_STEPS_MAX];
	struct view_rows *r = m->rows;
	struct view_job *job;
	size_t end;

	if (!m->trends || r->by == PS_BY_TIME)
		return NULL;
	job = view_job_new(VIEW_TRENDS, m->serial);
	put_question(m, job, r->by);
	job->by[0] = PS_BY_TIME;
	job->by[1] = r->by;
	job->question.n_by = 2;
	job->question.in_parts = 1;
	put_steps(m, job, r->from, r->to, VIEW_STEPS_MAX - 6);
	r->begin = job->begin;
	r->step = job->question.step;
	r->steps = job->steps;
	for (size_t i = first_in_sight(m, &end); i < end; i++) {
		if (is_ports_of_clients(r->by, r->rows[i].value))
			r->rows[i].trend = none;
		if (!r->rows[i].trend && view_job_want(job, i, r->rows[i].value))
			view_job_filter(job, r->by, 0, r->rows[i].value);
	}
	return done_or_free(job);
}

static struct view_job *ask_verdicts(struct view_model *m)
{
	struct view_rows *r = m->rows;
	struct view_job *job;
	size_t end;

	if (!dims_is_hash(r->by))
		return NULL;
	job = view_job_new(VIEW_VERDICTS, m->serial);
	job->question.kinds = PS_VERDICT;
	for (size_t i = first_in_sight(m, &end); i < end; i++) {
		if (!r->rows[i].value.len)
			r->rows[i].beside = "";
		if (!r->rows[i].beside && view_job_want(job, i, r->rows[i].value))
			view_job_filter(job, PS_BY_SHA256, 0, r->rows[i].value);
	}
	return done_or_free(job);
}

/* Who has written, and when last: of a day, then of a month, then ever. */
static struct view_job *ask_state(struct view_model *m)
{
	struct view_job *job;

	if (m->state_asked)
		return NULL;
	m->state_asked = true;
	job = view_job_new(VIEW_STATE, m->serial);
	job->question.from = m->state_from;
	job->by[0] = PS_BY_HOST;
	job->question.n_by = 1;
	job->question.order = PS_ORDER_TIME;
	return job;
}

struct view_job *view_model_next(struct view_model *m)
{
	struct view_job *job = NULL;

	if (m->pending)
		return m->asked ? NULL : ask_rows(m);
	if (m->rows && !m->beside_failed) {
		job = ask_trends(m);
		if (!job)
			job = ask_verdicts(m);
	}
	return job ? job : m->failed ? NULL : ask_state(m);
}

bool view_model_stale(const struct view_model *m, const struct view_job *job)
{
	return job->serial != m->serial;
}

/* ---- answers ---- */

static void take_rows(struct view_model *m, struct view_job *job)
{
	view_rows_free(m->rows);
	m->rows = job->rows;
	job->rows = NULL;
	m->rows->took_ns = job->took_ns;
	m->beside_failed = false;
	m->state_asked = false;
	if (m->wanted)
		for (size_t i = 0; i < m->rows->n; i++) {
			const struct ps_text *value = &m->rows->rows[i].value;

			if (value->len == m->wanted_len && memcmp(value->data, m->wanted, value->len) == 0) {
				m->selected = i;
				break;
			}
		}
	view_model_want(m, NULL, 0);
	view_model_move_to(m, m->selected);
}

static void take_trends(struct view_model *m, struct view_job *job)
{
	struct view_rows *r = m->rows;
	size_t bytes = job->steps * sizeof(*job->trends);

	for (unsigned i = 0; i < job->n_asked; i++) {
		uint64_t *to = arena_alloc(&r->memory, bytes);

		memcpy(to, job->trends + i * job->steps, bytes);
		r->rows[job->asked[i]].trend = to;
	}
}

static void take_verdicts(struct view_model *m, struct view_job *job)
{
	struct view_rows *r = m->rows;

	for (unsigned i = 0; i < job->n_asked; i++) {
		struct view_row *row = &r->rows[job->asked[i]];
		const char *verdict = job->verdicts[i] ? job->verdicts[i] : "";

		row->beside = arena_copy(&r->memory, verdict, strlen(verdict));
		row->alarming = job->alarming[i];
	}
}

static void take_state(struct view_model *m, struct view_job *job)
{
	/* Further back, if nobody has written lately. */
	if (!job->n_hosts && m->state_from != INT64_MIN) {
		m->state_from = m->state_from >= m->now - DAY ? m->now - 30 * DAY : INT64_MIN;
		m->state_asked = false;
	}
	arena_done(&m->state_memory);
	arena_init(&m->state_memory);
	m->n_hosts = job->n_hosts;
	m->n_hosts_more = job->n_hosts_more;
	for (unsigned i = 0; i < job->n_hosts; i++)
		m->hosts[i] =
		    (struct view_host){.name = arena_copy(&m->state_memory, job->hosts[i].name, strlen(job->hosts[i].name)),
		                       .last = job->hosts[i].last};
}

void view_model_take(struct view_model *m, struct view_job *job)
{
	bool stale = view_model_stale(m, job), is_rows = job->kind == VIEW_ROWS;

	if (!stale && is_rows) {
		m->pending = false;
		m->failed = job->err != 0;
		free(m->why);
		m->why = job->err ? mem_strdup(job->why ? job->why : "") : NULL;
	}
	/* What stands beside the rows is asked for again with the next ones. */
	if (!stale && !is_rows && job->err && job->err != -ECANCELED)
		m->beside_failed = true;
	if (job->kind == VIEW_STATE && job->err == -ECANCELED)
		m->state_asked = false;
	if (!job->err && job->kind == VIEW_STATE)
		take_state(m, job);
	else if (!stale && !job->err && is_rows)
		take_rows(m, job);
	else if (!stale && !job->err && job->kind == VIEW_TRENDS)
		take_trends(m, job);
	else if (!stale && !job->err && job->kind == VIEW_VERDICTS)
		take_verdicts(m, job);
	view_job_free(job);
}

/* ---- rows ---- */

const struct view_row *view_model_selected(const struct view_model *m)
{
	return m->rows && m->selected < m->rows->n ? &m->rows->rows[m->selected] : NULL;
}

void view_model_move_to(struct view_model *m, size_t row)
{
	size_t n = m->rows ? m->rows->n : 0;

	m->selected = row < n ? row : n ? n - 1 : 0;
	view_model_room(m, m->page, m->trends);
}

void view_model_room(struct view_model *m, size_t page, bool trends)
{
	size_t n = m->rows ? m->rows->n : 0;

	m->page = page ? page : 1;
	m->trends = trends;
	if (m->selected < m->top)
		m->top = m->selected;
	else if (m->selected >= m->top + m->page)
		m->top = m->selected - m->page + 1;
	if (m->top + m->page > n)
		m->top = n > m->page ? n - m->page : 0;
}

static uint64_t number(const struct view_row *row, enum ps_order order)
{
	switch (order) {
	case PS_ORDER_SENT:
		return row->sent;
	case PS_ORDER_RECEIVED:
		return row->received;
	case PS_ORDER_CALLS:
		return row->calls;
	case PS_ORDER_TIME:
		return (uint64_t)row->last ^ 1ULL << 63;
	default:
		return count_add(row->sent, row->received);
	}
}

static int compare(const void *first, const void *second, void *arg)
{
	const struct view_row *a = first, *b = second;
	enum ps_order order = *(const enum ps_order *)arg;
	uint64_t x = number(a, order), y = number(b, order);

	return x < y ? 1 : x > y ? -1 : strcmp(a->shown, b->shown);
}

/* Where all rows are here, the store need not be asked. Values have an order of their own there. */
bool view_model_sort(struct view_model *m)
{
	const struct view_row *selected = view_model_selected(m);
	const char *value = selected ? selected->value.data : NULL;

	if (!m->rows || m->pending || m->rows->groups != m->rows->n || m->order == PS_ORDER_KEY)
		return false;
	if (m->rows->n)
		qsort_r(m->rows->rows, m->rows->n, sizeof(*m->rows->rows), compare, &m->order);
	m->rows->order = m->order;
	for (size_t i = 0; i < m->rows->n; i++)
		if (m->rows->rows[i].value.data == value)
			m->selected = i;
	view_model_move_to(m, m->selected);
	return true;
}

/* ---- filters ---- */

static uint64_t known(const struct view_model *m)
{
	uint64_t done = 0;

	for (size_t i = 0; i < m->n_filters; i++)
		if (!m->filters[i].exclude)
			done |= 1ULL << m->filters[i].dimension;
	return done;
}

/* False: the step is not in the range. */
static bool narrow_time(struct view_model *m, const struct view_row *row)
{
	struct view_filter f = {.dimension = PS_BY_TIME, .range = m->range};
	int64_t at = strtoll(row->value.data, NULL, 10), from, to, end;

	range_window(&m->range, m->now, &from, &to);
	if (__builtin_add_overflow(at, m->rows->step, &end))
		return false;
	from = at > from ? at : from;
	to = end < to ? end : to;
	if (from >= to)
		return false;
	f.value = mem_copy(row->value.data, (size_t)row->value.len + 1);
	f.len = row->value.len;
	f.shown = mem_strdup(row->shown);
	add_filter(m, f);
	m->range = range_between(from, to);
	return true;
}

void view_model_include(struct view_model *m, int64_t now)
{
	const struct view_row *row = view_model_selected(m);
	enum ps_dimension by;

	if (!row || m->pending)
		return;
	by = m->rows->by;
	if (is_ports_of_clients(by, row->value)) {
		m->all_ports = true;
		view_model_say(m, "all ports, one by one");
		view_model_ask(m, now);
		return;
	}
	if (by != PS_BY_TIME)
		add_filter(m, make_filter(by, false, row->value, row->shown));
	else if (!narrow_time(m, row))
		return;
	view_model_by(m, dims_next(known(m)), now);
	/* There is nothing to go on to. */
	if (m->by == by) {
		m->selected = m->top = 0;
		view_model_ask(m, now);
	}
}

void view_model_exclude(struct view_model *m, int64_t now)
{
	const struct view_row *row = view_model_selected(m);

	if (!row || m->pending)
		return;
	if (m->rows->by == PS_BY_TIME || is_ports_of_clients(m->rows->by, row->value)) {
		view_model_say(m, "that cannot be left out");
		return;
	}
	add_filter(m, make_filter(m->rows->by, true, row->value, row->shown));
	view_model_ask(m, now);
}

void view_model_remove(struct view_model *m, enum view_remove which, int64_t now)
{
	size_t i = m->n_filters;

	while (i && which != VIEW_REMOVE_ANY && m->filters[i - 1].exclude != (which == VIEW_REMOVE_EXCLUDE))
		i--;
	if (!i--) {
		view_model_say(m, which == VIEW_REMOVE_EXCLUDE   ? "nothing is left out"
		                  : which == VIEW_REMOVE_INCLUDE ? "there is no filter"
		                                                 : "there is no filter to remove");
		return;
	}
	/* Back to where it was chosen, and on that. */
	if (m->filters[i].dimension == PS_BY_TIME)
		m->range = m->filters[i].range;
	view_model_by(m, m->filters[i].dimension, now);
	view_model_want(m, m->filters[i].value, m->filters[i].len);
	view_model_ask(m, now);
	free_filter(&m->filters[i]);
	memmove(m->filters + i, m->filters + i + 1, (--m->n_filters - i) * sizeof(*m->filters));
}

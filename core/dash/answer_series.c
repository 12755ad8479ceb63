/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET /api/v1/series: traffic over time, one series for each of the largest groups. */
#include <errno.h>
#include <string.h>

#include "core/dash/beside.h"
#include "core/dash/series.h"
#include "core/query/names.h"
#include "core/query/range.h"
#include "core/query/when.h"

enum { POINTS = 200, POINTS_MAX = 2000, TOP = 8, TOP_MAX = 30 };

struct drawing {
	json_t *losses;
	struct asking *asking;
	struct ask ask;
	enum ps_dimension by; /* PS_DIMENSIONS: none */
	struct steps steps;
	struct series series;
	int too_many;
	struct beside beside;
};

static int take_row(void *arg, const struct ps_answer_row *row)
{
	static const struct ps_text all = {"", 0};
	struct drawing *d = arg;
	int64_t time = strtoll(row->values[0].data, NULL, 10);

	d->too_many =
	    series_put(&d->series, d->by == PS_DIMENSIONS ? all : row->values[1], time, row->sent, row->received) < 0;
	return d->too_many;
}

static json_t *counts(const struct series_sums *steps, size_t n, int received)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_count(received ? steps[i].received : steps[i].sent));
	return list;
}

static json_t *one_series(struct drawing *d, const struct series_group *g)
{
	size_t n = d->steps.n;
	json_t *series =
	    json_pack("{s:o, s:n, s:o, s:o}", "value", d->by == PS_DIMENSIONS ? json_null() : json_value(d->by, g->value),
	              "beside", "sent", counts(g->steps, n, 0), "received", counts(g->steps, n, 1));

	beside_put(&d->beside, series, 0, d->by, g->value);
	return series;
}

static json_t *others(const struct drawing *d)
{
	size_t n = d->steps.n;

	if (!d->series.other)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "groups", json_count(d->series.n_groups - d->series.top), "sent",
	                 counts(d->series.other, n, 0), "received", counts(d->series.other, n, 1));
}

static void write_answer(struct drawing *d, int64_t from, int64_t to)
{
	json_t *times = json_array(), *list = json_array();

	series_fold(&d->series);
	for (size_t i = 0; i < d->steps.n; i++)
		json_array_append_new(times, json_integer(d->steps.first + (json_int_t)i * d->steps.step));
	for (size_t i = 0; i < d->series.top; i++)
		json_array_append_new(list, one_series(d, d->series.groups[i]));
	if (beside_end(&d->beside) < 0) {
		json_decref(times);
		json_decref(list);
		return;
	}
	json_put_new(&d->asking->reply->body, json_pack("{s:I, s:I, s:I, s:o, s:o, s:o, s:O}", "from", (json_int_t)from,
	                                                "to", (json_int_t)to, "step", (json_int_t)d->steps.step, "times",
	                                                times, "series", list, "other", others(d), "losses", d->losses));
}

/* The ends of what is drawn, where the question leaves them open. */
static int close_ends(struct asking *a, const struct ps_question *q, int64_t *from, int64_t *to)
{
	struct extent extent;
	int r = 0;

	*from = q->from;
	*to = q->to;
	if (q->from == INT64_MIN || q->to == INT64_MAX)
		r = answer_extent(a, &extent);
	if (r < 0)
		return r;
	if (q->to == INT64_MAX)
		*to = q->from != INT64_MIN && q->from >= a->now ? q->from + 1 : a->now + 1;
	if (q->from == INT64_MIN)
		*from = extent.first == INT64_MIN || extent.first >= *to ? *to - 1 : extent.first;
	return 0;
}

static int choose_steps(struct drawing *d, int64_t from, int64_t to)
{
	struct asking *a = d->asking;
	const char *length = target_value(a->target, "step");
	int64_t soon = range_least(from, to, names_asks_for_ends(&d->ask.question));
	int64_t least = a->dash->options->least_step, step = 0;
	unsigned points;
	int r = answer_number(a, "points", POINTS, 2, POINTS_MAX, &points);

	if (r < 0)
		return r;
	if (length && (when_length(length, &step) < 0 || step < 1)) {
		reply_error(a->reply, MHD_HTTP_BAD_REQUEST, "step is a length of time, such as 90s, 15min, 3h or 7d");
		return -EINVAL;
	}
	if (!step && soon > least)
		least = soon;
	r = steps_make(&d->steps, from, to, points, least, step);
	if (r < 0)
		reply_error(a->reply, MHD_HTTP_BAD_REQUEST, "there would be more than 2000 steps: step has to be longer");
	return r;
}

static void draw(struct drawing *d, unsigned top)
{
	struct ps_question *q = &d->ask.question;
	struct ps_answer to = {.arg = d, .row = take_row, .loss = answer_put_loss};
	int64_t from, until;

	d->by = q->n_by ? d->ask.by[0] : PS_DIMENSIONS;
	if (close_ends(d->asking, q, &from, &until) < 0 || choose_steps(d, from, until) < 0)
		return;
	d->ask.by[0] = PS_BY_TIME;
	d->ask.by[1] = d->by;
	q->n_by = d->by == PS_DIMENSIONS ? 1 : 2;
	q->step = d->steps.step;
	q->origin = d->steps.origin;
	q->order = PS_ORDER_KEY;
	q->in_parts = 1;
	series_init(&d->series, &d->steps, top);
	if (answer_ask(d->asking, q, &to) == 0) {
		if (d->too_many)
			reply_error(d->asking->reply, MHD_HTTP_BAD_REQUEST,
			            "there are too many values over too many steps: ask for fewer points, or filter");
		else
			write_answer(d, from, until);
	}
	series_done(&d->series);
}

void answer_series(struct asking *a)
{
	struct drawing d = {.losses = json_array(), .asking = a, .beside = {.asking = a}};
	unsigned top;

	if (answer_read(a, &d.ask, "by f x last from to", "points step top ports") == 0 &&
	    answer_read_end(a, &d.ask) == 0 && answer_ports(a, &d.ask.question) == 0 &&
	    answer_number(a, "top", TOP, 1, TOP_MAX, &top) == 0) {
		if (d.ask.question.n_by > 1 || (d.ask.question.n_by && d.ask.by[0] == PS_BY_TIME))
			reply_error(a->reply, MHD_HTTP_BAD_REQUEST, "by is one dimension here, or none; not time");
		else
			draw(&d, top);
	}
	beside_done(&d.beside);
	json_decref(d.losses);
	ask_done(&d.ask);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET /api/v1/tops: the largest values of each of several dimensions, for what one reading of the store costs. */
#include "core/base/count.h"
#include "core/dash/answer.h"
#include "core/dash/beside.h"
#include "core/dash/tops.h"
#include "core/query/names.h"

enum { LIMIT = 10, LIMIT_MAX = 100 };

struct answering {
	json_t *losses, *list;
	struct asking *asking;
	struct ask ask;
	unsigned limit;
	struct tops tops;
	int too_many;
	size_t text; /* bytes of values in the answer */
	struct beside beside;

	/* Of the dimension at hand. */
	enum ps_dimension by;
	json_t *rows;
	uint64_t groups;
	int more;
};

static void put_row(struct answering *a, const struct tops_value *v)
{
	json_t *beside;

	a->groups++;
	a->more |= a->groups > a->limit || v->value.len > ANSWER_TEXT_MAX - a->text;
	if (a->more)
		return;
	a->text += v->value.len;
	beside = json_array();
	beside_put(&a->beside, beside, 0, a->by, v->value);
	json_array_append_new(a->rows, json_pack("{s:[o], s:o, s:o, s:o, s:o}", "values", json_value(a->by, v->value),
	                                         "beside", beside, "sent", json_count(v->sent), "received",
	                                         json_count(v->received), "rows", json_count(v->rows)));
}

static void begin_dimension(struct answering *a, unsigned i)
{
	a->by = a->ask.by[i];
	a->rows = json_array();
	a->groups = 0;
	a->more = 0;
}

static void end_dimension(struct answering *a)
{
	json_array_append_new(a->list, json_pack("{s:s, s:o, s:b, s:o}", "by", names_dimension(a->by), "rows", a->rows,
	                                         "more", a->more, "groups", json_count(a->groups)));
}

static int take_part(void *arg, const struct ps_answer_row *row)
{
	struct answering *a = arg;

	a->too_many = tops_put(&a->tops, row) < 0;
	return a->too_many;
}

/* 0, or -errno with the reply set; a->too_many: it has to be asked otherwise. */
static int ask_together(struct answering *a)
{
	struct ps_question q = a->ask.question;
	struct ps_answer answer = {.arg = a, .row = take_part, .loss = answer_put_loss};
	int r;

	q.order = PS_ORDER_KEY;
	q.in_parts = 1;
	r = answer_ask(a->asking, &q, &answer);
	if (r < 0 || a->too_many)
		return r;
	tops_order(&a->tops, a->ask.question.order);
	for (unsigned i = 0; i < q.n_by; i++) {
		begin_dimension(a, i);
		for (size_t j = 0; j < a->tops.of[i].n; j++)
			put_row(a, a->tops.of[i].values[j]);
		end_dimension(a);
	}
	return 0;
}

static int take_row(void *arg, const struct ps_answer_row *row)
{
	struct answering *a = arg;
	const struct tops_value value = {
	    .value = row->values[0], .sent = row->sent, .received = row->received, .rows = row->rows};

	put_row(a, &value);
	if (json_array_size(a->list) == 0) {
		a->tops.sent = count_add(a->tops.sent, row->sent);
		a->tops.received = count_add(a->tops.received, row->received);
		a->tops.rows = count_add(a->tops.rows, row->rows);
	}
	return 0;
}

/* One after another, and sorted by the store: more values than there is memory for are too many together. */
static int ask_apart(struct answering *a)
{
	unsigned n = a->tops.n;
	int r = 0;

	tops_done(&a->tops);
	tops_init(&a->tops, a->ask.by, n);
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct ps_question q = a->ask.question;
		struct ps_answer answer = {.arg = a, .row = take_row};

		q.by = &a->ask.by[i];
		q.n_by = 1;
		begin_dimension(a, i);
		r = answer_ask(a->asking, &q, &answer);
		end_dimension(a);
	}
	return r;
}

static int check(struct answering *a)
{
	const struct ps_question *q = &a->ask.question;
	const char *wrong = NULL;

	if (!q->n_by)
		wrong = "by has to name one dimension, or several";
	else if (q->order != PS_ORDER_TOTAL && q->order != PS_ORDER_SENT && q->order != PS_ORDER_RECEIVED)
		wrong = "order is total, sent or received here";
	for (uint32_t i = 0; i < q->n_by; i++)
		if (a->ask.by[i] == PS_BY_TIME)
			wrong = "time has no largest values: ask for a series";
	if (wrong)
		reply_error(a->asking->reply, MHD_HTTP_BAD_REQUEST, wrong);
	return wrong ? -1 : 0;
}

static void answer(struct answering *a)
{
	const struct ps_question *q = &a->ask.question;
	int r;

	tops_init(&a->tops, a->ask.by, q->n_by);
	r = ask_together(a);
	if (r == 0 && a->too_many)
		r = ask_apart(a);
	if (r == 0 && beside_end(&a->beside) == 0)
		json_put_new(&a->asking->reply->body,
		             json_pack("{s:o, s:o, s:O, s:{s:o, s:o, s:o}, s:O}", "from", json_time(q->from), "to",
		                       json_time(q->to), "tops", a->list, "total", "sent", json_count(a->tops.sent), "received",
		                       json_count(a->tops.received), "rows", json_count(a->tops.rows), "losses", a->losses));
	tops_done(&a->tops);
}

void answer_tops(struct asking *asking)
{
	struct answering a = {.losses = json_array(), .list = json_array(), .asking = asking, .beside = {.asking = asking}};

	if (answer_read(asking, &a.ask, "by f x last from to order", "limit ports") == 0 &&
	    answer_read_end(asking, &a.ask) == 0 && answer_ports(asking, &a.ask.question) == 0 &&
	    answer_number(asking, "limit", LIMIT, 1, LIMIT_MAX, &a.limit) == 0 && check(&a) == 0)
		answer(&a);
	beside_done(&a.beside);
	json_decref(a.list);
	json_decref(a.losses);
	ask_done(&a.ask);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET /api/v1/traffic: groups, the largest first, and what all of them come to. */
#include "core/base/count.h"
#include "core/dash/answer.h"
#include "core/dash/beside.h"
#include "core/query/names.h"

struct traffic {
	json_t *losses, *rows;
	const struct ask *ask;
	uint32_t limit;
	size_t text;
	int more;
	struct beside beside;
	uint64_t sent, received, calls, n, groups;
};

static void put_row(struct traffic *t, const struct ps_answer_row *row)
{
	json_t *values = json_array(), *beside = json_array();

	for (uint32_t i = 0; i < t->ask->question.n_by; i++) {
		json_array_append_new(values, json_value(t->ask->by[i], row->values[i]));
		beside_put(&t->beside, beside, i, t->ask->by[i], row->values[i]);
	}
	json_array_append_new(t->rows,
	                      json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "values", values, "beside", beside,
	                                "sent", json_count(row->sent), "received", json_count(row->received), "calls",
	                                json_count(row->calls), "rows", json_count(row->rows), "first",
	                                (json_int_t)row->first, "last", (json_int_t)row->last));
}

static int take_row(void *arg, const struct ps_answer_row *row)
{
	struct traffic *t = arg;
	size_t text = 0;

	t->sent = count_add(t->sent, row->sent);
	t->received = count_add(t->received, row->received);
	t->calls = count_add(t->calls, row->calls);
	t->n = count_add(t->n, row->rows);
	t->groups++;
	for (uint32_t i = 0; i < t->ask->question.n_by; i++)
		text += row->values[i].len;
	if (t->more || t->groups > t->limit || text > ANSWER_TEXT_MAX - t->text) {
		t->more = 1;
		return 0;
	}
	t->text += text;
	put_row(t, row);
	return 0;
}

/* All groups come, though few are sent: so the totals need no question of their own. */
static void answer(struct asking *a, struct ask *ask)
{
	struct ps_question *q = &ask->question;
	struct traffic t = {.beside = {.asking = a}, .ask = ask, .limit = q->limit ? q->limit : ANSWER_ROWS};
	struct ps_answer to = {.arg = &t, .row = take_row, .loss = answer_put_loss};
	json_t *by = json_array();

	t.losses = json_array();
	t.rows = json_array();
	q->limit = 0;
	for (uint32_t i = 0; i < q->n_by; i++)
		json_array_append_new(by, json_string(names_dimension(ask->by[i])));
	if (answer_ask(a, q, &to) == 0 && beside_end(&t.beside) == 0)
		json_put_new(&a->reply->body, json_pack("{s:o, s:o, s:O, s:O, s:b, s:{s:o, s:o, s:o, s:o, s:o}, s:O}", "from",
		                                        json_time(q->from), "to", json_time(q->to), "by", by, "rows", t.rows,
		                                        "more", t.more, "total", "sent", json_count(t.sent), "received",
		                                        json_count(t.received), "calls", json_count(t.calls), "rows",
		                                        json_count(t.n), "groups", json_count(t.groups), "losses", t.losses));
	beside_done(&t.beside);
	json_decref(by);
	json_decref(t.rows);
	json_decref(t.losses);
}

void answer_traffic(struct asking *a)
{
	struct ask ask;
	unsigned limit;

	if (answer_read(a, &ask, "by f x last from to step order limit", "ports") == 0 && answer_read_end(a, &ask) == 0 &&
	    answer_ports(a, &ask.question) == 0 && answer_number(a, "limit", ANSWER_ROWS, 1, ANSWER_ROWS_MAX, &limit) == 0)
		answer(a, &ask);
	ask_done(&ask);
}

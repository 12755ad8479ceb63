/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/view/job.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/count.h"
#include "core/base/text.h"
#include "core/view/shown.h"

struct view_job *view_job_new(enum view_job_kind kind, uint64_t serial)
{
	struct view_job *job = mem_alloc(sizeof(*job));

	*job = (struct view_job){.kind = kind, .serial = serial};
	job->question = (struct ps_question){.from = INT64_MIN, .to = INT64_MAX, .by = job->by};
	arena_init(&job->memory);
	return job;
}

void view_job_free(struct view_job *job)
{
	if (!job)
		return;
	view_rows_free(job->rows);
	free(job->filters);
	free(job->trends);
	arena_done(&job->memory);
	free(job);
}

void view_rows_free(struct view_rows *rows)
{
	if (!rows)
		return;
	free(rows->rows);
	arena_done(&rows->memory);
	free(rows);
}

static struct ps_text copy(struct arena *memory, struct ps_text text)
{
	return (struct ps_text){arena_copy(memory, text.data ? text.data : "", text.len), text.len};
}

void view_job_filter(struct view_job *job, enum ps_dimension dimension, int exclude, struct ps_text value)
{
	uint32_t n = job->question.n_filters++;

	job->filters = mem_resize(job->filters, (n + 1) * sizeof(*job->filters));
	job->filters[n] = (struct ps_filter){dimension, exclude, copy(&job->memory, value)};
	job->question.filters = job->filters;
}

bool view_job_want(struct view_job *job, size_t row, struct ps_text value)
{
	if (job->n_asked == VIEW_ASKED_MAX)
		return false;
	job->asked[job->n_asked] = row;
	job->values[job->n_asked++] = copy(&job->memory, value);
	return true;
}

/* The place of the value among those that were asked for, or n_asked. */
static unsigned find(const struct view_job *job, struct ps_text value)
{
	unsigned i = 0;

	while (i < job->n_asked &&
	       (job->values[i].len != value.len || memcmp(job->values[i].data, value.data, value.len) != 0))
		i++;
	return i;
}

/* ---- rows ---- */

static int take_row(void *arg, const struct ps_answer_row *row)
{
	static const struct ps_text none = {"", 0};
	struct view_job *job = arg;
	struct view_rows *r = job->rows;
	struct ps_text value = job->question.n_by ? row->values[0] : none;
	struct view_row *to;

	r->groups++;
	r->sent = count_add(r->sent, row->sent);
	r->received = count_add(r->received, row->received);
	r->calls = count_add(r->calls, row->calls);
	r->stored = count_add(r->stored, row->rows);
	r->first = row->first < r->first ? row->first : r->first;
	r->last = row->last > r->last ? row->last : r->last;
	/* The question's order has the first ones first. */
	if (r->n == VIEW_ROWS_MAX || r->groups > r->n + 1 || r->bytes + value.len > VIEW_BYTES_MAX)
		return 0;
	if (!(r->n & (r->n - 1)))
		r->rows = mem_resize(r->rows, (r->n ? r->n * 2 : 1) * sizeof(*r->rows));
	to = &r->rows[r->n++];
	*to = (struct view_row){.value = copy(&r->memory, value),
	                        .sent = row->sent,
	                        .received = row->received,
	                        .calls = row->calls,
	                        .rows = row->rows,
	                        .first = row->first,
	                        .last = row->last};
	to->shown = shown_value(&r->memory, r->by, to->value);
	r->bytes += value.len;
	return 0;
}

static void take_loss(void *arg, const struct ps_answer_loss *loss)
{
	struct view_job *job = arg;
	struct view_rows *r = job->rows;

	if (r->n_losses == VIEW_LOSSES_MAX)
		return;
	r->losses[r->n_losses++] = (struct view_loss){.stage = shown_text(&r->memory, loss->stage),
	                                              .text = shown_text(&r->memory, loss->text),
	                                              .count = loss->count,
	                                              .sent = loss->sent,
	                                              .received = loss->received};
}

/* ---- what belongs to them ---- */

static int take_trend(void *arg, const struct ps_answer_row *row)
{
	struct view_job *job = arg;
	int64_t at = strtoll(row->values[0].data, NULL, 10), since;
	unsigned i = find(job, row->values[1]);

	if (i == job->n_asked || __builtin_sub_overflow(at, job->begin, &since) || since < 0)
		return 0;
	since /= job->question.step;
	if (since < (int64_t)job->steps) {
		uint64_t *to = &job->trends[i * job->steps + (unsigned)since];

		*to = count_add(*to, count_add(row->sent, row->received));
	}
	return 0;
}

static int take_verdict(void *arg, const struct ps_answer_event *event)
{
	struct view_job *job = arg;
	unsigned i = find(job, event->sha256);

	/* The latest first. */
	if (event->kind == PS_VERDICT && i < job->n_asked && !job->verdicts[i])
		job->verdicts[i] = shown_verdict(&job->memory, event, &job->alarming[i]);
	return 0;
}

static int take_host(void *arg, const struct ps_answer_row *row)
{
	struct view_job *job = arg;

	if (job->n_hosts == VIEW_HOSTS_MAX)
		job->n_hosts_more++;
	else
		job->hosts[job->n_hosts++] =
		    (struct view_host){.name = shown_text(&job->memory, row->values[0]), .last = row->last};
	return 0;
}

void view_job_answer(struct view_job *job, struct ps_answer *answer)
{
	struct view_rows *r;

	*answer = (struct ps_answer){.arg = job};
	switch (job->kind) {
	case VIEW_ROWS:
		job->rows = r = mem_alloc(sizeof(*r));
		r->by = job->by[0];
		r->order = job->question.order;
		r->from = job->question.from;
		r->to = job->question.to;
		r->step = job->question.step;
		r->first = INT64_MAX;
		r->last = INT64_MIN;
		arena_init(&r->memory);
		answer->row = take_row;
		answer->loss = take_loss;
		break;
	case VIEW_TRENDS:
		job->trends = mem_alloc((size_t)job->n_asked * job->steps * sizeof(*job->trends));
		answer->row = take_trend;
		break;
	case VIEW_VERDICTS:
		answer->event = take_verdict;
		break;
	case VIEW_STATE:
		answer->row = take_host;
		break;
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/source.h"

#include <errno.h>
#include <stdlib.h>

int64_t source_number(struct ps_text cell)
{
	return cell.data ? strtoll(cell.data, NULL, 10) : 0;
}

int source_failed(const struct source *s, enum source_fault fault, const char *what)
{
	if (fault == SOURCE_CLOSED)
		s->host->why(
		    s->ctx,
		    "%s: the sink's role may only insert: give another one SELECT on the tables, name it in a [sink] section"
		    " of its own that is not enabled, and say --store and the name of that",
		    what);
	else if (fault == SOURCE_EMPTY)
		s->host->why(s->ctx, "%s: nothing has been recorded there yet, or table and table_prefix are others", what);
	else if (fault == SOURCE_LATE)
		s->host->why(s->ctx, "the question took longer than %lld s and was given up: ask about a shorter time",
		             (long long)(s->host->number(s->ctx, "query_timeout") / 1000));
	else
		s->host->why(s->ctx, "%s", what);
	return fault == SOURCE_LATE ? -ETIME : fault == SOURCE_CLOSED ? -EACCES : -EIO;
}

static uint64_t count(struct ps_text cell)
{
	int64_t n = source_number(cell);

	return n > 0 ? (uint64_t)n : 0;
}

static int take_loss(void *arg, const struct ps_text *cells)
{
	const struct ps_answer *answer = arg;
	struct ps_answer_loss loss = {
	    .stage = cells[0],
	    .count = count(cells[1]),
	    .sent = count(cells[2]),
	    .received = count(cells[3]),
	    .rows = count(cells[4]),
	    .first = source_number(cells[5]),
	    .last = source_number(cells[6]),
	    .text = cells[7],
	};

	answer->loss(answer->arg, &loss);
	return 0;
}

static int take_audit(void *arg, const struct ps_text *cells)
{
	const struct ps_answer *answer = arg;
	struct ps_answer_audit audit = {
	    .netns = count(cells[0]),
	    .layer = cells[1],
	    .windows = count(cells[2]),
	    .sent = count(cells[3]),
	    .received = count(cells[4]),
	    .packets_sent = count(cells[5]),
	    .packets_received = count(cells[6]),
	    .errors = count(cells[7]),
	    .retransmitted = count(cells[8]),
	    .forwarded = count(cells[9]),
	    .own_sent = count(cells[10]),
	    .own_received = count(cells[11]),
	    .own_calls = count(cells[12]),
	    .rest_sent = source_number(cells[13]),
	    .rest_received = source_number(cells[14]),
	    .rest_packets = source_number(cells[15]),
	    .first = source_number(cells[16]),
	    .last = source_number(cells[17]),
	};

	answer->audit(answer->arg, &audit);
	return 0;
}

struct events {
	struct ps_answer *answer;
	enum ps_kind kind;
	int enough;
};

static int take_event(void *arg, const struct ps_text *cells)
{
	struct events *e = arg;
	const struct ps_text *own = cells + 8;
	struct ps_answer_event event = {
	    .kind = e->kind,
	    .host = cells[0],
	    .start = source_number(cells[1]),
	    .end = source_number(cells[2]),
	    .what = cells[3],
	    .text = cells[4],
	    .exe = cells[5],
	    .sha256 = cells[6],
	    .previous = cells[7],
	};

	if (e->kind == PS_PROGRAM) {
		event.role = own[0];
		event.name = own[1];
		event.cmdline = own[2];
		event.script = own[3];
		event.parent = own[4];
		event.grandparent = own[5];
		event.unit = own[6];
		event.container = own[7];
		event.uid = source_number(own[8]);
		event.expected = source_number(own[9]) != 0;
	} else if (e->kind == PS_ALERT) {
		event.count = count(own[0]);
		event.sent = count(own[1]);
		event.received = count(own[2]);
	} else {
		event.service = own[0];
		event.link = own[1];
		event.malicious = count(own[2]);
		event.suspicious = count(own[3]);
		event.harmless = count(own[4]);
		event.undetected = count(own[5]);
	}
	e->enough = e->answer->event(e->answer->arg, &event);
	return e->enough;
}

static int ask_events(const struct source *s, const struct ps_question *q, struct ps_answer *answer)
{
	static const struct {
		enum ps_kind kind;
		unsigned columns;
	} kinds[] = {{PS_PROGRAM, 18}, {PS_VERDICT, 14}, {PS_ALERT, 11}};
	const char *why = "";
	int r = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && r == 0; i++) {
		struct events events = {answer, kinds[i].kind, 0};
		struct sql sql;

		if (!(q->kinds & (uint32_t)kinds[i].kind))
			continue;
		r = sql_build_events(&sql, &s->dialect, q, kinds[i].kind, &why);
		if (r < 0) {
			s->host->why(s->ctx, "%s", why);
			return r;
		}
		r = s->select(s->self, &sql, kinds[i].columns, take_event, &events);
		if (events.enough)
			r = 0;
		sql_done(&sql);
	}
	return r;
}

struct asked {
	struct ps_answer *answer;
	unsigned n_by, in_parts;
	int enough;
};

static int take_row(void *arg, const struct ps_text *cells)
{
	struct asked *a = arg;
	const struct ps_text *sums = cells + a->n_by;
	struct ps_answer_row row = {
	    .values = a->n_by ? cells : NULL,
	    .sent = count(sums[0]),
	    .received = count(sums[1]),
	    .rows = count(sums[2]),
	};

	if (!a->in_parts) {
		row.calls = count(sums[3]);
		row.first = source_number(sums[4]);
		row.last = source_number(sums[5]);
	}
	a->enough = a->answer->row(a->answer->arg, &row);
	return a->enough;
}

static int ask_rows(const struct source *s, const struct ps_question *q, const struct sql_span *spans, unsigned n_spans,
                    struct ps_answer *answer)
{
	const struct sql_span all = {.time = "contime", .from = q->from, .to = q->to};
	struct asked asked = {answer, q->n_by, q->in_parts != 0, 0};
	const char *why = "", *table = NULL;
	struct sql sql;
	int r = 0;

	if (!n_spans) {
		spans = &all;
		n_spans = 1;
	}
	if (s->parts && q->in_parts)
		return s->parts(s->self, q, spans, n_spans, answer);
	if (s->group)
		r = s->group(s->self, q, spans, n_spans, &table);
	if (r < 0)
		return r;
	if (table)
		sql_build_grouped(&sql, &s->dialect, q, table);
	else
		r = sql_build(&sql, &s->dialect, q, spans, n_spans, &why);
	if (r < 0) {
		s->host->why(s->ctx, "%s", why);
		return r;
	}
	r = s->select(s->self, &sql, q->n_by + (q->in_parts ? 3 : 6), take_row, &asked);
	sql_done(&sql);
	return asked.enough ? 0 : r;
}

typedef int build_sql(struct sql *, const struct sql_dialect *, const struct ps_question *, const char **why);

/* A statement whose rows are handed over one by one. */
static int ask_all(const struct source *s, const struct ps_question *q, build_sql *build, unsigned columns,
                   int (*take)(void *arg, const struct ps_text *cells), struct ps_answer *answer)
{
	const char *why = "";
	struct sql sql;
	int r = build(&sql, &s->dialect, q, &why);

	if (r < 0) {
		s->host->why(s->ctx, "%s", why);
		return r;
	}
	r = s->select(s->self, &sql, columns, take, answer);
	sql_done(&sql);
	return r;
}

static int ask(const struct source *s, const struct ps_question *q, const struct sql_span *spans, unsigned n_spans,
               struct ps_answer *answer)
{
	int r = 0;

	if (answer->loss)
		r = ask_all(s, q, sql_build_losses, 8, take_loss, answer);
	if (r == 0 && answer->audit)
		r = ask_all(s, q, sql_build_audit, 5 + SQL_AUDIT_SUMS, take_audit, answer);
	if (r == 0 && answer->event)
		r = ask_events(s, q, answer);
	return r == 0 && answer->row ? ask_rows(s, q, spans, n_spans, answer) : r;
}

static int asks_country(const struct ps_question *q)
{
	for (uint32_t i = 0; i < q->n_filters; i++)
		if (q->filters[i].dimension == PS_BY_COUNTRY)
			return 1;
	return sql_groups_by(q, PS_BY_COUNTRY);
}

int source_ask(const struct source *s, const struct ps_question *q, const struct sql_span *spans, unsigned n_spans,
               struct ps_answer *answer)
{
	int r;

	if (asks_country(q)) {
		s->host->why(s->ctx, "a store does not know countries: who asks has to ask for remote addresses");
		return -EINVAL;
	}
	if (q->n_by > PS_DIMENSIONS) {
		s->host->why(s->ctx, "a question may have %d dimensions", PS_DIMENSIONS);
		return -EINVAL;
	}
	r = s->begin ? s->begin(s->self, s->host->number(s->ctx, "query_timeout")) : 0;
	if (r < 0)
		return r;
	r = ask(s, q, spans, n_spans, answer);
	if (s->end)
		s->end(s->self);
	return r;
}

int source_reader_ask(void *self, const struct ps_question *q, struct ps_answer *answer)
{
	return source_ask(self, q, NULL, 0, answer);
}

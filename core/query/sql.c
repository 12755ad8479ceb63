/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Grouping is done on the ids of connections first, which are integers, and only what is left is
 * joined to the dictionaries and grouped again by what people see: several executables rows have
 * the same path, say. Filters on texts become sets of ids, found once.
 */
#include "core/query/sql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/query/sql_where.h"

void sql_begin(struct sql *s, const struct sql_dialect *dialect)
{
	*s = (struct sql){.dialect = dialect};
}

void sql_put(struct sql *s, const char *text)
{
	buf_put_str(&s->text, text);
}

void sql_put_name(struct sql *s, unsigned relation)
{
	const struct sql_dialect *d = s->dialect;
	const char *name = d->names                ? d->names->of[relation]
	                   : relation < ROW_TABLES ? row_tables[relation].name
	                                           : row_dictionaries[relation - ROW_TABLES].name;

	buf_printf(&s->text, "%s%s%s", d->quote_table, name, d->quote_table);
}

void sql_put_column(struct sql *s, const char *name)
{
	buf_printf(&s->text, "%s%s%s", s->dialect->quote, name, s->dialect->quote);
}

static struct sql_value *bind(struct sql *s)
{
	s->values = mem_resize(s->values, (s->n_values + 1) * sizeof(*s->values));
	s->values[s->n_values] = (struct sql_value){0};
	if (s->dialect->numbered)
		buf_printf(&s->text, "$%u", s->n_values + 1);
	else
		sql_put(s, "?");
	return &s->values[s->n_values++];
}

void sql_bind_number(struct sql *s, int64_t number)
{
	*bind(s) = (struct sql_value){.is_number = 1, .number = number};
}

void sql_bind_text(struct sql *s, struct ps_text text)
{
	*bind(s) = (struct sql_value){.text = text};
}

void sql_end(struct sql *s)
{
	buf_put_u8(&s->text, 0);
}

/* When the step begins that a row of the span is in. */
static void put_step(struct sql *s, const struct ps_question *q, const struct sql_span *span)
{
	buf_printf(&s->text, "%s - (%s - ", span->time, span->time);
	sql_bind_number(s, q->origin);
	sql_put(s, ") % ");
	sql_bind_number(s, q->step);
	sql_put(s, " AS ");
}

/* The grouping columns of a span, each once: "exe_id, uid". Returns how many. */
static unsigned put_columns(struct sql *s, const struct ps_question *q, const struct sql_span *span)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < q->n_by; i++) {
		const char *column = sql_place(q->by[i])->column;
		uint32_t j = 0;

		while (strcmp(sql_place(q->by[j])->column, column) != 0)
			j++;
		if (j != i)
			continue;
		sql_put(s, n++ ? ", " : "");
		if (q->by[i] == PS_BY_TIME)
			put_step(s, q, span);
		else if (q->by[i] == PS_BY_HOST && s->dialect->one_host)
			sql_put(s, "0 AS ");
		sql_put(s, column);
	}
	return n;
}

static void put_order(struct sql *s, const struct ps_question *q)
{
	static const char *const by[] = {
	    [PS_ORDER_TOTAL] = NULL,         [PS_ORDER_SENT] = "sent DESC", [PS_ORDER_RECEIVED] = "received DESC",
	    [PS_ORDER_CALLS] = "calls DESC", [PS_ORDER_TIME] = "last DESC", [PS_ORDER_KEY] = NULL,
	};
	const char *glue = " ORDER BY ";

	/* Within an expression, the names of the result are not known everywhere. */
	if (q->order == PS_ORDER_TOTAL) {
		buf_printf(&s->text, "%s%s(c.sent) + %s(c.received) DESC", glue, s->dialect->sum, s->dialect->sum);
		glue = ", ";
	} else if (by[q->order]) {
		buf_printf(&s->text, "%s%s", glue, by[q->order]);
		glue = ", ";
	}
	for (uint32_t i = 0; i < q->n_by; i++, glue = ", ")
		buf_printf(&s->text, "%s%u", glue, i + 1);
	if (q->limit)
		buf_printf(&s->text, " LIMIT %u", q->limit);
}

int sql_groups_by(const struct ps_question *q, enum ps_dimension dimension)
{
	for (uint32_t i = 0; i < q->n_by; i++)
		if (q->by[i] == dimension)
			return 1;
	return 0;
}

/* A span's groups, of ids yet. */
static int put_span(struct sql *s, const struct ps_question *q, const struct sql_span *span, const char **why)
{
	const char *sum = s->dialect->sum;
	unsigned n;
	int r;

	sql_put(s, "SELECT ");
	n = put_columns(s, q, span);
	sql_put(s, n ? ", " : "");
	buf_printf(&s->text, "%s(send) AS sent, %s(recv) AS received, %s AS n", sum, sum,
	           span->is_sums ? "sum(n)" : "count(*)");
	if (!q->bytes_only)
		buf_printf(&s->text, ", %s(events) AS calls, %s", sum,
		           span->is_sums ? "min(first) AS first, max(last) AS last"
		                         : "min(contime) AS first, max(contime) AS last");
	sql_put(s, " FROM ");
	if (span->table)
		sql_put(s, span->table);
	else
		sql_put_name(s, ROW_CONNECTIONS);
	r = sql_put_where(s, q, ROW_CONNECTIONS, &(struct sql_stretch){span->time, span->time, span->from, span->to}, why);
	/* By number: a step of time has the name of the time that it is made of. */
	for (unsigned i = 1; i <= n; i++)
		buf_printf(&s->text, "%s%u", i == 1 ? " GROUP BY " : ", ", i);
	return r;
}

int sql_build(struct sql *s, const struct sql_dialect *dialect, const struct ps_question *q,
              const struct sql_span *spans, unsigned n_spans, const char **why)
{
	const struct sql_span all = {NULL, "contime", 0, q->from, q->to};
	const char *sum = dialect->sum;

	*why = "steps of time have to be a second at least, and no filter can be one: name a range";
	if (sql_groups_by(q, PS_BY_TIME) && q->step < 1)
		return -EINVAL;
	for (uint32_t i = 0; i < q->n_filters; i++)
		if (q->filters[i].dimension == PS_BY_TIME)
			return -EINVAL;
	if (!spans) {
		spans = &all;
		n_spans = 1;
	}
	sql_begin(s, dialect);
	sql_put(s, "SELECT ");
	for (uint32_t i = 0; i < q->n_by; i++) {
		char of[16];

		snprintf(of, sizeof(of), "d%u.", i);
		if (sql_place(q->by[i])->in != SQL_NOWHERE)
			sql_put_text(s, of, sql_place(q->by[i])->value);
		else if (q->by[i] == PS_BY_HOST)
			sql_put_host(s, "c.");
		else
			buf_printf(&s->text, "c.%s", sql_place(q->by[i])->column);
		sql_put(s, ", ");
	}
	buf_printf(&s->text, "%s(c.sent) AS sent, %s(c.received) AS received, ", sum, sum);
	if (q->bytes_only)
		sql_put(s, "0 AS calls, sum(c.n) AS n, 0 AS first, 0 AS last");
	else
		buf_printf(&s->text, "%s(c.calls) AS calls, sum(c.n) AS n, min(c.first) AS first, max(c.last) AS last", sum);
	sql_put(s, " FROM (");
	for (unsigned i = 0; i < n_spans; i++) {
		sql_put(s, i ? " UNION ALL " : "");
		if (put_span(s, q, &spans[i], why) < 0) {
			sql_done(s);
			return -EINVAL;
		}
	}
	sql_put(s, ") c");
	for (uint32_t i = 0; i < q->n_by; i++)
		if (sql_place(q->by[i])->in != SQL_NOWHERE) {
			sql_put(s, " JOIN ");
			sql_put_name(s, ROW_TABLES + sql_place(q->by[i])->in);
			buf_printf(&s->text, " d%u ON d%u.%s = c.%s", i, i, dialect->key, sql_place(q->by[i])->column);
		}
	for (uint32_t i = 0; i < q->n_by; i++)
		buf_printf(&s->text, "%s%u", i ? ", " : " GROUP BY ", i + 1);
	sql_put(s, " HAVING sum(c.n) > 0");
	put_order(s, q);
	sql_end(s);
	return 0;
}

void sql_done(struct sql *s)
{
	buf_done(&s->text);
	free(s->values);
	*s = (struct sql){0};
}

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
	if (span->length == q->step) {
		sql_put(s, span->time);
		return;
	}
	buf_printf(&s->text, "%s - (%s - ", span->time, span->time);
	sql_bind_number(s, q->origin);
	sql_put(s, ") % ");
	sql_bind_number(s, q->step);
}

/* Dimensions of the same column (exe, name) have one key. */
static unsigned first_with_column(const struct ps_question *q, unsigned i)
{
	unsigned j = 0;

	while (strcmp(sql_place(q->by[j])->column, sql_place(q->by[i])->column) != 0)
		j++;
	return j;
}

unsigned sql_key_of(const struct ps_question *q, unsigned i)
{
	unsigned key = 0;

	i = first_with_column(q, i);
	for (unsigned j = 0; j < i; j++)
		key += first_with_column(q, j) == j;
	return key;
}

unsigned sql_keys(const struct ps_question *q)
{
	unsigned n = 0;

	for (unsigned i = 0; i < q->n_by; i++)
		n += first_with_column(q, i) == i;
	return n;
}

/* What the rows of a span are grouped by: "exe_id, uid, ", or, named, "exe_id AS k0, uid AS k1, ". */
static void put_keys(struct sql *s, const struct ps_question *q, const struct sql_span *span, bool named)
{
	for (unsigned i = 0; i < q->n_by; i++) {
		if (first_with_column(q, i) != i)
			continue;
		if (q->by[i] == PS_BY_TIME)
			put_step(s, q, span);
		else if (q->by[i] == PS_BY_HOST && s->dialect->one_host)
			sql_put(s, "0");
		else
			sql_put(s, sql_place(q->by[i])->column);
		if (named)
			buf_printf(&s->text, " AS k%u", sql_key_of(q, i));
		sql_put(s, ", ");
	}
}

static int put_rows_of(struct sql *s, const struct ps_question *q, const struct sql_span *span, const char **why)
{
	sql_put(s, " FROM ");
	if (span->table)
		sql_put(s, span->table);
	else
		sql_put_name(s, ROW_CONNECTIONS);
	return sql_put_where(s, q, ROW_CONNECTIONS, &(struct sql_stretch){span->time, span->time, span->from, span->to},
	                     why);
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
	unsigned keys = sql_keys(q);
	int r;

	sql_put(s, "SELECT ");
	put_keys(s, q, span, true);
	buf_printf(&s->text, "%s(send) AS sent, %s(recv) AS received, %s AS n", sum, sum,
	           span->length ? "sum(n)" : "count(*)");
	if (!q->in_parts)
		buf_printf(&s->text, ", %s(events) AS calls, %s", sum,
		           span->length ? "min(first) AS first, max(last) AS last"
		                        : "min(contime) AS first, max(contime) AS last");
	r = put_rows_of(s, q, span, why);
	/* By number: what is made of a column may have the name of another. */
	for (unsigned i = 0; i < keys; i++)
		buf_printf(&s->text, "%s%u", i ? ", " : " GROUP BY ", i + 1);
	return r;
}

static int check(const struct ps_question *q, const char **why)
{
	*why = "steps of time have to be a second at least, and no filter can be one: name a range";
	if (sql_groups_by(q, PS_BY_TIME) && q->step < 1)
		return -EINVAL;
	for (uint32_t i = 0; i < q->n_filters; i++)
		if (q->filters[i].dimension == PS_BY_TIME)
			return -EINVAL;
	return 0;
}

/* What people see of groups, which `c` will be. */
static void put_values(struct sql *s, const struct ps_question *q)
{
	sql_put(s, "SELECT ");
	for (unsigned i = 0; i < q->n_by; i++) {
		char entry[16], key[16];

		snprintf(entry, sizeof(entry), "d%u.", i);
		snprintf(key, sizeof(key), "c.k%u", sql_key_of(q, i));
		if (sql_place(q->by[i])->in != SQL_NOWHERE)
			sql_put_text(s, entry, sql_place(q->by[i])->value);
		else if (q->by[i] == PS_BY_HOST)
			sql_put_host(s, key);
		else
			sql_put(s, key);
		sql_put(s, ", ");
	}
}

/* What groups come to: added up once more, as several may look the same to people. */
static void put_sums(struct sql *s, const struct ps_question *q)
{
	const char *sum = s->dialect->sum;

	if (q->in_parts)
		sql_put(s, "c.sent, c.received, c.n FROM ");
	else
		buf_printf(&s->text,
		           "%s(c.sent) AS sent, %s(c.received) AS received, sum(c.n) AS n, %s(c.calls) AS calls, min(c.first)"
		           " AS first, max(c.last) AS last FROM ",
		           sum, sum, sum);
}

/* Behind `c`. */
static void put_end(struct sql *s, const struct ps_question *q)
{
	for (unsigned i = 0; i < q->n_by; i++)
		if (sql_place(q->by[i])->in != SQL_NOWHERE) {
			sql_put(s, " JOIN ");
			sql_put_name(s, ROW_TABLES + sql_place(q->by[i])->in);
			buf_printf(&s->text, " d%u ON d%u.%s = c.k%u", i, i, s->dialect->key, sql_key_of(q, i));
		}
	if (q->in_parts) {
		sql_put(s, " WHERE c.n > 0");
	} else {
		for (unsigned i = 0; i < q->n_by; i++)
			buf_printf(&s->text, "%s%u", i ? ", " : " GROUP BY ", i + 1);
		sql_put(s, " HAVING sum(c.n) > 0");
		put_order(s, q);
	}
	sql_end(s);
}

int sql_build(struct sql *s, const struct sql_dialect *dialect, const struct ps_question *q,
              const struct sql_span *spans, unsigned n_spans, const char **why)
{
	if (check(q, why) < 0)
		return -EINVAL;
	sql_begin(s, dialect);
	put_values(s, q);
	put_sums(s, q);
	for (unsigned i = 0; i < n_spans; i++) {
		sql_put(s, i ? " UNION ALL " : "(");
		if (put_span(s, q, &spans[i], why) < 0) {
			sql_done(s);
			return -EINVAL;
		}
	}
	sql_put(s, ") c");
	put_end(s, q);
	return 0;
}

int sql_build_gather(struct sql *s, const struct sql_dialect *dialect, const struct ps_question *q,
                     const struct sql_span *span, const char *aggregate, const char **why)
{
	if (check(q, why) < 0)
		return -EINVAL;
	sql_begin(s, dialect);
	buf_printf(&s->text, "SELECT %s(", aggregate);
	put_keys(s, q, span, false);
	sql_put(s, "send, recv, ");
	sql_put(s, span->length ? "n" : "1");
	if (!q->in_parts)
		sql_put(s, span->length ? ", events, first, last" : ", events, contime, contime");
	sql_put(s, ")");
	if (put_rows_of(s, q, span, why) < 0) {
		sql_done(s);
		return -EINVAL;
	}
	sql_end(s);
	return 0;
}

void sql_build_grouped(struct sql *s, const struct sql_dialect *dialect, const struct ps_question *q, const char *table)
{
	sql_begin(s, dialect);
	put_values(s, q);
	put_sums(s, q);
	buf_printf(&s->text, "%s c", table);
	put_end(s, q);
}

bool sql_build_value(struct sql *s, const struct sql_dialect *dialect, const struct ps_question *q, unsigned i)
{
	const struct sql_place *place = sql_place(q->by[i]);

	if (place->in == SQL_NOWHERE && q->by[i] != PS_BY_HOST)
		return false;
	sql_begin(s, dialect);
	sql_put(s, "SELECT ");
	if (q->by[i] == PS_BY_HOST) {
		sql_put_host(s, "?");
	} else {
		sql_put_text(s, "", place->value);
		sql_put(s, " FROM ");
		sql_put_name(s, ROW_TABLES + place->in);
		buf_printf(&s->text, " WHERE %s = ?", dialect->key);
	}
	sql_end(s);
	return true;
}

void sql_done(struct sql *s)
{
	buf_done(&s->text);
	free(s->values);
	*s = (struct sql){0};
}

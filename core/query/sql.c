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
#include "core/query/names.h"

#define NOWHERE ROW_DICTIONARIES

/* Where a dimension's value is: a column of connections, or one of a dictionary by way of it. */
static const struct {
	const char *column;
	enum row_dictionary in;
	const char *value;
} places[PS_DIMENSIONS] = {
    [PS_BY_EXE] = {"exe_id", ROW_EXECUTABLES, "exe"},
    [PS_BY_NAME] = {"exe_id", ROW_EXECUTABLES, "name"},
    [PS_BY_CMDLINE] = {"exe_id", ROW_EXECUTABLES, "cmdline"},
    [PS_BY_SHA256] = {"exe_id", ROW_EXECUTABLES, "sha256"},
    [PS_BY_PEXE] = {"pexe_id", ROW_EXECUTABLES, "exe"},
    [PS_BY_PNAME] = {"pexe_id", ROW_EXECUTABLES, "name"},
    [PS_BY_PCMDLINE] = {"pexe_id", ROW_EXECUTABLES, "cmdline"},
    [PS_BY_PSHA256] = {"pexe_id", ROW_EXECUTABLES, "sha256"},
    [PS_BY_GPEXE] = {"gpexe_id", ROW_EXECUTABLES, "exe"},
    [PS_BY_GPNAME] = {"gpexe_id", ROW_EXECUTABLES, "name"},
    [PS_BY_GPCMDLINE] = {"gpexe_id", ROW_EXECUTABLES, "cmdline"},
    [PS_BY_GPSHA256] = {"gpexe_id", ROW_EXECUTABLES, "sha256"},
    [PS_BY_UID] = {"uid", NOWHERE, NULL},
    [PS_BY_LPORT] = {"lport", NOWHERE, NULL},
    [PS_BY_RPORT] = {"rport", NOWHERE, NULL},
    [PS_BY_LADDR] = {"laddr_id", ROW_ADDRESSES, "addr"},
    [PS_BY_RADDR] = {"raddr_id", ROW_ADDRESSES, "addr"},
    [PS_BY_DOMAIN] = {"domain_id", ROW_DOMAINS, "domain"},
    [PS_BY_NETNS] = {"netns", NOWHERE, NULL},
    [PS_BY_FAMILY] = {"family", NOWHERE, NULL},
    [PS_BY_PROTOCOL] = {"protocol", NOWHERE, NULL},
    [PS_BY_DIRECTION] = {"direction", NOWHERE, NULL},
    [PS_BY_DOMAIN_SOURCE] = {"domain_source", NOWHERE, NULL},
    [PS_BY_SCRIPT] = {"exe_id", ROW_EXECUTABLES, "script"},
    [PS_BY_SCRIPT_SHA256] = {"exe_id", ROW_EXECUTABLES, "script_sha256"},
    [PS_BY_CGROUP] = {"place_id", ROW_PLACES, "cgroup"},
    [PS_BY_UNIT] = {"place_id", ROW_PLACES, "unit"},
    [PS_BY_SLICE] = {"place_id", ROW_PLACES, "slice"},
    [PS_BY_SESSION] = {"place_id", ROW_PLACES, "session"},
    [PS_BY_ENGINE] = {"place_id", ROW_PLACES, "engine"},
    [PS_BY_CONTAINER] = {"place_id", ROW_PLACES, "container"},
    [PS_BY_POD] = {"place_id", ROW_PLACES, "pod"},
    [PS_BY_TIME] = {"step", NOWHERE, NULL},
};

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

/* A text of a dictionary; `of`: "d1." or "". */
static void put_text(struct sql *s, const char *of, const char *column)
{
	buf_printf(&s->text, "%s%s%s%s", s->dialect->text_before, of, column, s->dialect->text_after);
}

static int bind_filter(struct sql *s, const struct ps_filter *f, const char **why)
{
	char number[24], *end;

	if (!names_is_number(f->dimension)) {
		sql_bind_text(s, f->value);
		return 0;
	}
	*why = "a filter on uid, lport, rport, netns, family or protocol wants a number";
	if (!f->value.len || f->value.len >= sizeof(number))
		return -EINVAL;
	memcpy(number, f->value.data, f->value.len);
	number[f->value.len] = 0;
	errno = 0;
	sql_bind_number(s, strtoll(number, &end, 10));
	return errno || *end ? -EINVAL : 0;
}

/* Everything that is included, or everything that is excluded, of one dimension. */
static int put_filters(struct sql *s, const struct ps_question *q, enum ps_dimension dimension, int exclude,
                       const char *glue, const char **why)
{
	int n = 0;

	for (uint32_t i = 0; i < q->n_filters; i++) {
		const struct ps_filter *f = &q->filters[i];

		if (f->dimension != dimension || !f->exclude != !exclude)
			continue;
		if (!n++) {
			buf_printf(&s->text, "%s%s %sIN (", glue, places[dimension].column, exclude ? "NOT " : "");
			if (places[dimension].in != NOWHERE) {
				buf_printf(&s->text, "SELECT %s FROM ", s->dialect->key);
				sql_put_name(s, ROW_TABLES + places[dimension].in);
				sql_put(s, " WHERE ");
				put_text(s, "", places[dimension].value);
				sql_put(s, " IN (");
			}
		} else {
			sql_put(s, ", ");
		}
		if (bind_filter(s, f, why) < 0)
			return -EINVAL;
	}
	if (n)
		sql_put(s, places[dimension].in != NOWHERE ? "))" : ")");
	return n;
}

static int put_where(struct sql *s, const struct ps_question *q, const struct sql_span *span, const char **why)
{
	const char *glue = " WHERE ";

	if (span->from != INT64_MIN) {
		buf_printf(&s->text, "%s%s >= ", glue, span->time);
		sql_bind_number(s, span->from);
		glue = " AND ";
	}
	if (span->to != INT64_MAX) {
		buf_printf(&s->text, "%s%s < ", glue, span->time);
		sql_bind_number(s, span->to);
		glue = " AND ";
	}
	for (int dimension = 0; dimension < PS_DIMENSIONS; dimension++)
		for (int exclude = 0; exclude < 2; exclude++) {
			int n = put_filters(s, q, (enum ps_dimension)dimension, exclude, glue, why);

			if (n < 0)
				return n;
			if (n)
				glue = " AND ";
		}
	return 0;
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

/* The grouping columns of connections, each once: "exe_id, uid". span: those are made there; or NULL. Returns how
 * many. */
static unsigned put_columns(struct sql *s, const struct ps_question *q, const char *before, const struct sql_span *span)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < q->n_by; i++) {
		const char *column = places[q->by[i]].column;
		uint32_t j = 0;

		while (strcmp(places[q->by[j]].column, column) != 0)
			j++;
		if (j != i)
			continue;
		sql_put(s, n++ ? ", " : before);
		if (span && q->by[i] == PS_BY_TIME)
			put_step(s, q, span);
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

/* A span's rows: the grouping columns, then counts as in a table of sums. */
static int put_span(struct sql *s, const struct ps_question *q, const struct sql_span *span, const char **why)
{
	sql_put(s, "SELECT ");
	if (put_columns(s, q, "", span))
		sql_put(s, ", ");
	buf_printf(&s->text, "send, recv, events, %s FROM ",
	           span->is_sums ? "n, first, last" : "1 AS n, contime AS first, contime AS last");
	if (span->table)
		sql_put(s, span->table);
	else
		sql_put_name(s, ROW_CONNECTIONS);
	return put_where(s, q, span, why);
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
		if (places[q->by[i]].in != NOWHERE)
			put_text(s, of, places[q->by[i]].value);
		else
			buf_printf(&s->text, "c.%s", places[q->by[i]].column);
		sql_put(s, ", ");
	}
	buf_printf(&s->text,
	           "%s(c.sent) AS sent, %s(c.received) AS received, %s(c.calls) AS calls, sum(c.n) AS n,"
	           " min(c.first) AS first, max(c.last) AS last FROM (SELECT ",
	           sum, sum, sum);
	if (put_columns(s, q, "", NULL))
		sql_put(s, ", ");
	buf_printf(&s->text,
	           "%s(send) AS sent, %s(recv) AS received, %s(events) AS calls, sum(n) AS n,"
	           " min(first) AS first, max(last) AS last FROM (",
	           sum, sum, sum);
	for (unsigned i = 0; i < n_spans; i++) {
		sql_put(s, i ? " UNION ALL " : "");
		if (put_span(s, q, &spans[i], why) < 0) {
			sql_done(s);
			return -EINVAL;
		}
	}
	sql_put(s, ") r");
	put_columns(s, q, " GROUP BY ", NULL);
	sql_put(s, ") c");
	for (uint32_t i = 0; i < q->n_by; i++)
		if (places[q->by[i]].in != NOWHERE) {
			sql_put(s, " JOIN ");
			sql_put_name(s, ROW_TABLES + places[q->by[i]].in);
			buf_printf(&s->text, " d%u ON d%u.%s = c.%s", i, i, dialect->key, places[q->by[i]].column);
		}
	for (uint32_t i = 0; i < q->n_by; i++)
		buf_printf(&s->text, "%s%u", i ? ", " : " GROUP BY ", i + 1);
	sql_put(s, " HAVING sum(c.n) > 0");
	put_order(s, q);
	sql_end(s);
	return 0;
}

/* Of a table whose rows are about a stretch of time: those that the range touches. */
static void put_range(struct sql *s, const struct ps_question *q)
{
	const char *glue = " WHERE ";

	if (q->from != INT64_MIN) {
		buf_printf(&s->text, "%sendtime >= ", glue);
		sql_bind_number(s, q->from);
		glue = " AND ";
	}
	if (q->to != INT64_MAX) {
		buf_printf(&s->text, "%sstarttime < ", glue);
		sql_bind_number(s, q->to);
	}
}

void sql_build_losses(struct sql *s, const struct sql_dialect *dialect, const struct ps_question *q)
{
	const char *sum = dialect->sum;

	sql_begin(s, dialect);
	buf_printf(&s->text,
	           "SELECT stage, %s(l.count), %s(send), %s(recv), count(*), min(starttime), max(endtime), (SELECT m.text"
	           " FROM ",
	           sum, sum, sum);
	sql_put_name(s, ROW_LOSSES);
	sql_put(s, " m WHERE m.stage = l.stage ORDER BY m.endtime DESC LIMIT 1) FROM ");
	sql_put_name(s, ROW_LOSSES);
	sql_put(s, " l");
	put_range(s, q);
	sql_put(s, " GROUP BY stage ORDER BY stage");
	sql_end(s);
}

void sql_build_audit(struct sql *s, const struct sql_dialect *dialect, const struct ps_question *q)
{
	static const char *const sums[SQL_AUDIT_SUMS] = {
	    "send",     "recv",     "packets_send", "packets_recv", "errors",    "retransmitted", "forwarded",
	    "own_send", "own_recv", "own_events",   "rest_send",    "rest_recv", "rest_packets",
	};

	sql_begin(s, dialect);
	sql_put(s, "SELECT netns, layer, count(*)");
	for (size_t i = 0; i < SQL_AUDIT_SUMS; i++)
		buf_printf(&s->text, ", %s(%s)", dialect->sum, sums[i]);
	sql_put(s, ", min(starttime), max(endtime) FROM ");
	sql_put_name(s, ROW_AUDIT);
	put_range(s, q);
	/* Layers in the order in which they lie upon one another. */
	sql_put(s, " GROUP BY netns, layer ORDER BY netns, CASE layer WHEN 'link' THEN 1 WHEN 'ip' THEN 2 WHEN 'tcp' THEN 3"
	           " WHEN 'udp' THEN 4 WHEN 'udplite' THEN 5 WHEN 'icmp' THEN 6 ELSE 7 END, layer");
	sql_end(s);
}

void sql_done(struct sql *s)
{
	buf_done(&s->text);
	free(s->values);
	*s = (struct sql){0};
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Grouping is done on the ids of connections first, which are integers, and only what is left is
 * joined to the dictionaries and grouped again by what people see: several executables rows have
 * the same path, say. Filters on texts become sets of ids, found once.
 */
#include "core/query/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/query/names.h"

/* Where a dimension's value is: a column of connections, or one of a dictionary by way of it. */
static const struct {
	const char *column, *table, *value;
} places[PS_DIMENSIONS] = {
    [PS_BY_EXE] = {"exe_id", "executables", "exe"},
    [PS_BY_NAME] = {"exe_id", "executables", "name"},
    [PS_BY_CMDLINE] = {"exe_id", "executables", "cmdline"},
    [PS_BY_SHA256] = {"exe_id", "executables", "sha256"},
    [PS_BY_PEXE] = {"pexe_id", "executables", "exe"},
    [PS_BY_PNAME] = {"pexe_id", "executables", "name"},
    [PS_BY_PCMDLINE] = {"pexe_id", "executables", "cmdline"},
    [PS_BY_PSHA256] = {"pexe_id", "executables", "sha256"},
    [PS_BY_GPEXE] = {"gpexe_id", "executables", "exe"},
    [PS_BY_GPNAME] = {"gpexe_id", "executables", "name"},
    [PS_BY_GPCMDLINE] = {"gpexe_id", "executables", "cmdline"},
    [PS_BY_GPSHA256] = {"gpexe_id", "executables", "sha256"},
    [PS_BY_UID] = {"uid", NULL, NULL},
    [PS_BY_LPORT] = {"lport", NULL, NULL},
    [PS_BY_RPORT] = {"rport", NULL, NULL},
    [PS_BY_LADDR] = {"laddr_id", "addresses", "addr"},
    [PS_BY_RADDR] = {"raddr_id", "addresses", "addr"},
    [PS_BY_DOMAIN] = {"domain_id", "domains", "domain"},
    [PS_BY_NETNS] = {"netns", NULL, NULL},
    [PS_BY_FAMILY] = {"family", NULL, NULL},
    [PS_BY_PROTOCOL] = {"protocol", NULL, NULL},
    [PS_BY_DIRECTION] = {"direction", NULL, NULL},
    [PS_BY_DOMAIN_SOURCE] = {"domain_source", NULL, NULL},
    [PS_BY_SCRIPT] = {"exe_id", "executables", "script"},
    [PS_BY_SCRIPT_SHA256] = {"exe_id", "executables", "script_sha256"},
    [PS_BY_CGROUP] = {"place_id", "places", "cgroup"},
    [PS_BY_UNIT] = {"place_id", "places", "unit"},
    [PS_BY_SLICE] = {"place_id", "places", "slice"},
    [PS_BY_SESSION] = {"place_id", "places", "session"},
    [PS_BY_ENGINE] = {"place_id", "places", "engine"},
    [PS_BY_CONTAINER] = {"place_id", "places", "container"},
    [PS_BY_POD] = {"place_id", "places", "pod"},
};

static void put(struct sql *s, const char *text)
{
	buf_put_str(&s->text, text);
}

static struct sql_value *bind(struct sql *s)
{
	s->values = mem_resize(s->values, (s->n_values + 1) * sizeof(*s->values));
	s->values[s->n_values] = (struct sql_value){0};
	put(s, "?");
	return &s->values[s->n_values++];
}

static void bind_number(struct sql *s, int64_t number)
{
	*bind(s) = (struct sql_value){.is_number = 1, .number = number};
}

static int bind_filter(struct sql *s, const struct ps_filter *f, const char **why)
{
	char number[24], *end;

	if (!names_is_number(f->dimension)) {
		*bind(s) = (struct sql_value){.text = f->value};
		return 0;
	}
	*why = "a filter on uid, lport, rport, netns, family or protocol wants a number";
	if (!f->value.len || f->value.len >= sizeof(number))
		return -EINVAL;
	memcpy(number, f->value.data, f->value.len);
	number[f->value.len] = 0;
	errno = 0;
	bind_number(s, strtoll(number, &end, 10));
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
			if (places[dimension].table)
				buf_printf(&s->text, "SELECT id FROM %s WHERE %s IN (", places[dimension].table,
				           places[dimension].value);
		} else {
			put(s, ", ");
		}
		if (bind_filter(s, f, why) < 0)
			return -EINVAL;
	}
	if (n)
		put(s, places[dimension].table ? "))" : ")");
	return n;
}

static int put_where(struct sql *s, const struct ps_question *q, const struct sql_span *span, const char **why)
{
	const char *glue = " WHERE ";

	if (span->from != INT64_MIN) {
		buf_printf(&s->text, "%s%s >= ", glue, span->time);
		bind_number(s, span->from);
		glue = " AND ";
	}
	if (span->to != INT64_MAX) {
		buf_printf(&s->text, "%s%s < ", glue, span->time);
		bind_number(s, span->to);
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

/* The grouping columns of connections, each once: "exe_id, uid". Returns how many. */
static unsigned put_columns(struct sql *s, const struct ps_question *q, const char *before)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < q->n_by; i++) {
		const char *column = places[q->by[i]].column;
		uint32_t j = 0;

		while (strcmp(places[q->by[j]].column, column) != 0)
			j++;
		if (j == i)
			buf_printf(&s->text, "%s%s", n++ ? ", " : before, column);
	}
	return n;
}

static void put_order(struct sql *s, const struct ps_question *q)
{
	static const char *const by[] = {
	    [PS_ORDER_TOTAL] = "sent + received DESC", [PS_ORDER_SENT] = "sent DESC", [PS_ORDER_RECEIVED] = "received DESC",
	    [PS_ORDER_CALLS] = "calls DESC",           [PS_ORDER_TIME] = "last DESC", [PS_ORDER_KEY] = NULL,
	};
	const char *glue = " ORDER BY ";

	if (by[q->order]) {
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
	put(s, "SELECT ");
	if (put_columns(s, q, ""))
		put(s, ", ");
	buf_printf(&s->text, "send, recv, events, %s FROM %s",
	           span->is_sums ? "n, first, last" : "1 AS n, contime AS first, contime AS last", span->table);
	return put_where(s, q, span, why);
}

int sql_build(struct sql *s, const struct ps_question *q, const char *sum, const struct sql_span *spans,
              unsigned n_spans, const char **why)
{
	const struct sql_span all = {"connections", "contime", 0, q->from, q->to};

	if (!spans) {
		spans = &all;
		n_spans = 1;
	}
	*s = (struct sql){0};
	put(s, "SELECT ");
	for (uint32_t i = 0; i < q->n_by; i++)
		if (places[q->by[i]].table)
			buf_printf(&s->text, "d%u.%s, ", i, places[q->by[i]].value);
		else
			buf_printf(&s->text, "c.%s, ", places[q->by[i]].column);
	buf_printf(&s->text,
	           "%s(c.sent) AS sent, %s(c.received) AS received, %s(c.calls) AS calls, sum(c.n) AS n,"
	           " min(c.first) AS first, max(c.last) AS last FROM (SELECT ",
	           sum, sum, sum);
	if (put_columns(s, q, ""))
		put(s, ", ");
	buf_printf(&s->text,
	           "%s(send) AS sent, %s(recv) AS received, %s(events) AS calls, sum(n) AS n,"
	           " min(first) AS first, max(last) AS last FROM (",
	           sum, sum, sum);
	for (unsigned i = 0; i < n_spans; i++) {
		put(s, i ? " UNION ALL " : "");
		if (put_span(s, q, &spans[i], why) < 0) {
			sql_done(s);
			return -EINVAL;
		}
	}
	put(s, ") r");
	put_columns(s, q, " GROUP BY ");
	put(s, ") c");
	for (uint32_t i = 0; i < q->n_by; i++)
		if (places[q->by[i]].table)
			buf_printf(&s->text, " JOIN %s d%u ON d%u.id = c.%s", places[q->by[i]].table, i, i,
			           places[q->by[i]].column);
	for (uint32_t i = 0; i < q->n_by; i++)
		buf_printf(&s->text, "%s%u", i ? ", " : " GROUP BY ", i + 1);
	put(s, " HAVING sum(c.n) > 0");
	put_order(s, q);
	buf_put_u8(&s->text, 0);
	return 0;
}

void sql_build_losses(struct sql *s, const struct ps_question *q, const char *sum)
{
	const char *glue = " WHERE ";

	*s = (struct sql){0};
	buf_printf(
	    &s->text,
	    "SELECT l.stage, %s(l.count), %s(l.send), %s(l.recv), count(*), min(l.starttime), max(l.endtime), (SELECT"
	    " m.text FROM losses m WHERE m.stage = l.stage ORDER BY m.endtime DESC LIMIT 1) FROM losses l",
	    sum, sum, sum);
	if (q->from != INT64_MIN) {
		buf_printf(&s->text, "%sl.endtime >= ", glue);
		bind_number(s, q->from);
		glue = " AND ";
	}
	if (q->to != INT64_MAX) {
		buf_printf(&s->text, "%sl.starttime < ", glue);
		bind_number(s, q->to);
	}
	put(s, " GROUP BY l.stage ORDER BY l.stage");
	buf_put_u8(&s->text, 0);
}

void sql_build_audit(struct sql *s, const struct ps_question *q, const char *sum)
{
	static const char *const sums[SQL_AUDIT_SUMS] = {
	    "send",     "recv",     "packets_send", "packets_recv", "errors",    "retransmitted", "forwarded",
	    "own_send", "own_recv", "own_events",   "rest_send",    "rest_recv", "rest_packets",
	};
	const char *glue = " WHERE ";

	*s = (struct sql){0};
	put(s, "SELECT netns, layer, count(*)");
	for (size_t i = 0; i < SQL_AUDIT_SUMS; i++)
		buf_printf(&s->text, ", %s(%s)", sum, sums[i]);
	put(s, ", min(starttime), max(endtime) FROM audit");
	if (q->from != INT64_MIN) {
		buf_printf(&s->text, "%sendtime >= ", glue);
		bind_number(s, q->from);
		glue = " AND ";
	}
	if (q->to != INT64_MAX) {
		buf_printf(&s->text, "%sstarttime < ", glue);
		bind_number(s, q->to);
	}
	/* Layers in the order in which they lie upon one another. */
	put(s, " GROUP BY netns, layer ORDER BY netns, CASE layer WHEN 'link' THEN 1 WHEN 'ip' THEN 2 WHEN 'tcp' THEN 3"
	       " WHEN 'udp' THEN 4 WHEN 'udplite' THEN 5 WHEN 'icmp' THEN 6 ELSE 7 END, layer");
	buf_put_u8(&s->text, 0);
}

void sql_done(struct sql *s)
{
	buf_done(&s->text);
	free(s->values);
	*s = (struct sql){0};
}

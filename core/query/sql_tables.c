/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements over the tables beside connections. */
#include <errno.h>

#include "core/query/sql_where.h"

static int refused(struct sql *s)
{
	sql_done(s);
	return -EINVAL;
}

/* Of a table whose rows are about a stretch of time: those that the range touches. */
static int put_range(struct sql *s, const struct ps_question *q, enum row_table table, const char **why)
{
	return sql_put_where(s, q, table, &(struct sql_stretch){"endtime", "starttime", q->from, q->to}, why);
}

int sql_build_losses(struct sql *s, const struct sql_dialect *dialect, const struct ps_question *q, const char **why)
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
	if (put_range(s, q, ROW_LOSSES, why) < 0)
		return refused(s);
	sql_put(s, " GROUP BY stage ORDER BY stage");
	sql_end(s);
	return 0;
}

int sql_build_audit(struct sql *s, const struct sql_dialect *dialect, const struct ps_question *q, const char **why)
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
	if (put_range(s, q, ROW_AUDIT, why) < 0)
		return refused(s);
	/* Layers in the order in which they lie upon one another. */
	sql_put(s, " GROUP BY netns, layer ORDER BY netns, CASE layer WHEN 'link' THEN 1 WHEN 'ip' THEN 2 WHEN 'tcp' THEN 3"
	           " WHEN 'udp' THEN 4 WHEN 'udplite' THEN 5 WHEN 'icmp' THEN 6 ELSE 7 END, layer");
	sql_end(s);
	return 0;
}

/* What an event of a kind is made of: columns of its table (t), and of the entries that it refers to. */
static const struct event_table {
	enum ps_kind kind;
	enum row_table table;
	struct sql_stretch stretch;
	const char *columns;
	struct {
		enum row_dictionary dictionary;
		const char *as, *column;
	} entries[4];
} event_tables[] = {
    {PS_PROGRAM,
     ROW_PROGRAMS,
     {"time", "time", 0, 0},
     "t.time, t.time, t.event, t.text, e.exe, e.sha256, t.previous_sha256, t.role, e.name, e.cmdline, e.script, p.exe,"
     " g.exe, h.unit, h.container, t.uid, t.expected",
     {{ROW_EXECUTABLES, "e", "exe_id"},
      {ROW_EXECUTABLES, "p", "pexe_id"},
      {ROW_EXECUTABLES, "g", "gpexe_id"},
      {ROW_PLACES, "h", "place_id"}}},
    {PS_ALERT,
     ROW_LOSSES,
     {"endtime", "starttime", 0, 0},
     "t.starttime, t.endtime, t.stage, t.text, '', '', '', t.count, t.send, t.recv",
     {{0}}},
    {PS_VERDICT,
     ROW_VERDICTS,
     {"time", "time", 0, 0},
     "t.time, t.time, t.state, t.text, t.exe, t.sha256, t.previous, t.service, t.link, t.malicious, t.suspicious,"
     " t.harmless, t.undetected",
     {{0}}},
};

static const struct event_table *event_table(enum ps_kind kind)
{
	const struct event_table *t = event_tables;

	while (t->kind != kind)
		t++;
	return t;
}

int sql_build_events(struct sql *s, const struct sql_dialect *dialect, const struct ps_question *q, enum ps_kind kind,
                     const char **why)
{
	const struct event_table *t = event_table(kind);
	struct sql_stretch stretch = t->stretch;

	stretch.from = q->from;
	stretch.to = q->to;
	sql_begin(s, dialect);
	sql_put(s, "SELECT ");
	sql_put_host(s, "t.host");
	buf_printf(&s->text, ", %s FROM (SELECT * FROM ", t->columns);
	sql_put_name(s, t->table);
	if (sql_put_where(s, q, t->table, &stretch, why) < 0)
		return refused(s);
	buf_printf(&s->text, " ORDER BY %s DESC", stretch.since);
	if (q->limit)
		buf_printf(&s->text, " LIMIT %u", q->limit);
	sql_put(s, ") t");
	for (size_t i = 0; i < sizeof(t->entries) / sizeof(*t->entries) && t->entries[i].as; i++) {
		sql_put(s, " JOIN ");
		sql_put_name(s, ROW_TABLES + t->entries[i].dictionary);
		buf_printf(&s->text, " %s ON %s.%s = t.%s", t->entries[i].as, t->entries[i].as, dialect->key,
		           t->entries[i].column);
	}
	buf_printf(&s->text, " ORDER BY t.%s DESC", stretch.since);
	sql_end(s);
	return 0;
}

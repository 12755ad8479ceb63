/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/postgres/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/table.h"

#define RACES 10 /* others may be making the same tables */

/* As it is declared, and as the server calls it. */
static const char *const types[] = {
    [RELATION_NUMBER] = "bigint", [RELATION_SMALL] = "integer", [RELATION_KEY] = "uuid",    [RELATION_DIGEST] = "bytea",
    [RELATION_WORD] = "text",     [RELATION_TEXT] = "text",     [RELATION_BYTES] = "bytea",
};

static const char *fallback(const struct relation_column *c)
{
	return c->kind == RELATION_KEY ? "'00000000-0000-0000-0000-000000000000'" : relation_unknown(c);
}

static void put_table(struct buf *out, const struct relation_names *s, unsigned relation)
{
	const char *name = s->of[relation], *base = strchr(name, '.') ? strchr(name, '.') + 1 : name;
	struct relation_column c;

	buf_printf(out, "CREATE TABLE IF NOT EXISTS %s (", name);
	for (unsigned i = 0; relation_column(relation, i, &c); i++)
		buf_printf(out, "%s%s %s%s", i ? ", " : "", c.name, types[c.kind], c.optional ? "" : " NOT NULL");
	if (relation == RELATION_BATCHES)
		buf_put_str(out, ", PRIMARY KEY (host, seq, boot)");
	else if (relation >= ROW_TABLES)
		buf_put_str(out, ", PRIMARY KEY (key)");
	buf_put_str(out, ");\n");
	if (relation < ROW_TABLES)
		buf_printf(out, "CREATE INDEX IF NOT EXISTS %s_%s ON %s (%s);\n", base, relation_time((enum row_table)relation),
		           name, relation_time((enum row_table)relation));
}

/* The columns of picosnitch 1, and the host. */
static void put_view(struct buf *out, const struct relation_names *s)
{
	buf_printf(out,
	           "CREATE OR REPLACE VIEW %s AS SELECT CAST(CAST(to_timestamp(c.contime) AS timestamp(0)) AS text) AS"
	           " contime, c.send, c.recv, e.exe, e.name, e.cmdline, e.sha256, p.exe AS pexe, p.name AS pname,"
	           " p.cmdline AS pcmdline, p.sha256 AS psha256, c.uid, c.lport, c.rport, l.addr AS laddr, r.addr AS raddr,"
	           " d.domain, c.host FROM %s c LEFT JOIN %s e ON e.key = c.exe_id LEFT JOIN %s p ON p.key = c.pexe_id"
	           " LEFT JOIN %s l ON l.key = c.laddr_id LEFT JOIN %s r ON r.key = c.raddr_id"
	           " LEFT JOIN %s d ON d.key = c.domain_id;\n",
	           s->flat, s->of[ROW_CONNECTIONS], s->of[ROW_TABLES + ROW_EXECUTABLES],
	           s->of[ROW_TABLES + ROW_EXECUTABLES], s->of[ROW_TABLES + ROW_ADDRESSES],
	           s->of[ROW_TABLES + ROW_ADDRESSES], s->of[ROW_TABLES + ROW_DOMAINS]);
}

/* The row that stands for what is not known. */
static void put_empty(struct buf *out, const struct relation_names *s, unsigned d)
{
	struct relation_column c;

	buf_printf(out, "INSERT INTO %s (", s->of[ROW_TABLES + d]);
	for (unsigned i = 0; relation_column(ROW_TABLES + d, i, &c); i++)
		buf_printf(out, "%s%s", i ? ", " : "", c.name);
	buf_put_str(out, ") VALUES (");
	for (unsigned i = 0; relation_column(ROW_TABLES + d, i, &c); i++)
		buf_printf(out, "%s%s", i ? ", " : "", fallback(&c));
	buf_put_str(out, ") ON CONFLICT DO NOTHING;\n");
}

void schema_write(struct buf *out, const struct relation_names *s)
{
	for (unsigned r = 0; r < RELATIONS; r++)
		put_table(out, s, r);
	put_view(out, s);
	for (unsigned d = 0; d < ROW_DICTIONARIES; d++)
		put_empty(out, s, d);
}

/* A column that this version has and the table has not. */
static void put_column(struct buf *out, const char *table, const struct relation_column *c)
{
	buf_printf(out, "ALTER TABLE %s ADD COLUMN %s %s", table, c->name, types[c->kind]);
	if (!c->optional)
		buf_printf(out, " NOT NULL DEFAULT %s", fallback(c));
	buf_put_str(out, ";\n");
}

/* What the server says of each column of each relation, and of the right to insert. */
static enum trouble look(struct link *l, const struct relation_names *s, PGresult **result)
{
	enum trouble trouble;
	struct buf sql;

	buf_init(&sql);
	buf_put_str(&sql, "SELECT w.n, w.id IS NOT NULL, pg_catalog.has_any_column_privilege(w.id, 'INSERT'), a.attname,"
	                  " pg_catalog.format_type(a.atttypid, a.atttypmod) FROM (SELECT v.n,"
	                  " CAST(pg_catalog.to_regclass(v.name) AS oid) AS id FROM (VALUES ");
	for (unsigned r = 0; r < RELATIONS; r++)
		buf_printf(&sql, "%s(%u, '%s')", r ? ", " : "", r, s->of[r]);
	buf_put_str(&sql, ") v(n, name)) w LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = w.id AND a.attnum > 0 AND"
	                  " NOT a.attisdropped ORDER BY w.n");
	buf_put_u8(&sql, 0);
	trouble = link_ask(l, (const char *)sql.data, NULL, 0, result);
	buf_done(&sql);
	return trouble;
}

/* What a look has found. */
struct findings {
	struct buf todo;    /* statements that make what is missing */
	struct buf closed;  /* relations without the right to insert, with commas */
	struct buf missing; /* relations that are not there, likewise */
	struct buf wrong;   /* what cannot be helped */
};

static void findings_done(struct findings *f)
{
	buf_done(&f->todo);
	buf_done(&f->closed);
	buf_done(&f->missing);
	buf_done(&f->wrong);
}

static void put_name(struct buf *list, const char *name)
{
	buf_printf(list, "%s%s", list->len ? ", " : "", name);
}

/* rows: those of `got` that are about the relation. */
static void compare(struct findings *f, const struct relation_names *s, unsigned relation, const PGresult *got,
                    int first, int end)
{
	const char *name = s->of[relation];
	struct relation_column c;

	if (first == end || *PQgetvalue(got, first, 1) != 't') {
		put_table(&f->todo, s, relation);
		put_name(&f->missing, name);
		put_name(&f->closed, name);
		return;
	}
	if (*PQgetvalue(got, first, 2) != 't')
		put_name(&f->closed, name);
	for (unsigned i = 0; relation_column(relation, i, &c); i++) {
		int at = first;

		while (at < end && strcmp(PQgetvalue(got, at, 3), c.name) != 0)
			at++;
		if (at == end) {
			put_column(&f->todo, name, &c);
			buf_printf(&f->missing, "%s%s.%s", f->missing.len ? ", " : "", name, c.name);
		} else if (strcmp(PQgetvalue(got, at, 4), types[c.kind]) != 0) {
			buf_printf(&f->wrong, "%s%s.%s is of type %s and has to be of type %s", f->wrong.len ? "; " : "", name,
			           c.name, PQgetvalue(got, at, 4), types[c.kind]);
		}
	}
}

static enum trouble find(struct findings *f, struct link *l, const struct relation_names *s)
{
	PGresult *got = NULL;
	enum trouble trouble = look(l, s, &got);
	int at = 0;

	*f = (struct findings){0};
	if (trouble != LINK_FINE)
		return trouble;
	for (unsigned r = 0; r < RELATIONS; r++) {
		int first = at;

		while (at < PQntuples(got) && strtoul(PQgetvalue(got, at, 0), NULL, 10) == r)
			at++;
		compare(f, s, r, got, first, at);
	}
	if (f->missing.len && (!f->todo.len || strncmp((char *)f->todo.data, "CREATE", 6) == 0))
		put_view(&f->todo, s);
	PQclear(got);
	return LINK_FINE;
}

/* Says what has to be run by whom, once for each state of things: sinks have processes of their own. */
static enum trouble refuse(struct link *l, struct findings *f, const char *why)
{
	static uint64_t told;
	uint64_t hash;

	if (f->closed.len)
		buf_printf(&f->todo, "GRANT INSERT ON %.*s TO \"%s\";\n", (int)f->closed.len, (char *)f->closed.data,
		           PQuser(l->conn));
	buf_put_u8(&f->todo, 0);
	hash = table_hash(f->todo.data, f->todo.len);
	for (char *line = (char *)f->todo.data, *end; hash != told && (end = strchr(line, '\n')); line = end + 1)
		l->host->log(l->ctx, PS_ERROR, "to be run in database %s: %.*s", PQdb(l->conn), (int)(end - line), line);
	told = hash;
	l->host->why(l->ctx,
	             "database %s is not ready: %s%.*s%s: the log has the statements that its owner has to run (psql)",
	             PQdb(l->conn), f->missing.len ? "there is no " : "INSERT is not granted on ",
	             f->missing.len ? (int)f->missing.len : (int)f->closed.len,
	             f->missing.len ? (char *)f->missing.data : (char *)f->closed.data, why);
	return LINK_WRONG;
}

/* In one transaction. */
static enum trouble make(struct link *l, const struct buf *todo)
{
	enum trouble trouble;
	struct buf sql;

	buf_init(&sql);
	buf_printf(&sql, "BEGIN; %.*s COMMIT", (int)todo->len, (char *)todo->data);
	buf_put_u8(&sql, 0);
	trouble = link_run(l, (const char *)sql.data);
	buf_done(&sql);
	if (trouble != LINK_FINE && trouble != LINK_AWAY) {
		char state[sizeof(l->state)], why[sizeof(l->why)];

		memcpy(state, l->state, sizeof(state));
		memcpy(why, l->why, sizeof(why));
		if (link_run(l, "ROLLBACK") == LINK_AWAY)
			return LINK_AWAY;
		memcpy(l->state, state, sizeof(state));
		memcpy(l->why, why, sizeof(why));
	}
	return trouble;
}

static enum trouble put_empties(struct link *l, const struct relation_names *s)
{
	enum trouble trouble;
	struct buf sql;

	buf_init(&sql);
	for (unsigned d = 0; d < ROW_DICTIONARIES; d++)
		put_empty(&sql, s, d);
	buf_put_u8(&sql, 0);
	trouble = link_run(l, (const char *)sql.data);
	buf_done(&sql);
	if (trouble != LINK_FINE)
		l->host->why(l->ctx, "the empty rows of the dictionaries cannot be made: %s", l->why);
	return trouble;
}

enum trouble schema_ready(struct link *l, const struct relation_names *s)
{
	const char *encoding = PQparameterStatus(l->conn, "server_encoding");
	enum trouble trouble;
	struct findings f;

	if (encoding && strcmp(encoding, "UTF8") != 0) {
		l->host->why(l->ctx, "database %s is encoded in %s: it has to be in UTF8", PQdb(l->conn), encoding);
		return LINK_WRONG;
	}
	for (int race = 0;; race++) {
		trouble = find(&f, l, s);
		if (trouble != LINK_FINE) {
			l->host->why(l->ctx, "the tables cannot be looked at: %s", l->why);
			break;
		}
		if (f.wrong.len) {
			l->host->why(l->ctx, "%.*s", (int)f.wrong.len, (char *)f.wrong.data);
			trouble = LINK_WRONG;
			break;
		}
		if (!f.todo.len) {
			trouble = f.closed.len ? refuse(l, &f, "") : put_empties(l, s);
			break;
		}
		trouble = make(l, &f.todo);
		if (trouble == LINK_AWAY) {
			l->host->why(l->ctx, "the tables cannot be made: %s", l->why);
			break;
		}
		if ((trouble != LINK_FINE && strcmp(l->state, "42501") == 0) || race == RACES) {
			char why[sizeof(l->why) + 16];

			snprintf(why, sizeof(why), " (%s)", trouble == LINK_FINE ? "what was made cannot be found" : l->why);
			trouble = refuse(l, &f, why);
			break;
		}
		/* Made; or made by somebody else meanwhile: look again. */
		findings_done(&f);
		if (trouble == LINK_FINE)
			l->host->log(l->ctx, PS_INFO, "tables were made in database %s", PQdb(l->conn));
		else
			nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	}
	findings_done(&f);
	return trouble;
}

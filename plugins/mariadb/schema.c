/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/mariadb/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/table.h"

#define RACES 10 /* others may be making the same tables */

/* As it is declared; what the server may call it, of which any will do; and what is in a column that is added. */
static const struct {
	const char *type, *names, *fallback;
} kinds[] = {
    [RELATION_NUMBER] = {"BIGINT", "bigint", NULL},
    [RELATION_SMALL] = {"INT", "int bigint", NULL},
    [RELATION_KEY] = {"BINARY(16)", "binary", "x'00000000000000000000000000000000'"},
    [RELATION_DIGEST] = {"BINARY(32)", "binary", "x'0000000000000000000000000000000000000000000000000000000000000000'"},
    /* Groups of short columns are made in memory. */
    [RELATION_WORD] = {"VARCHAR(255)", "varchar mediumtext longtext", NULL},
    /* More than 64 KiB: 100 KiB of arguments are four times that when they are shown. */
    [RELATION_TEXT] = {"MEDIUMTEXT", "mediumtext longtext", NULL},
    [RELATION_BYTES] = {"LONGBLOB", "longblob mediumblob", NULL},
};

static const char *fallback(const struct relation_column *c)
{
	return kinds[c->kind].fallback ? kinds[c->kind].fallback : relation_unknown(c);
}

static void put_table(struct buf *out, const struct relation_names *s, unsigned relation)
{
	struct relation_column c;

	buf_printf(out, "CREATE TABLE IF NOT EXISTS `%s` (", s->of[relation]);
	for (unsigned i = 0; relation_column(relation, i, &c); i++)
		buf_printf(out, "`%s` %s%s, ", c.name, kinds[c.kind].type, c.optional ? "" : " NOT NULL");
	if (relation == RELATION_BATCHES)
		buf_put_str(out, "PRIMARY KEY (`host`, `seq`, `boot`), KEY `batch` (`batch`)");
	else if (relation >= ROW_TABLES)
		buf_put_str(out, "PRIMARY KEY (`key`)");
	else
		buf_printf(out, "PRIMARY KEY (`%s`, `batch`, `row`)", relation_time((enum row_table)relation));
	buf_put_str(out, ") ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin\n");
}

/* The columns of picosnitch 1, and the host. */
static void put_view(struct buf *out, const struct relation_names *s)
{
	buf_printf(
	    out,
	    "CREATE OR REPLACE SQL SECURITY INVOKER VIEW `%s` AS SELECT CAST(FROM_UNIXTIME(c.`contime`) AS CHAR(19))"
	    " AS `contime`, c.`send`, c.`recv`, e.`exe`, e.`name`, e.`cmdline`, e.`sha256`, p.`exe` AS `pexe`,"
	    " p.`name` AS `pname`, p.`cmdline` AS `pcmdline`, p.`sha256` AS `psha256`, c.`uid`, c.`lport`, c.`rport`,"
	    " l.`addr` AS `laddr`, r.`addr` AS `raddr`, d.`domain`, LOWER(HEX(c.`host`)) AS `host` FROM `%s` c"
	    " LEFT JOIN `%s` e ON e.`key` = c.`exe_id` LEFT JOIN `%s` p ON p.`key` = c.`pexe_id`"
	    " LEFT JOIN `%s` l ON l.`key` = c.`laddr_id` LEFT JOIN `%s` r ON r.`key` = c.`raddr_id`"
	    " LEFT JOIN `%s` d ON d.`key` = c.`domain_id`\n",
	    s->flat, s->of[ROW_CONNECTIONS], s->of[ROW_TABLES + ROW_EXECUTABLES], s->of[ROW_TABLES + ROW_EXECUTABLES],
	    s->of[ROW_TABLES + ROW_ADDRESSES], s->of[ROW_TABLES + ROW_ADDRESSES], s->of[ROW_TABLES + ROW_DOMAINS]);
}

/* The row that stands for what is not known. */
static void put_empty(struct buf *out, const struct relation_names *s, unsigned d)
{
	struct relation_column c;

	buf_printf(out, "INSERT IGNORE INTO `%s` (", s->of[ROW_TABLES + d]);
	for (unsigned i = 0; relation_column(ROW_TABLES + d, i, &c); i++)
		buf_printf(out, "%s`%s`", i ? ", " : "", c.name);
	buf_put_str(out, ") VALUES (");
	for (unsigned i = 0; relation_column(ROW_TABLES + d, i, &c); i++)
		buf_printf(out, "%s%s", i ? ", " : "", fallback(&c));
	buf_put_str(out, ")\n");
}

/* A column that this version has and the table has not. */
static void put_column(struct buf *out, const char *table, const struct relation_column *c)
{
	buf_printf(out, "ALTER TABLE `%s` ADD COLUMN `%s` %s", table, c->name, kinds[c->kind].type);
	if (!c->optional)
		buf_printf(out, " NOT NULL DEFAULT %s", fallback(c));
	buf_put_str(out, "\n");
}

/* What the server says of each column that we may see: with the right to insert into it, or another. */
static enum trouble look(struct link *l, const struct relation_names *s, MYSQL_RES **result)
{
	enum trouble trouble;
	struct buf sql;

	buf_init(&sql);
	buf_put_str(&sql, "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, PRIVILEGES FROM information_schema.COLUMNS WHERE"
	                  " TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (");
	for (unsigned r = 0; r < RELATIONS; r++)
		buf_printf(&sql, "%s'%s'", r ? ", " : "", s->of[r]);
	buf_put_str(&sql, ")");
	buf_put_u8(&sql, 0);
	trouble = link_ask(l, (const char *)sql.data, result);
	buf_done(&sql);
	return trouble;
}

/* What a look has found. */
struct findings {
	struct buf todo;    /* statements that make what is missing, a line each */
	struct buf grants;  /* the same for rights */
	struct buf missing; /* what is not there, or not to be seen, with commas */
	struct buf wrong;   /* what cannot be helped */
};

static void findings_done(struct findings *f)
{
	buf_done(&f->todo);
	buf_done(&f->grants);
	buf_done(&f->missing);
	buf_done(&f->wrong);
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);
	const char *at = words;

	while ((at = strstr(at, word))) {
		if ((at == words || at[-1] == ' ' || at[-1] == ',') && (!at[len] || at[len] == ' ' || at[len] == ','))
			return true;
		at += len;
	}
	return false;
}

static void put_missing(struct findings *f, const char *table, const char *column)
{
	buf_printf(&f->missing, "%s%s%s%s", f->missing.len ? ", " : "", table, *column ? "." : "", column);
}

static MYSQL_ROW find_column(MYSQL_RES *got, const char *table, const char *column)
{
	MYSQL_ROW row;

	mysql_data_seek(got, 0);
	while ((row = mysql_fetch_row(got)))
		if (strcmp(row[0], table) == 0 && (!column || strcmp(row[1], column) == 0))
			return row;
	return NULL;
}

static void compare(struct findings *f, const struct relation_names *s, unsigned relation, const char *user,
                    MYSQL_RES *got)
{
	const char *name = s->of[relation];
	bool closed = false;
	struct relation_column c;
	MYSQL_ROW row;

	if (!find_column(got, name, NULL)) {
		put_table(&f->todo, s, relation);
		put_missing(f, name, "");
		closed = true;
	}
	for (unsigned i = 0; !closed && relation_column(relation, i, &c); i++) {
		row = find_column(got, name, c.name);
		if (!row) {
			put_column(&f->todo, name, &c);
			put_missing(f, name, c.name);
		} else if (!has_word(kinds[c.kind].names, row[2])) {
			buf_printf(&f->wrong, "%s%s.%s is of type %s and has to be of type %s", f->wrong.len ? "; " : "", name,
			           c.name, row[2], kinds[c.kind].type);
		} else if (!has_word(row[3], "insert")) {
			closed = true;
		}
	}
	if (closed)
		buf_printf(&f->grants, "GRANT INSERT ON `%s` TO %s\n", name, user);
}

/* 'name'@'host', as the server knows us. */
static enum trouble whoami(struct link *l, char *out, size_t size)
{
	enum trouble trouble;
	MYSQL_RES *result;
	MYSQL_ROW row;
	char *at;

	trouble = link_ask(l, "SELECT CURRENT_USER()", &result);
	if (trouble != LINK_FINE)
		return trouble;
	row = mysql_fetch_row(result);
	at = row && row[0] ? strrchr(row[0], '@') : NULL;
	snprintf(out, size, "'%.*s'@'%s'", at ? (int)(at - row[0]) : 0, at ? row[0] : "", at ? at + 1 : "%");
	mysql_free_result(result);
	return LINK_FINE;
}

static enum trouble find(struct findings *f, struct link *l, const struct relation_names *s)
{
	MYSQL_RES *got = NULL;
	char user[300];
	enum trouble trouble = whoami(l, user, sizeof(user));

	*f = (struct findings){0};
	if (trouble == LINK_FINE)
		trouble = look(l, s, &got);
	if (trouble != LINK_FINE)
		return trouble;
	for (unsigned r = 0; r < RELATIONS; r++)
		compare(f, s, r, user, got);
	mysql_free_result(got);
	return LINK_FINE;
}

static void log_lines(struct link *l, const char *database, const struct buf *lines)
{
	const char *at = (const char *)lines->data, *last = at + lines->len;

	while (at < last) {
		const char *end = memchr(at, '\n', (size_t)(last - at));

		l->host->log(l->ctx, PS_ERROR, "to be run in database %s: %.*s;", database, (int)(end - at), at);
		at = end + 1;
	}
}

/* Says what has to be run by whom, once for each state of things: sinks have processes of their own. */
static enum trouble refuse(struct link *l, struct findings *f, const struct relation_names *s, const char *why)
{
	static uint64_t told;
	const char *database = l->host->text(l->ctx, "dbname");
	uint64_t hash;

	if (f->missing.len)
		for (unsigned d = 0; d < ROW_DICTIONARIES; d++)
			put_empty(&f->todo, s, d);
	hash = table_hash(f->todo.data, f->todo.len) ^ table_hash(f->grants.data, f->grants.len) * 31;
	if (hash != told) {
		log_lines(l, database, &f->todo);
		log_lines(l, database, &f->grants);
	}
	told = hash;
	if (f->missing.len)
		l->host->why(l->ctx,
		             "database %s is not ready: there is no %.*s, or it is not granted%s: the log has the statements"
		             " that an administrator has to run",
		             database, (int)f->missing.len, (char *)f->missing.data, why);
	else
		l->host->why(l->ctx,
		             "database %s is not ready: INSERT is not granted on all tables: the log has the statements"
		             " that an administrator has to run",
		             database);
	return LINK_WRONG;
}

/* Statement by statement: each is a transaction of its own here. */
static enum trouble make(struct link *l, struct buf *todo)
{
	char *at = (char *)todo->data, *last = at + todo->len;
	enum trouble trouble = LINK_FINE;

	while (at < last && trouble == LINK_FINE) {
		char *end = memchr(at, '\n', (size_t)(last - at));

		*end = 0;
		trouble = link_run(l, at);
		*end = '\n';
		at = end + 1;
		if (l->code == 1060 && trouble != LINK_FINE)
			trouble = LINK_FINE; /* that column: somebody was faster */
	}
	return trouble;
}

/* For people, who need more rights than we have: so the right to make it is not a condition. */
static void make_view(struct link *l, const struct relation_names *s)
{
	struct buf sql;

	buf_init(&sql);
	put_view(&sql, s);
	if (make(l, &sql) != LINK_FINE)
		l->host->log(l->ctx, PS_INFO, "the view %s is left to an administrator (%s): %.*s;", s->flat, l->why,
		             (int)sql.len - 1, (char *)sql.data);
	buf_done(&sql);
}

static enum trouble put_empties(struct link *l, const struct relation_names *s)
{
	enum trouble trouble;
	struct buf sql;

	buf_init(&sql);
	for (unsigned d = 0; d < ROW_DICTIONARIES; d++)
		put_empty(&sql, s, d);
	trouble = make(l, &sql);
	buf_done(&sql);
	if (trouble != LINK_FINE)
		l->host->why(l->ctx, "the empty rows of the dictionaries cannot be made: %s", l->why);
	return trouble;
}

enum trouble schema_ready(struct link *l, const struct relation_names *s)
{
	enum trouble trouble;
	struct findings f;

	for (int race = 0;; race++) {
		trouble = find(&f, l, s);
		if (trouble != LINK_FINE) {
			l->host->why(l->ctx, "the tables cannot be looked at: %s", l->why);
			return trouble;
		}
		if (f.wrong.len) {
			l->host->why(l->ctx, "%.*s", (int)f.wrong.len, (char *)f.wrong.data);
			trouble = LINK_WRONG;
			break;
		}
		if (!f.todo.len) {
			trouble = f.grants.len ? refuse(l, &f, s, "") : put_empties(l, s);
			break;
		}
		trouble = make(l, &f.todo);
		if (trouble == LINK_AWAY) {
			l->host->why(l->ctx, "the tables cannot be made: %s", l->why);
			break;
		}
		if (trouble == LINK_WRONG || race == RACES) {
			char why[sizeof(l->why) + 16];

			snprintf(why, sizeof(why), " (%s)", trouble == LINK_FINE ? "what was made cannot be found" : l->why);
			trouble = refuse(l, &f, s, why);
			break;
		}
		/* Made; or made by somebody else meanwhile: look again. */
		if (trouble == LINK_FINE) {
			l->host->log(l->ctx, PS_INFO, "tables were made in database %s", l->host->text(l->ctx, "dbname"));
			make_view(l, s);
		} else {
			nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
		}
		findings_done(&f);
	}
	findings_done(&f);
	return trouble;
}

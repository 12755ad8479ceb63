/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/import/old_db.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/import/old_vfs.h"

enum {
	ROW_MAX = 64 << 20,  /* bytes: a longer row is not read */
	STEPS = 100000,      /* of SQLite's machine, between two looks at the clock */
	PATIENCE_S = 60,     /* for one row, and for whatever comes before the first */
	DAMAGES_MAX = 10000, /* places that are skipped; then it is given up */
};

struct old_db {
	struct old_vfs *vfs;
	sqlite3 *db;
	sqlite3_stmt *rows; /* from a row id on; NULL: to be prepared */
	struct buf sql;
	struct report *report;
	int version;
	int64_t last;   /* the largest row id */
	int64_t at;     /* rows beyond this one are wanted */
	bool any, done; /* `at` is one that was read; nothing more comes */
	bool again;     /* the row was given twice: go on behind it */
	bool counting;  /* what is wrong is told in the report once, not at each walk */
	unsigned damages;
	int64_t until;
};

/* Where a column is found: in the table, or in a dictionary that the table refers to. */
struct source {
	const char *table, *alias, *column;
	const char *key; /* in the connections, of a dictionary's row */
};

#define CONNECTIONS(column)                                                                                            \
	{                                                                                                                  \
		"connections", "c", column, NULL                                                                               \
	}
#define EXE(alias, key)                                                                                                \
	{"executables", alias, "exe", key}, {"executables", alias, "name", key}, {"executables", alias, "cmdline", key},   \
	{                                                                                                                  \
		"executables", alias, "sha256", key                                                                            \
	}
static const struct source version_3[OLD_COLUMNS] = {
    [OLD_TIME] = CONNECTIONS("contime"),       [OLD_SENT] = CONNECTIONS("send"),
    [OLD_RECEIVED] = CONNECTIONS("recv"),      [OLD_UID] = CONNECTIONS("uid"),
    [OLD_LPORT] = CONNECTIONS("lport"),        [OLD_RPORT] = CONNECTIONS("rport"),
    [OLD_LADDR] = CONNECTIONS("laddr"),        [OLD_RADDR] = CONNECTIONS("raddr"),
    [OLD_DOMAIN] = CONNECTIONS("domain"),      [OLD_EXE] = CONNECTIONS("exe"),
    [OLD_EXE + 1] = CONNECTIONS("name"),       [OLD_EXE + 2] = CONNECTIONS("cmdline"),
    [OLD_EXE + 3] = CONNECTIONS("sha256"),     [OLD_PARENT] = CONNECTIONS("pexe"),
    [OLD_PARENT + 1] = CONNECTIONS("pname"),   [OLD_PARENT + 2] = CONNECTIONS("pcmdline"),
    [OLD_PARENT + 3] = CONNECTIONS("psha256"),
};
static const struct source version_4[OLD_COLUMNS] = {
    [OLD_TIME] = CONNECTIONS("contime"),
    [OLD_SENT] = CONNECTIONS("send"),
    [OLD_RECEIVED] = CONNECTIONS("recv"),
    [OLD_EVENTS] = CONNECTIONS("events"),
    [OLD_UID] = CONNECTIONS("uid"),
    [OLD_FAMILY] = CONNECTIONS("family"),
    [OLD_PROTOCOL] = CONNECTIONS("protocol"),
    [OLD_LPORT] = CONNECTIONS("lport"),
    [OLD_RPORT] = CONNECTIONS("rport"),
    [OLD_NETNS] = CONNECTIONS("netns"),
    [OLD_LADDR] = {"addresses", "l", "addr", "laddr_id"},
    [OLD_RADDR] = {"addresses", "r", "addr", "raddr_id"},
    [OLD_DOMAIN] = {"domains", "d", "domain", "domain_id"},
    [OLD_EXE] = EXE("e", "exe_id"),
    [OLD_PARENT] = EXE("p", "pexe_id"),
    [OLD_GRANDPARENT] = EXE("g", "gpexe_id"),
};

static int on_progress(void *arg)
{
	return clock_monotonic_ns() > ((struct old_db *)arg)->until;
}

static void be_patient(struct old_db *o)
{
	o->until = clock_monotonic_ns() + PATIENCE_S * NS_PER_S;
}

/* The first column of the first row. An SQLite code; SQLITE_DONE if there is none. */
static int ask_number(struct old_db *o, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(o->db, sql, -1, &st, NULL);

	be_patient(o);
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		*out = sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc;
}

/* A table of the file itself, of that name: no view, and no code that stands for one. */
static bool is_table(struct old_db *o, const char *name)
{
	char *sql = mem_printf("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name = '%s'", name);
	int64_t one;
	bool found = ask_number(o, sql, &one) == SQLITE_OK;

	free(sql);
	return found;
}

static bool has_column(struct old_db *o, const char *table, const char *column)
{
	return is_table(o, table) &&
	       sqlite3_table_column_metadata(o->db, "main", table, column, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

static bool has(struct old_db *o, const struct source *s)
{
	bool found = has_column(o, s->table, s->column) &&
	             (!s->key || (has_column(o, "connections", s->key) && has_column(o, s->table, "id")));

	if (!found)
		report_note(o->report, "the file has no %s.%s", s->table, s->column);
	return found;
}

static void build(struct old_db *o, const struct source *sources)
{
	const char *joined = "";
	struct buf from;

	buf_init(&from);
	buf_put_str(&o->sql, "SELECT c.rowid");
	for (int i = 0; i < OLD_COLUMNS; i++) {
		const struct source *s = &sources[i];

		if (!s->column || !has(o, s)) {
			buf_put_str(&o->sql, ", NULL");
			continue;
		}
		buf_printf(&o->sql, ", %s.%s", s->alias, s->column);
		if (s->key && strcmp(joined, s->alias) != 0) {
			buf_printf(&from, " LEFT JOIN %s %s ON %s.id = c.%s", s->table, s->alias, s->alias, s->key);
			joined = s->alias;
		}
	}
	buf_printf(&o->sql, " FROM connections c%.*s WHERE c.rowid >= ?1 ORDER BY c.rowid", (int)from.len,
	           from.data ? (const char *)from.data : "");
	buf_put_u8(&o->sql, 0);
	buf_done(&from);
}

static bool open_db(struct old_db *o, const struct old_file *file, char why[OLD_WHY])
{
	int64_t version = 0;
	int rc;

	o->vfs = old_vfs_new(file);
	rc = old_vfs_open(o->vfs, &o->db);
	if (rc == SQLITE_OK) {
		sqlite3_limit(o->db, SQLITE_LIMIT_LENGTH, ROW_MAX);
		sqlite3_progress_handler(o->db, STEPS, on_progress, o);
		rc = ask_number(o, "PRAGMA user_version", &version);
	}
	if (rc == SQLITE_OK && version != 3 && version != 4)
		snprintf(why, OLD_WHY,
		         "it is of version %" PRId64 "; known are 3 (snitch.db of picosnitch 1) and 4"
		         " (picosnitch.db of picosnitch 2)%s",
		         version, version > 4 ? ": later ones are stores of this picosnitch, which need no import" : "");
	else if (rc == SQLITE_OK && !is_table(o, "connections"))
		snprintf(why, OLD_WHY, "it has no table of connections: %s", sqlite3_errmsg(o->db));
	else if (rc != SQLITE_OK)
		snprintf(why, OLD_WHY, "it cannot be read: %s", o->db ? sqlite3_errmsg(o->db) : sqlite3_errstr(rc));
	else
		o->version = (int)version;
	return o->version;
}

struct old_db *old_db_open(const struct old_file *file, struct report *report, char why[OLD_WHY])
{
	struct old_db *o = mem_alloc(sizeof(*o));

	o->report = report;
	buf_init(&o->sql);
	if (!open_db(o, file, why)) {
		old_db_close(o);
		return NULL;
	}
	report->kind = o->version == 3 ? "snitch.db, version 3" : "picosnitch.db, version 4";
	build(o, o->version == 3 ? version_3 : version_4);
	if (ask_number(o, "SELECT max(rowid) FROM connections", &o->last) != SQLITE_OK)
		o->last = 0;
	old_db_rewind(o);
	o->counting = true;
	return o;
}

void old_db_close(struct old_db *o)
{
	if (!o)
		return;
	sqlite3_finalize(o->rows);
	sqlite3_close(o->db);
	old_vfs_free(o->vfs);
	buf_done(&o->sql);
	free(o);
}

int old_db_version(const struct old_db *o)
{
	return o->version;
}

int64_t old_db_last(const struct old_db *o)
{
	return o->last;
}

void old_db_rewind(struct old_db *o)
{
	sqlite3_finalize(o->rows);
	o->rows = NULL;
	o->any = o->done = o->again = false;
	o->at = INT64_MIN;
	o->damages = 0;
}

/* The first row that has this id or a larger one: SQLITE_ROW, SQLITE_DONE or an error. */
static int seek(struct old_db *o, int64_t from)
{
	int rc;

	if (!o->rows) {
		rc = sqlite3_prepare_v2(o->db, (const char *)o->sql.data, -1, &o->rows, NULL);
		if (rc != SQLITE_OK)
			return rc;
	}
	sqlite3_reset(o->rows);
	sqlite3_bind_int64(o->rows, 1, from);
	be_patient(o);
	return sqlite3_step(o->rows);
}

/* What cannot be read is a page or a row; beyond, all may be well. Finds, by doubling and then halving, the first id
 * from which on something can be read again. As seek(). */
static int skip(struct old_db *o, int64_t bad)
{
	uint64_t step = 1, low = 0, room = (uint64_t)INT64_MAX - (uint64_t)bad;
	int rc = SQLITE_CORRUPT;

	while (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		if (step > room || rc == SQLITE_INTERRUPT || rc == SQLITE_NOMEM)
			return rc;
		rc = seek(o, (int64_t)((uint64_t)bad + step));
		if (rc != SQLITE_ROW && rc != SQLITE_DONE)
			low = step;
		step *= 2;
	}
	/* bad + low fails, bad + step / 2 does not. */
	for (step /= 2; step - low > 1;) {
		uint64_t middle = low + (step - low) / 2;

		rc = seek(o, (int64_t)((uint64_t)bad + middle));
		if (rc == SQLITE_INTERRUPT)
			return rc;
		if (rc == SQLITE_ROW || rc == SQLITE_DONE)
			step = middle;
		else
			low = middle;
	}
	if (o->counting) {
		uint64_t lost = step;

		/* Ids beyond the last one that is known are nobody's. */
		if (o->last > 0 && o->last >= bad && lost > (uint64_t)o->last - (uint64_t)bad + 1)
			lost = (uint64_t)o->last - (uint64_t)bad + 1;
		o->report->counts[REPORT_DAMAGED] += lost;
	}
	return seek(o, (int64_t)((uint64_t)bad + step));
}

static void give_up(struct old_db *o, const char *why)
{
	o->done = true;
	if (o->any)
		report_trouble(o->report, "behind row %" PRId64 ": %s", o->at, why);
	else
		report_trouble(o->report, "no row can be read: %s", why);
}

/* As sqlite3_step(), past what is damaged. */
static int step(struct old_db *o)
{
	int64_t next = o->any ? o->at + 1 : INT64_MIN;
	int rc;

	if (o->any && o->at == INT64_MAX)
		return SQLITE_DONE;
	if (o->rows && o->any && !o->again) {
		be_patient(o);
		rc = sqlite3_step(o->rows);
	} else {
		rc = seek(o, next);
	}
	o->again = false;
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return rc;
	if ((rc & 0xff) == SQLITE_INTERRUPT) {
		give_up(o, "a single row took longer than a minute");
		return SQLITE_DONE;
	}
	if (!o->rows || ++o->damages > DAMAGES_MAX) {
		give_up(o, sqlite3_errmsg(o->db));
		return SQLITE_DONE;
	}
	/* Older picosnitches count ids from 1. */
	rc = skip(o, o->any ? next : 1);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		give_up(o, sqlite3_errmsg(o->db));
	return rc;
}

/* number: as a text it is not wanted. */
static void get(sqlite3_stmt *st, int i, const struct source *source, bool number, struct old_value *v)
{
	const char *text;

	*v = (struct old_value){.type = OLD_ABSENT, .text = {"", 0}};
	if (!source->column)
		return;
	switch (sqlite3_column_type(st, i)) {
	case SQLITE_NULL:
		v->type = OLD_NULL;
		return;
	case SQLITE_INTEGER:
		v->type = OLD_NUMBER;
		v->number = sqlite3_column_int64(st, i);
		if (number)
			return;
		break;
	case SQLITE_TEXT:
		v->type = OLD_TEXT;
		break;
	default:
		v->type = OLD_OTHER;
	}
	text = v->type == OLD_OTHER ? sqlite3_column_blob(st, i) : (const char *)sqlite3_column_text(st, i);
	if (text)
		v->text = (struct ps_text){text, (uint32_t)sqlite3_column_bytes(st, i)};
}

bool old_db_next(struct old_db *o, struct old_row *row)
{
	const struct source *sources = o->version == 3 ? version_3 : version_4;
	int rc;

	for (;;) {
		rc = o->done ? SQLITE_DONE : step(o);
		if (rc != SQLITE_ROW) {
			o->done = true;
			o->counting = false;
			return false;
		}
		row->rowid = sqlite3_column_int64(o->rows, 0);
		if (!o->any || row->rowid != o->at)
			break;
		/* A dictionary's ids are not unique. It may give the row a great many times. */
		o->again = true;
		o->report->counts[REPORT_TWICE] += o->counting;
	}
	o->any = true;
	o->at = row->rowid;
	for (int i = 0; i < OLD_COLUMNS; i++)
		get(o->rows, i + 1, &sources[i], i < OLD_LADDR, &row->v[i]);
	return true;
}

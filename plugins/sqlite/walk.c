/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All of the store, in the order in which it was written, for `picosnitch verify`. */
#include <errno.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/query/shape.h"
#include "core/trail.h"
#include "plugins/sqlite/reader_inside.h"

/* One of the tables, at the row that comes next. */
struct table_walk {
	sqlite3_stmt *st;
	int64_t batch_id; /* of that row; INT64_MAX: there is none */
};

struct walk {
	struct reader *reader;
	const struct ps_trail *trail;
	struct table_walk tables[ROW_TABLES];
	int stopped; /* what a function of the trail returned */
};

static int prepare(struct walk *w, const char *before, const struct row_shape *shape, const char *after,
                   sqlite3_stmt **st)
{
	struct buf sql;
	int rc;

	buf_init(&sql);
	buf_put_str(&sql, before);
	for (unsigned i = 0; i < shape->n; i++)
		buf_printf(&sql, ", %s", shape->columns[i].name);
	buf_printf(&sql, " FROM %s ORDER BY %s", shape->name, after);
	buf_put_u8(&sql, 0);
	rc = sqlite3_prepare_v2(w->reader->db, (const char *)sql.data, -1, st, NULL);
	buf_done(&sql);
	return rc;
}

static struct ps_text bytes_of(sqlite3_stmt *st, int at)
{
	const void *data = sqlite3_column_blob(st, at);

	return (struct ps_text){data ? data : "", (uint32_t)sqlite3_column_bytes(st, at)};
}

/* The columns of a shape, from the second of the statement on. Ids go into `ids`. */
static void get_values(sqlite3_stmt *st, const struct row_shape *shape, struct ps_value *values, int64_t *ids)
{
	for (unsigned i = 0; i < shape->n; i++) {
		int at = (int)i + 1, type = sqlite3_column_type(st, at);

		values[i] = (struct ps_value){.type = PS_VALUE_NULL};
		if (type == SQLITE_INTEGER && shape->columns[i].type == ROW_ENTRY) {
			ids[i] = sqlite3_column_int64(st, at);
			values[i] = (struct ps_value){.type = PS_VALUE_ENTRY, .text = {(const char *)&ids[i], sizeof(ids[i])}};
		} else if (type == SQLITE_INTEGER) {
			values[i] = (struct ps_value){.type = PS_VALUE_NUMBER, .number = sqlite3_column_int64(st, at)};
		} else if (type != SQLITE_NULL) {
			values[i] = (struct ps_value){.type = PS_VALUE_TEXT, .text = bytes_of(st, at)};
		}
	}
}

static int walk_dictionary(struct walk *w, enum row_dictionary dictionary)
{
	const struct row_shape *shape = &row_dictionaries[dictionary];
	struct ps_value values[ROW_ENTRY_COLUMNS_MAX];
	int64_t ids[ROW_ENTRY_COLUMNS_MAX];
	sqlite3_stmt *st = NULL;
	int rc = prepare(w, "SELECT id", shape, "id", &st);

	while (rc == SQLITE_OK && !w->stopped && sqlite3_step(st) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(st, 0);

		get_values(st, shape, values, ids);
		w->stopped = w->trail->entry(w->trail->arg, dictionary, (struct ps_text){(const char *)&id, sizeof(id)}, values,
		                             shape->n);
	}
	if (rc == SQLITE_OK && !w->stopped)
		rc = sqlite3_reset(st);
	sqlite3_finalize(st);
	return rc;
}

static int next(struct table_walk *t)
{
	int rc = sqlite3_step(t->st);

	t->batch_id = rc == SQLITE_ROW ? sqlite3_column_int64(t->st, 0) : INT64_MAX;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The rows of a table up to those of `last`. All but those of `batch_id` are strays. */
static int walk_rows(struct walk *w, enum row_table table, int64_t last, int64_t batch_id)
{
	const struct row_shape *shape = &row_tables[table];
	struct table_walk *t = &w->tables[table];
	struct ps_value values[ROW_COLUMNS_MAX];
	int64_t ids[ROW_COLUMNS_MAX];
	int rc = SQLITE_OK;

	while (rc == SQLITE_OK && !w->stopped && t->batch_id != INT64_MAX && t->batch_id <= last) {
		int (*tell)(void *, unsigned, const struct ps_value *, unsigned) =
		    t->batch_id == batch_id ? w->trail->row : w->trail->stray;

		get_values(t->st, shape, values, ids);
		w->stopped = tell(w->trail->arg, table, values, shape->n);
		rc = next(t);
	}
	return rc;
}

static void take(uint8_t *out, size_t n, struct ps_text bytes)
{
	memset(out, 0, n);
	memcpy(out, bytes.data, bytes.len < n ? bytes.len : n);
}

static int walk_batches(struct walk *w)
{
	sqlite3_stmt *st = NULL;
	int rc;

	rc = sqlite3_prepare_v2(w->reader->db,
	                        "SELECT id, host, boot, seq, digest, previous, hostname, starttime, endtime, rows, marks"
	                        " FROM batches ORDER BY id",
	                        -1, &st, NULL);
	while (rc == SQLITE_OK && !w->stopped && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(st, 0);
		struct ps_trail_batch b = {
		    .seq = (uint64_t)sqlite3_column_int64(st, 3),
		    .hostname = bytes_of(st, 6),
		    .start = sqlite3_column_int64(st, 7),
		    .end = sqlite3_column_int64(st, 8),
		    .rows = (uint64_t)sqlite3_column_int64(st, 9),
		    .has_marks = sqlite3_column_type(st, 10) != SQLITE_NULL,
		    .marks = bytes_of(st, 10),
		};

		take(b.host, sizeof(b.host), bytes_of(st, 1));
		take(b.boot, sizeof(b.boot), bytes_of(st, 2));
		take(b.digest, sizeof(b.digest), bytes_of(st, 4));
		take(b.previous, sizeof(b.previous), bytes_of(st, 5));
		/* Rows that come before the batch's own belong to none. */
		rc = SQLITE_OK;
		for (enum row_table table = 0; table < ROW_TABLES && rc == SQLITE_OK; table++)
			rc = walk_rows(w, table, id - 1, id);
		if (rc == SQLITE_OK && !w->stopped)
			w->stopped = w->trail->batch(w->trail->arg, &b);
		for (enum row_table table = 0; table < ROW_TABLES && rc == SQLITE_OK; table++)
			rc = walk_rows(w, table, id, id);
	}
	if (rc == SQLITE_DONE)
		rc = SQLITE_OK;
	sqlite3_finalize(st);
	for (enum row_table table = 0; table < ROW_TABLES && rc == SQLITE_OK; table++)
		rc = walk_rows(w, table, INT64_MAX - 1, INT64_MAX);
	return rc;
}

static int walk_begin(struct walk *w)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(w->reader->db, "SELECT max(cutoff) FROM upkeep", -1, &st, NULL);

	if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		w->stopped = w->trail->begin(w->trail->arg, sqlite3_column_int64(st, 0));
	if (rc == SQLITE_OK)
		rc = sqlite3_reset(st);
	sqlite3_finalize(st);
	for (enum row_table table = 0; table < ROW_TABLES && rc == SQLITE_OK; table++) {
		rc = prepare(w, "SELECT batch_id", &row_tables[table], "rowid", &w->tables[table].st);
		if (rc == SQLITE_OK)
			rc = next(&w->tables[table]);
	}
	return rc;
}

int reader_walk(void *self, const struct ps_trail *trail)
{
	struct walk w = {.reader = self, .trail = trail};
	struct reader *r = self;
	int rc;

	if (r->version < SCHEMA_TRAIL) {
		r->host->why(r->ctx, "%s is of version %d: start picosnitch once, which brings it to version %d",
		             r->host->text(r->ctx, "file"), r->version, schema_newest());
		return -ENOTSUP;
	}
	/* One transaction: all is of the same moment. */
	rc = sqlite3_exec(r->db, "BEGIN", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = walk_begin(&w);
	for (enum row_dictionary d = 0; d < ROW_DICTIONARIES && rc == SQLITE_OK && !w.stopped; d++)
		rc = walk_dictionary(&w, d);
	if (rc == SQLITE_OK && !w.stopped)
		rc = walk_batches(&w);
	if (rc != SQLITE_OK)
		r->host->why(r->ctx, "%s: %s", r->host->text(r->ctx, "file"), sqlite3_errmsg(r->db));
	for (enum row_table table = 0; table < ROW_TABLES; table++)
		sqlite3_finalize(w.tables[table].st);
	if (!sqlite3_get_autocommit(r->db))
		sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	return rc != SQLITE_OK ? -EIO : w.stopped;
}

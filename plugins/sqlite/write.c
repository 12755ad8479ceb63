/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One batch into the store, in one transaction. */
#include <stdio.h>
#include <string.h>

#include "core/query/rows.h"
#include "plugins/sqlite/bind.h"
#include "plugins/sqlite/rollup.h"
#include "plugins/sqlite/store.h"

struct failure {
	enum ps_verdict verdict;
	bool damage, moved; /* the file is broken; it is not the one at its path any more */
	char text[128];
};

/* The last parameter is the batch. */
static int add_row(struct store *s, enum row_table table, const struct row_value *values, int64_t batch_id)
{
	const struct row_shape *shape = &row_tables[table];
	sqlite3_stmt *st = s->add[table];
	int rc = SQLITE_OK;

	for (unsigned i = 0; i < shape->n && rc == SQLITE_OK; i++) {
		int64_t id;

		if (shape->columns[i].type != ROW_ENTRY) {
			bind_value(st, (int)i + 1, &values[i]);
			continue;
		}
		/* A row's time is its first column. */
		rc = intern_entry(&s->intern, shape->columns[i].dictionary, values[i].entry, values[0].number, &id);
		sqlite3_bind_int64(st, (int)i + 1, id);
	}
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(st, (int)shape->n + 1, batch_id);
	sqlite3_step(st);
	return sqlite3_reset(st);
}

static int add_rows(struct store *s, struct rows *rows, struct chain *chain, int64_t batch_id)
{
	const struct ps_batch *b = rows->batch;
	struct row_value values[ROW_COLUMNS_MAX];
	int rc = SQLITE_OK;

	for (enum row_table table = 0; table < ROW_TABLES; table++) {
		for (uint32_t i = 0; i < b->n_records && rc == SQLITE_OK; i++) {
			if (b->records[i].kind != row_kind(table))
				continue;
			rows_get(rows, table, &b->records[i], values);
			chain_add(chain, table, values);
			rc = add_row(s, table, values, batch_id);
			if (rc == SQLITE_OK && table == ROW_CONNECTIONS)
				rc = rollup_late(s, values[0].number);
		}
		sqlite3_clear_bindings(s->add[table]);
	}
	return rc;
}

static void bind_name(sqlite3_stmt *st, const struct ps_batch *b)
{
	sqlite3_bind_blob(st, 1, b->host, sizeof(b->host), SQLITE_STATIC);
	sqlite3_bind_blob(st, 2, b->boot, sizeof(b->boot), SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, (int64_t)b->seq);
}

/* SQLITE_ROW if a batch of that name is stored already, SQLITE_OK if not, or an error. */
static int find_batch(struct store *s, const struct ps_batch *b)
{
	sqlite3_stmt *st = s->st[ST_FIND_BATCH];
	int rc, found;

	bind_name(st, b);
	found = sqlite3_step(st) == SQLITE_ROW;
	if (found && (sqlite3_column_bytes(st, 0) != (int)sizeof(b->digest) ||
	              memcmp(sqlite3_column_blob(st, 0), b->digest, sizeof(b->digest)) != 0))
		s->host->log(s->ctx, PS_WARNING, "batch %llu came again with another content: the first one is kept",
		             (unsigned long long)b->seq);
	rc = sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return rc == SQLITE_OK && found ? SQLITE_ROW : rc;
}

/* Its rows come before it: marks and id are those that it will have. */
static int add_batch(struct store *s, const struct ps_batch *b, struct rows *rows, struct chain *chain, int64_t id)
{
	sqlite3_stmt *st = s->st[ST_ADD_BATCH];
	uint8_t digest[PS_DIGEST_SIZE];
	struct chain_name name;
	int rc;

	rows_name(rows, &name);
	chain_digest(chain, &name, digest);
	bind_name(st, b);
	sqlite3_bind_blob(st, 4, b->digest, sizeof(b->digest), SQLITE_STATIC);
	sqlite3_bind_blob(st, 5, b->previous, sizeof(b->previous), SQLITE_STATIC);
	sqlite3_bind_int64(st, 6, name.start);
	sqlite3_bind_int64(st, 7, name.end);
	sqlite3_bind_int64(st, 8, (int64_t)chain->rows);
	sqlite3_bind_text64(st, 9, name.hostname.data, name.hostname.len, SQLITE_STATIC, SQLITE_UTF8);
	/* Without marks, its digest is of another format: a batch that an older version left in the journal. */
	if (memcmp(digest, b->digest, sizeof(digest)) == 0)
		sqlite3_bind_blob64(st, 10, chain->marks.data ? (void *)chain->marks.data : "", chain->marks.len,
		                    SQLITE_STATIC);
	sqlite3_bind_int64(st, 11, id);
	sqlite3_step(st);
	rc = sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return rc;
}

/* The batch that was stored last is the one with the largest id. */
static int next_id(struct store *s, int64_t *id)
{
	sqlite3_stmt *st = s->st[ST_LAST_BATCH];

	*id = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) + 1 : 1;
	return sqlite3_reset(st);
}

/* Within a transaction: SQLITE_ROW when there was nothing to do. */
static int add_all(struct store *s, const struct ps_batch *b)
{
	struct chain chain;
	struct rows rows;
	int64_t id;
	int rc = find_batch(s, b);

	if (rc != SQLITE_OK || (rc = next_id(s, &id)) != SQLITE_OK)
		return rc;
	rows_init(&rows, b);
	chain_init(&chain);
	rc = add_rows(s, &rows, &chain, id);
	if (rc == SQLITE_OK)
		rc = add_batch(s, b, &rows, &chain, id);
	if (rows.clamped && !s->clamped) {
		s->host->log(s->ctx, PS_WARNING, "a count is more than SQLite can hold: stored as %lld", (long long)INT64_MAX);
		s->clamped = true;
	}
	chain_done(&chain);
	rows_done(&rows);
	return rc;
}

/* After another writer's transaction: what is remembered of the file may not be so any more. */
static int follow(struct store *s)
{
	sqlite3_stmt *st = s->st[ST_DATA_VERSION];
	int64_t others = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	int rc = sqlite3_reset(st);

	if (rc != SQLITE_OK || others == s->others)
		return rc;
	s->others = others;
	intern_forget(&s->intern);
	return rollup_begin(s);
}

/* SQLITE_OK, SQLITE_ROW, or an error: then nothing has changed, and *failed says what to answer. */
static int transaction(struct store *s, const struct ps_batch *b, struct failure *failed)
{
	int rc, moved = 0;

	sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	intern_trim(&s->intern);
	s->stale = INT64_MIN;
	rc = moved ? SQLITE_READONLY_DBMOVED : store_run(s, ST_BEGIN);
	if (rc == SQLITE_OK)
		rc = follow(s);
	if (rc == SQLITE_OK)
		rc = add_all(s, b);
	if (rc == SQLITE_OK)
		rc = store_run(s, ST_COMMIT);
	if (rc != SQLITE_OK && rc != SQLITE_ROW) {
		*failed = (struct failure){store_failed(s, rc, "writing"), store_is_damage(s, rc), moved != 0, ""};
		snprintf(failed->text, sizeof(failed->text), "%s", sqlite3_errmsg(s->db));
		intern_forget(&s->intern);
	}
	if (!sqlite3_get_autocommit(s->db)) /* some errors have rolled back already */
		store_run(s, ST_ROLLBACK);
	return rc;
}

enum ps_verdict store_write(struct store *s, const struct ps_batch *b)
{
	for (int again = 0;; again++) {
		struct failure failed = {0};
		enum ps_verdict verdict;
		int rc;

		if (!s->db && (verdict = store_attach(s)) != PS_STORED)
			return verdict;
		rc = transaction(s, b, &failed);
		if (rc == SQLITE_OK || rc == SQLITE_ROW) {
			s->batches++;
			s->records += rc == SQLITE_OK ? b->n_records : 0;
			return PS_STORED;
		}
		if (again || !(failed.damage || failed.moved))
			return failed.verdict;
		if (failed.moved)
			store_detach(s);
		else if (store_replace(s, failed.text) < 0)
			return PS_AWAY;
	}
}

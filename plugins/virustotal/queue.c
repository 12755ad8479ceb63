/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process may write to the file and its companions, but not to their folder: as with the store of plugins/sqlite,
 * nothing here makes or removes a file.
 */
#include "plugins/virustotal/queue.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

#define SEEN_STEP_S "3600" /* when something was seen is written no more often than that */
#define TO_TEXT_(n) #n
#define TO_TEXT(n) TO_TEXT_(n)
#define ENTRY "sha256, state, malicious, suspicious, harmless, undetected, asked, analysed, reason, due, tries"
/* enum ps_finding_state */
#define WAITING "state IN (2, 6)"
#define ANSWERED "state IN (3, 4, 5)"
_Static_assert(PS_FINDING_NO_KEY == 1 && PS_FINDING_PENDING == 2 && PS_FINDING_FAILED == 6, "the SQL here knows them");

static const char prepare_sql[] =
    "PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -512;";
/* journal_mode: only in memory until the file is in WAL mode. */
static const char schema_sql[] =
    "PRAGMA journal_mode = MEMORY; PRAGMA journal_mode = WAL;"
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS hashes(sha256 BLOB PRIMARY KEY, state INTEGER NOT NULL, malicious INTEGER NOT NULL,"
    " suspicious INTEGER NOT NULL, harmless INTEGER NOT NULL, undetected INTEGER NOT NULL, asked INTEGER NOT NULL,"
    " analysed INTEGER NOT NULL, reason TEXT NOT NULL, due INTEGER NOT NULL, tries INTEGER NOT NULL,"
    " seen INTEGER NOT NULL, told INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS hashes_due ON hashes(due) WHERE " WAITING ";"
    "CREATE INDEX IF NOT EXISTS hashes_asked ON hashes(asked) WHERE " ANSWERED ";"
    "CREATE INDEX IF NOT EXISTS hashes_untold ON hashes(sha256) WHERE told = 0;"
    "CREATE INDEX IF NOT EXISTS hashes_seen ON hashes(seen);"
    "CREATE TABLE IF NOT EXISTS pace(id INTEGER PRIMARY KEY, next INTEGER NOT NULL, day INTEGER NOT NULL,"
    " used INTEGER NOT NULL) STRICT;"
    "INSERT OR IGNORE INTO pace VALUES(1, 0, 0, 0);"
    "PRAGMA user_version = 1;"
    "COMMIT;";

enum statement {
	SEE,
	SEEN,
	TELL,
	FORGET,
	NEXT,
	AGAIN,
	SET,
	UNTOLD,
	TOLD,
	GET_PACE,
	SET_PACE,
	COUNT,
	BEGIN,
	COMMIT,
	STATEMENTS
};

static const char *const sql[STATEMENTS] = {
    [SEE] = "INSERT OR IGNORE INTO hashes VALUES(?1, ?3, 0, 0, 0, 0, 0, 0, '', 0, 0, ?2, 0)",
    [SEEN] = "UPDATE hashes SET seen = ?2 WHERE sha256 = ?1 AND (seen > ?2 OR seen < ?2 - " SEEN_STEP_S ")",
    [TELL] = "UPDATE hashes SET told = 0 WHERE sha256 = ?1",
    [FORGET] = "DELETE FROM hashes WHERE sha256 IN (SELECT sha256 FROM hashes ORDER BY seen LIMIT"
               " max(0, (SELECT count(*) FROM hashes) - " TO_TEXT(QUEUE_MAX) "))",
    [NEXT] = "SELECT " ENTRY " FROM hashes WHERE " WAITING " AND due <= ?1 ORDER BY due LIMIT 1",
    [AGAIN] = "SELECT " ENTRY " FROM hashes WHERE " ANSWERED " AND asked <= ?1 AND due <= ?2 ORDER BY asked LIMIT 1",
    [SET] = "UPDATE hashes SET state = ?2, malicious = ?3, suspicious = ?4, harmless = ?5, undetected = ?6, asked = ?7,"
            " analysed = ?8, reason = ?9, due = ?10, tries = ?11, told = told AND state = ?2 AND reason = ?9 AND"
            " asked = ?7 WHERE sha256 = ?1",
    [UNTOLD] = "SELECT " ENTRY " FROM hashes WHERE told = 0 LIMIT 1",
    [TOLD] = "UPDATE hashes SET told = 1 WHERE sha256 = ?1",
    [GET_PACE] = "SELECT next, day, used FROM pace",
    [SET_PACE] = "UPDATE pace SET next = ?1, day = ?2, used = ?3",
    [COUNT] = "SELECT count(*), count(*) FILTER (WHERE " WAITING "), count(*) FILTER (WHERE state = 5),"
              " count(*) FILTER (WHERE told = 0) FROM hashes",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
};

struct queue {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	int64_t fresh; /* the state that a new hash has */
	bool grew;
};

static int failed(struct queue *q)
{
	q->host->why(q->ctx, "%s: %s", q->host->text(q->ctx, "file"), sqlite3_errmsg(q->db));
	return -EIO;
}

/* Runs a statement that gives no rows. */
static int run(struct queue *q, enum statement which)
{
	sqlite3_step(q->st[which]);
	return sqlite3_reset(q->st[which]) == SQLITE_OK ? 0 : failed(q);
}

static int attach(struct queue *q, bool has_key)
{
	int keep = 1, rc;

	rc = sqlite3_open_v2(q->host->text(q->ctx, "file"), &q->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(q->db, 5000);
		sqlite3_db_config(q->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_file_control(q->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
		rc = sqlite3_exec(q->db, prepare_sql, NULL, NULL, NULL);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(q->db, schema_sql, NULL, NULL, NULL);
	for (int i = 0; i < STATEMENTS && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(q->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &q->st[i], NULL);
	/* What waits does so for an answer, or for a key. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(q->db,
		                  has_key ? "UPDATE hashes SET state = 2, due = 0, told = 0 WHERE state = 1"
		                          : "UPDATE hashes SET state = 1, reason = '', told = 0 WHERE " WAITING,
		                  NULL, NULL, NULL);
	return rc;
}

static void detach(struct queue *q)
{
	for (int i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(q->st[i]);
		q->st[i] = NULL;
	}
	sqlite3_close(q->db);
	q->db = NULL;
}

int queue_open(struct queue **out, const struct ps_host *host, struct ps_ctx *ctx, bool has_key)
{
	struct queue *q = mem_alloc(sizeof(*q));
	int rc, err = 0;

	*q = (struct queue){.host = host, .ctx = ctx, .fresh = has_key ? PS_FINDING_PENDING : PS_FINDING_NO_KEY};
	rc = attach(q, has_key);
	/* What it holds can be had again: by asking. */
	if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB) {
		host->log(ctx, PS_ERROR, "%s is damaged (%s): it is set aside, and a new one begun", host->text(ctx, "file"),
		          sqlite3_errmsg(q->db));
		detach(q);
		err = host->set_aside(ctx, "file", "corrupt");
		rc = err ? SQLITE_CANTOPEN : attach(q, has_key);
	}
	if (rc != SQLITE_OK) {
		host->why(ctx, "%s: %s", host->text(ctx, "file"), q->db ? sqlite3_errmsg(q->db) : sqlite3_errstr(rc));
		queue_close(q);
		return -EIO;
	}
	*out = q;
	return 0;
}

void queue_close(struct queue *q)
{
	if (!q)
		return;
	detach(q);
	free(q);
}

int queue_begin(struct queue *q)
{
	q->grew = false;
	return run(q, BEGIN);
}

int queue_end(struct queue *q)
{
	int err = q->grew ? run(q, FORGET) : 0;

	err = err ? err : run(q, COMMIT);
	if (err && !sqlite3_get_autocommit(q->db))
		sqlite3_exec(q->db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

int queue_see(struct queue *q, const uint8_t sha256[32], bool tell, int64_t now_s)
{
	int err;

	sqlite3_bind_blob(q->st[SEE], 1, sha256, 32, SQLITE_TRANSIENT);
	sqlite3_bind_int64(q->st[SEE], 2, now_s);
	sqlite3_bind_int64(q->st[SEE], 3, q->fresh);
	if ((err = run(q, SEE)))
		return err;
	if (sqlite3_changes(q->db)) {
		q->grew = true;
		return 0;
	}
	sqlite3_bind_blob(q->st[SEEN], 1, sha256, 32, SQLITE_TRANSIENT);
	sqlite3_bind_int64(q->st[SEEN], 2, now_s);
	if ((err = run(q, SEEN)) || !tell)
		return err;
	sqlite3_bind_blob(q->st[TELL], 1, sha256, 32, SQLITE_TRANSIENT);
	return run(q, TELL);
}

/* 1 and the entry, 0 without one, or -errno. */
static int get(struct queue *q, enum statement which, struct queue_entry *e)
{
	sqlite3_stmt *st = q->st[which];
	int n = 0;

	if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_bytes(st, 0) == 32) {
		const char *reason = (const char *)sqlite3_column_text(st, 8);

		n = 1;
		*e = (struct queue_entry){
		    .found = {.state = (enum ps_finding_state)sqlite3_column_int(st, 1),
		              .malicious = (uint32_t)sqlite3_column_int64(st, 2),
		              .suspicious = (uint32_t)sqlite3_column_int64(st, 3),
		              .harmless = (uint32_t)sqlite3_column_int64(st, 4),
		              .undetected = (uint32_t)sqlite3_column_int64(st, 5),
		              .asked_ns = sqlite3_column_int64(st, 6) * NS_PER_S,
		              .analysed_ns = sqlite3_column_int64(st, 7) * NS_PER_S,
		              .link = ""},
		    .due_s = sqlite3_column_int64(st, 9),
		    .tries = sqlite3_column_int64(st, 10),
		};
		memcpy(e->found.sha256, sqlite3_column_blob(st, 0), 32);
		snprintf(e->reason, sizeof(e->reason), "%s", reason ? reason : "");
		e->found.reason = e->reason;
	}
	return sqlite3_reset(st) == SQLITE_OK ? n : failed(q);
}

int queue_next(struct queue *q, int64_t now_s, int64_t again_s, struct queue_entry *e)
{
	int n;

	sqlite3_bind_int64(q->st[NEXT], 1, now_s);
	n = get(q, NEXT, e);
	if (n || !again_s)
		return n;
	sqlite3_bind_int64(q->st[AGAIN], 1, now_s - again_s);
	sqlite3_bind_int64(q->st[AGAIN], 2, now_s);
	return get(q, AGAIN, e);
}

int queue_set(struct queue *q, const struct queue_entry *e)
{
	sqlite3_stmt *st = q->st[SET];
	const struct ps_found *f = &e->found;

	sqlite3_bind_blob(st, 1, f->sha256, 32, SQLITE_TRANSIENT);
	sqlite3_bind_int64(st, 2, f->state);
	sqlite3_bind_int64(st, 3, f->malicious);
	sqlite3_bind_int64(st, 4, f->suspicious);
	sqlite3_bind_int64(st, 5, f->harmless);
	sqlite3_bind_int64(st, 6, f->undetected);
	sqlite3_bind_int64(st, 7, f->asked_ns / NS_PER_S);
	sqlite3_bind_int64(st, 8, f->analysed_ns / NS_PER_S);
	sqlite3_bind_text(st, 9, f->reason, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(st, 10, e->due_s);
	sqlite3_bind_int64(st, 11, e->tries);
	return run(q, SET);
}

int queue_untold(struct queue *q, struct queue_entry *e)
{
	return get(q, UNTOLD, e);
}

int queue_told(struct queue *q, const uint8_t sha256[32])
{
	sqlite3_bind_blob(q->st[TOLD], 1, sha256, 32, SQLITE_TRANSIENT);
	return run(q, TOLD);
}

/* Up to four numbers of the one row. */
static int numbers(struct queue *q, enum statement which, int64_t *out, int n)
{
	if (sqlite3_step(q->st[which]) == SQLITE_ROW)
		for (int i = 0; i < n; i++)
			out[i] = sqlite3_column_int64(q->st[which], i);
	return sqlite3_reset(q->st[which]) == SQLITE_OK ? 0 : failed(q);
}

int queue_get_pace(struct queue *q, struct queue_pace *p)
{
	int64_t n[3] = {0};
	int err = numbers(q, GET_PACE, n, 3);

	*p = (struct queue_pace){n[0], n[1], n[2]};
	return err;
}

int queue_set_pace(struct queue *q, const struct queue_pace *p)
{
	sqlite3_bind_int64(q->st[SET_PACE], 1, p->next_ms);
	sqlite3_bind_int64(q->st[SET_PACE], 2, p->day);
	sqlite3_bind_int64(q->st[SET_PACE], 3, p->used);
	return run(q, SET_PACE);
}

int queue_count(struct queue *q, struct queue_counts *c)
{
	int64_t n[4] = {0};
	int err = numbers(q, COUNT, n, 4);

	*c = (struct queue_counts){n[0], n[1], n[2], n[3]};
	return err;
}

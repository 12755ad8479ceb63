/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/delivery/files.h"

#define VERSION 1

static const char *const sql[Q_TOTAL] = {
    [Q_GET] = "SELECT value FROM meta WHERE key = ?1",
    [Q_SET] = "INSERT INTO meta(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
    [Q_ADD] = "INSERT INTO batch(seq, at, digest, payload) VALUES(?1, ?2, ?3, ?4)",
    [Q_FETCH] = "SELECT seq, payload FROM batch WHERE seq > ?1 ORDER BY seq LIMIT 1",
    [Q_OLDEST] = "SELECT seq, at, payload FROM batch ORDER BY seq LIMIT 1",
    [Q_COUNT] = "SELECT count(*), ifnull(sum(length(payload)), 0) FROM batch WHERE seq <= ?1",
    [Q_DELETE] = "DELETE FROM batch WHERE seq <= ?1",
    [Q_GET_CURSOR] = "SELECT seq FROM cursor WHERE sink = ?1",
    [Q_PUT_CURSOR] = "INSERT INTO cursor(sink, seq) VALUES(?1, ?2) ON CONFLICT(sink) DO UPDATE SET seq = excluded.seq",
    [Q_CURSORS] = "SELECT sink FROM cursor",
    [Q_DEL_CURSOR] = "DELETE FROM cursor WHERE sink = ?1",
    [Q_DEAD] = "INSERT OR IGNORE INTO dead(sink, seq, at, why, payload) "
               "SELECT ?1, seq, ?2, ?3, payload FROM batch WHERE seq = ?4",
    /* Those that are too old (?1: ms), and of the rest the newest that fit (?2: bytes). */
    [Q_TRIM_DEAD] = "DELETE FROM dead WHERE at < ?1 * 1000000 OR rowid IN (SELECT id FROM (SELECT rowid AS id, "
                    "sum(length(payload)) OVER (ORDER BY rowid DESC) AS upto FROM dead) WHERE upto > ?2)",
    [Q_ADD_TOLD] = "INSERT INTO told(seq, bytes, records) VALUES(?1, ?2, ?3)",
    [Q_FETCH_TOLD] = "SELECT seq, payload FROM batch WHERE seq = (SELECT min(seq) FROM told WHERE seq > ?1)",
    [Q_COUNT_SWEPT] = "SELECT count(*), ifnull(sum(length(payload)), 0) FROM batch "
                      "WHERE seq > ?1 AND seq <= ?2 AND seq NOT IN (SELECT seq FROM told)",
    [Q_DELETE_SWEPT] = "DELETE FROM batch WHERE seq > ?1 AND seq <= ?2 AND seq NOT IN (SELECT seq FROM told)",
    [Q_DELETE_TOLD] = "DELETE FROM told WHERE seq <= ?1",
    [Q_TOLD_LIMIT] = "SELECT ifnull(max(seq), 0) FROM (SELECT seq, sum(bytes) OVER newest AS upto, "
                     "row_number() OVER newest AS n FROM told WINDOW newest AS (ORDER BY seq DESC)) "
                     "WHERE upto > ?1 OR n > ?2",
    [Q_COUNT_TOLD] = "SELECT ifnull(sum(records), 0) FROM told WHERE seq > ?1",
};

static const char schema[] =
    "BEGIN EXCLUSIVE;"
    "CREATE TABLE batch(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, digest BLOB NOT NULL, payload BLOB NOT NULL) "
    "STRICT;"
    "CREATE TABLE cursor(sink TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE dead(sink TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, why TEXT NOT NULL, "
    "payload BLOB NOT NULL, UNIQUE(sink, seq)) STRICT;"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES('host', randomblob(16)), ('digest', zeroblob(32)), ('seq', 0), ('end', 0), ('running', 0);"
    "PRAGMA user_version = 1;"
    "COMMIT";

/* SQLite's answer as -errno; remembers what it said. */
static int error_of(struct journal_file *f, int rc)
{
	int err = -EIO, system;

	if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
		return 0;
	snprintf(f->message, sizeof(f->message), "%s", f->db ? sqlite3_errmsg(f->db) : sqlite3_errstr(rc));
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_TOOBIG:
		return -EFBIG;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		system = f->db ? sqlite3_system_errno(f->db) : 0;
		if (system > 0 && system < 4096)
			err = -system;
		return err;
	default:
		return err;
	}
}

/* SQLite would follow a link and take any file: it is looked at, or made, before. The folder must be
 * trusted; its own links are resolved, so that SQLite can be told to follow none. */
static int make_file(struct journal_file *f, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? mem_printf("%.*s", slash == path ? 1 : (int)(slash - path), path) : mem_strdup(".");
	char *real = NULL, why[TRUST_WHY];
	int fd, err;

	fd = trust_folder(folder, why);
	if (fd < 0) {
		err = fd;
		snprintf(f->message, sizeof(f->message), "%.250s", why);
		goto out;
	}
	close(fd);
	fd = files_append(path, 0600);
	if (fd < 0) {
		err = fd;
		snprintf(f->message, sizeof(f->message), "%s",
		         err == -ELOOP    ? "it is a symbolic link, which is not followed"
		         : err == -EMLINK ? "it has more than one link"
		                          : strerror(-err));
		goto out;
	}
	err = fchmod(fd, 0600) ? -errno : 0;
	close(fd);
	real = realpath(folder, NULL);
	if (!err && !real)
		err = -errno;
	if (!err)
		f->path = mem_printf("%s/%s", strcmp(real, "/") == 0 ? "" : real, slash ? slash + 1 : path);
out:
	free(real);
	free(folder);
	return err;
}

static int scalar(struct journal_file *f, const char *text, int64_t *out)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(f->db, text, -1, &q, NULL), err;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	*out = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
	err = error_of(f, rc);
	sqlite3_finalize(q);
	return err;
}

/* The version, and the tables of a new file. */
static int prepare_schema(struct journal_file *f)
{
	int64_t version, tables;
	int err;

	if ((err = scalar(f, "PRAGMA user_version", &version)) ||
	    (err = scalar(f, "SELECT count(*) FROM sqlite_schema", &tables)))
		return err;
	if (version != VERSION && (version || tables)) {
		snprintf(
		    f->message, sizeof(f->message),
		    "it is of version %lld and this program knows version %d: use the newer program, or move the file away",
		    (long long)version, VERSION);
		return -ENOTSUP;
	}
	err = version ? 0 : journal_file_exec(f, schema);
	/* Came later; a program that does not know it leaves it alone. */
	return err ? err
	           : journal_file_exec(f,
	                               "CREATE TABLE IF NOT EXISTS told(seq INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, "
	                               "records INTEGER NOT NULL) STRICT");
}

int journal_file_open(struct journal_file *f, const char *path)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW;
	int err, on = 1;
	int64_t ignored;

	*f = (struct journal_file){0};
	err = make_file(f, path);
	if (!err)
		err = error_of(f, sqlite3_open_v2(f->path, &f->db, flags, NULL));
	if (err)
		return err;
	sqlite3_extended_result_codes(f->db, 1);
	sqlite3_busy_timeout(f->db, 2000);
	sqlite3_file_control(f->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
	sqlite3_db_config(f->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	/* auto_vacuum counts only before the first page is written, so before WAL. */
	if ((err = scalar(f, "PRAGMA locking_mode = EXCLUSIVE", &ignored)) ||
	    (err = scalar(f, "PRAGMA auto_vacuum = INCREMENTAL", &ignored)) ||
	    (err = scalar(f, "PRAGMA journal_mode = WAL", &ignored)) ||
	    (err = scalar(f, "PRAGMA journal_size_limit = 4194304", &ignored)) ||
	    (err = journal_file_exec(f, "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF")))
		return err;
	return prepare_schema(f);
}

void journal_file_close(struct journal_file *f)
{
	for (int i = 0; i < Q_TOTAL; i++) {
		sqlite3_finalize(f->queries[i]);
		f->queries[i] = NULL;
	}
	sqlite3_close(f->db);
	f->db = NULL;
	free(f->path);
	f->path = NULL;
}

int journal_file_check(struct journal_file *f)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(f->db, "PRAGMA quick_check(1)", -1, &q, NULL), err;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	err = error_of(f, rc);
	if (rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(q, 0), "ok") != 0) {
		snprintf(f->message, sizeof(f->message), "%s", (const char *)sqlite3_column_text(q, 0));
		err = -EUCLEAN;
	}
	sqlite3_finalize(q);
	return err;
}

int journal_file_replace(struct journal_file *f, char **aside)
{
	char *path = mem_strdup(f->path);
	int err;

	journal_file_close(f);
	err = files_move_away(path, "-wal -shm -journal", "damaged", aside);
	if (!err || err == -ENOENT)
		err = journal_file_open(f, path);
	if (err) {
		journal_file_close(f);
		f->path = path; /* it is tried again */
	} else {
		free(path);
	}
	return err;
}

sqlite3_stmt *journal_file_query(struct journal_file *f, enum journal_query which)
{
	if (!f->queries[which] && f->db)
		error_of(f, sqlite3_prepare_v3(f->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, &f->queries[which], NULL));
	if (f->queries[which])
		sqlite3_reset(f->queries[which]);
	return f->queries[which];
}

int journal_file_step(struct journal_file *f, sqlite3_stmt *q)
{
	int rc;

	if (!q) /* it could not be prepared: the file is not what it was */
		return f->db && (sqlite3_errcode(f->db) & 0xff) != SQLITE_ERROR ? error_of(f, sqlite3_errcode(f->db))
		                                                                : -EUCLEAN;
	rc = sqlite3_step(q);
	return rc == SQLITE_ROW ? 1 : error_of(f, rc);
}

int journal_file_run(struct journal_file *f, sqlite3_stmt *q)
{
	int err = journal_file_step(f, q);

	if (q) {
		sqlite3_reset(q);
		sqlite3_clear_bindings(q);
	}
	return err < 0 ? err : 0;
}

int journal_file_exec(struct journal_file *f, const char *text)
{
	return f->db ? error_of(f, sqlite3_exec(f->db, text, NULL, NULL, NULL)) : -EUCLEAN;
}

int journal_file_get(struct journal_file *f, const char *key, void *out, size_t size)
{
	sqlite3_stmt *q = journal_file_query(f, Q_GET);
	int err;

	sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
	err = journal_file_step(f, q);
	if (err > 0 && sqlite3_column_type(q, 0) == SQLITE_BLOB && (size_t)sqlite3_column_bytes(q, 0) == size) {
		memcpy(out, sqlite3_column_blob(q, 0), size);
		err = 0;
	} else if (err >= 0) {
		snprintf(f->message, sizeof(f->message), "it has no %s", key);
		err = -EUCLEAN;
	}
	sqlite3_reset(q);
	return err;
}

int journal_file_get_int(struct journal_file *f, const char *key, int64_t *out)
{
	sqlite3_stmt *q = journal_file_query(f, Q_GET);
	int err;

	sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
	err = journal_file_step(f, q);
	if (err > 0 && sqlite3_column_type(q, 0) == SQLITE_INTEGER) {
		*out = sqlite3_column_int64(q, 0);
		err = 0;
	} else if (err >= 0) {
		snprintf(f->message, sizeof(f->message), "it has no %s", key);
		err = -EUCLEAN;
	}
	sqlite3_reset(q);
	return err;
}

int journal_file_set(struct journal_file *f, const char *key, const void *data, size_t size)
{
	sqlite3_stmt *q = journal_file_query(f, Q_SET);

	sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(q, 2, data, size, SQLITE_STATIC);
	return journal_file_run(f, q);
}

int journal_file_set_int(struct journal_file *f, const char *key, int64_t value)
{
	sqlite3_stmt *q = journal_file_query(f, Q_SET);

	sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, value);
	return journal_file_run(f, q);
}

int journal_file_shrink(struct journal_file *f, int pages)
{
	int64_t unused, all;
	char text[64];
	int err;

	if ((err = scalar(f, "PRAGMA freelist_count", &unused)) || (err = scalar(f, "PRAGMA page_count", &all)))
		return err;
	/* What is as large as what is in use, or 4 MiB, is left for the next batches. */
	if (unused <= pages || unused <= all - unused)
		return 0;
	snprintf(text, sizeof(text), "PRAGMA incremental_vacuum(%d)", pages);
	err = journal_file_exec(f, text);
	return err ? err : 1;
}

const char *journal_file_message(const struct journal_file *f)
{
	return f->message;
}

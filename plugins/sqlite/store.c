/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening the store's file, and what to make of SQLite's errors. */
#include "plugins/sqlite/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "plugins/sqlite/rollup.h"
#include "plugins/sqlite/schema.h"

#define WAL_PAGES 1000       /* written back into the file once the log has so many */
#define WAL_LARGE (64 << 20) /* bytes: some reader does not let go */
#define BUSY_STEP_MS 20      /* a lock is looked at again */
#define BUSY_LIMIT_MS 5000   /* and then left to the core, which waits longer */
#define STRING(number) #number
#define EXPANDED(number) STRING(number)
#define EPHEMERAL EXPANDED(ROLLUP_EPHEMERAL)
#define ANY_PORT EXPANDED(ROLLUP_ANY_PORT)
#define OF_A_SLICE "1000" /* rows that retention removes in one transaction */
#define OLD_SUMS(table)                                                                                                \
	"DELETE FROM " table " WHERE (time, seq) IN (SELECT time, seq FROM " table                                         \
	" WHERE time < ?1 ORDER BY time, seq LIMIT " OF_A_SLICE ")"

/* Sums (rollup.c). */
#define OF(time, length) " WHERE " time " >= ?1 AND " time " < ?1 + " length
#define OF_HOUR(time) OF(time, "3600")
#define OF_DAY(time) OF(time, "86400")
/* Columns in the order of the tables (schema.c): the time, seq, what is summed up, and by what. */
#define SEQ " row_number() OVER (),"
#define SUM_ROWS " add_up(send), add_up(recv), count(*), add_up(events), min(contime), max(contime),"
#define SUM_SUMS " add_up(send), add_up(recv), add_up(n), add_up(events), min(first), max(last),"
#define WHO " exe_id, uid, pexe_id, gpexe_id, family, protocol, netns, place_id, direction"
#define WHICH(rport, lport)                                                                                            \
	" domain_id, raddr_id, " rport ", exe_id, uid, pexe_id, gpexe_id, family, protocol, " lport ", laddr_id,"          \
	" domain_source, netns, place_id, direction"
#define WIDE WHICH("rport", "lport")
#define PORT(port, unless)                                                                                             \
	"CASE WHEN direction <> " unless " AND " port " >= " EPHEMERAL " THEN " ANY_PORT " ELSE " port " END"
#define ALIKE_WHO " GROUP BY 1, 9, 10, 11, 12, 13, 14, 15, 16, 17"
#define ALIKE_WIDE ALIKE_WHO ", 18, 19, 20, 21, 22, 23"

static const char *const sql[STATEMENTS] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_ROLLBACK] = "ROLLBACK",
    [ST_FIND_BATCH] = "SELECT digest FROM batches WHERE host = ?1 AND boot = ?2 AND seq = ?3",
    [ST_ADD_BATCH] = "INSERT INTO batches(host, boot, seq, digest, previous, starttime, endtime, rows, hostname,"
                     " marks, id) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [ST_LAST_BATCH] = "SELECT max(id) FROM batches",
    [ST_OPENED] = "UPDATE upkeep SET closed = 0",
    [ST_CLOSED] = "UPDATE upkeep SET closed = 1",
    /* The time up to which the oldest twentieth of the batches goes. */
    [ST_OLDEST_FEW] = "SELECT endtime + 1 FROM batches ORDER BY id LIMIT 1 OFFSET (SELECT count(*) / 20 FROM batches)",
    [ST_CUTOFF] = "UPDATE upkeep SET cutoff = ?1 WHERE cutoff < ?1",
    [ST_OLD_CONNECTIONS] = "DELETE FROM connections WHERE rowid IN (SELECT rowid FROM connections"
                           " WHERE contime < ?1 ORDER BY contime LIMIT " OF_A_SLICE ")",
    [ST_OLD_PROGRAMS] =
        "DELETE FROM programs WHERE rowid IN (SELECT rowid FROM programs WHERE time < ?1 LIMIT " OF_A_SLICE ")",
    [ST_OLD_VERDICTS] =
        "DELETE FROM verdicts WHERE rowid IN (SELECT rowid FROM verdicts WHERE time < ?1 LIMIT " OF_A_SLICE ")",
    [ST_OLD_LOSSES] =
        "DELETE FROM losses WHERE rowid IN (SELECT rowid FROM losses WHERE endtime < ?1 LIMIT " OF_A_SLICE ")",
    [ST_OLD_AUDIT] =
        "DELETE FROM audit WHERE rowid IN (SELECT rowid FROM audit WHERE endtime < ?1 LIMIT " OF_A_SLICE ")",
    /* Never the newest: it is the one that may come again. */
    [ST_OLD_BATCHES] = "DELETE FROM batches WHERE endtime < ?1 AND id IN (SELECT id FROM batches"
                       " WHERE id < (SELECT max(id) FROM batches) ORDER BY id LIMIT " OF_A_SLICE ")",
    [ST_OLD_EXECUTABLES] = "DELETE FROM executables WHERE id IN (SELECT id FROM executables"
                           " WHERE seen < ?1 LIMIT " OF_A_SLICE ") AND id <> 0",
    [ST_OLD_DOMAINS] = "DELETE FROM domains WHERE id IN (SELECT id FROM domains"
                       " WHERE seen < ?1 LIMIT " OF_A_SLICE ") AND id <> 0",
    [ST_OLD_ADDRESSES] = "DELETE FROM addresses WHERE id IN (SELECT id FROM addresses"
                         " WHERE seen < ?1 LIMIT " OF_A_SLICE ") AND id <> 0",
    [ST_OLD_PLACES] = "DELETE FROM places WHERE id IN (SELECT id FROM places"
                      " WHERE seen < ?1 LIMIT " OF_A_SLICE ") AND id <> 0",
    [ST_OLD_HOURS] = OLD_SUMS("hours"),
    [ST_OLD_QUARTERS] = OLD_SUMS("quarters"),
    [ST_OLD_DAYS] = OLD_SUMS("days"),
    [ST_OLD_WHO_10MIN] = OLD_SUMS("who_10min"),
    [ST_OLD_WHO_HOURS] = OLD_SUMS("who_hours"),
    [ST_OLD_WHO_DAYS] = OLD_SUMS("who_days"),
    [ST_STALE] = "SELECT min(hour) FROM stale",
    [ST_ADD_STALE] = "INSERT OR IGNORE INTO stale VALUES(?1)",
    [ST_NOT_STALE] = "DELETE FROM stale WHERE hour = ?1",
    [ST_ROLLED] = "SELECT rolled FROM upkeep",
    [ST_SET_ROLLED] = "UPDATE upkeep SET rolled = ?1",
    [ST_NOT_ROLLED] = "SELECT min(contime) FROM connections WHERE contime >= ?1",
    [ST_NO_HOUR] = "DELETE FROM hours" OF_HOUR("time"),
    [ST_NO_WHO_10MIN] = "DELETE FROM who_10min" OF_HOUR("time"),
    [ST_NO_WHO_HOUR] = "DELETE FROM who_hours" OF_HOUR("time"),
    [ST_SUM_HOUR] = "INSERT INTO hours SELECT ?1," SEQ SUM_ROWS WHICH(
        PORT("rport", "'out'"), PORT("lport", "'in'")) " FROM connections" OF_HOUR("contime") ALIKE_WIDE,
    [ST_SUM_WHO_10MIN] = "INSERT INTO who_10min SELECT contime - contime % 600," SEQ SUM_ROWS WHO
                         " FROM connections" OF_HOUR("contime") ALIKE_WHO,
    [ST_SUM_WHO_HOUR] = "INSERT INTO who_hours SELECT ?1," SEQ SUM_SUMS WHO " FROM who_10min" OF_HOUR("time") ALIKE_WHO,
    [ST_NO_QUARTER] = "DELETE FROM quarters WHERE time = ?1",
    [ST_SUM_QUARTER] = "INSERT INTO quarters SELECT ?1," SEQ SUM_SUMS WIDE " FROM hours" OF("time", "21600") ALIKE_WIDE,
    [ST_NO_DAY] = "DELETE FROM days WHERE time = ?1",
    [ST_NO_WHO_DAY] = "DELETE FROM who_days WHERE time = ?1",
    [ST_SUM_DAY] = "INSERT INTO days SELECT ?1," SEQ SUM_SUMS WIDE " FROM hours" OF_DAY("time") ALIKE_WIDE,
    [ST_SUM_WHO_DAY] = "INSERT INTO who_days SELECT ?1," SEQ SUM_SUMS WHO " FROM who_hours" OF_DAY("time") ALIKE_WHO,
    [ST_VACUUM] = "PRAGMA incremental_vacuum(256)",
    [ST_FREE_PAGES] = "PRAGMA freelist_count",
    [ST_PAGES] = "PRAGMA page_count",
    [ST_DATA_VERSION] = "PRAGMA data_version",
};

/* Parameters: the columns in the order of their shape, then the batch. */
static int prepare_add(struct store *s, enum row_table table)
{
	const struct row_shape *shape = &row_tables[table];
	struct buf text;
	int rc;

	buf_init(&text);
	buf_printf(&text, "INSERT INTO %s(", shape->name);
	for (unsigned i = 0; i < shape->n; i++)
		buf_printf(&text, "%s, ", shape->columns[i].name);
	buf_put_str(&text, "batch_id) VALUES(");
	for (unsigned i = 0; i < shape->n; i++)
		buf_put_str(&text, "?, ");
	buf_put(&text, "?)", 3);
	rc = sqlite3_prepare_v3(s->db, (const char *)text.data, -1, SQLITE_PREPARE_PERSISTENT, &s->add[table], NULL);
	buf_done(&text);
	return rc;
}

int store_run(struct store *s, enum statement which)
{
	while (sqlite3_step(s->st[which]) == SQLITE_ROW)
		;
	return sqlite3_reset(s->st[which]);
}

bool store_is_damage(struct store *s, int rc)
{
	const char *text;

	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return true;
	case SQLITE_ERROR: /* a table or a column is missing */
		text = sqlite3_errmsg(s->db);
		return strstr(text, "no such ") || strstr(text, "no column named");
	default:
		return false;
	}
}

enum ps_verdict store_failed(struct store *s, int rc, const char *doing)
{
	const char *path = s->host->text(s->ctx, "file");
	const char *text = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc);
	const char *advice = "";

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		advice = "; another program holds a lock on it";
		break;
	case SQLITE_FULL:
		advice = "; make room on the disk, or lower the sink's retention";
		break;
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		advice = "; it and its -wal and -shm must be there and belong to the user that sinks run as";
		break;
	case SQLITE_TOOBIG:
		s->host->why(s->ctx, "%s: %s: %s", path, doing, text);
		return PS_REJECTED;
	default:
		break;
	}
	s->host->why(s->ctx, "%s: %s: %s (%d)%s", path, doing, text, rc, advice);
	return PS_AWAY;
}

static int on_busy(void *arg, int times)
{
	struct store *s = arg;

	if (times * BUSY_STEP_MS >= BUSY_LIMIT_MS || s->host->stopping(s->ctx))
		return 0;
	nanosleep(&(struct timespec){.tv_nsec = BUSY_STEP_MS * 1000000L}, NULL);
	return 1;
}

/* After each commit: what SQLite does by default, and a word when it does not help. */
static int on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store *s = arg;

	if (pages >= WAL_PAGES)
		sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if ((int64_t)pages * 4096 > WAL_LARGE && !s->wal_large) {
		s->wal_large = true;
		s->host->log(s->ctx, PS_WARNING,
		             "%s-wal has grown to %d MiB: a program keeps reading the store without a pause",
		             s->host->text(s->ctx, "file"), pages / 256);
	} else if (pages < WAL_PAGES) {
		s->wal_large = false;
	}
	return SQLITE_OK;
}

/* journal_mode: only in memory until the file is in WAL mode, as there is no folder to write
 * a journal to. auto_vacuum has to come before the first table. */
static const char empty_file_sql[] = "PRAGMA journal_mode = MEMORY; PRAGMA auto_vacuum = INCREMENTAL;"
                                     "PRAGMA journal_mode = WAL;";
static const char each_time_sql[] =
    "PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"
    "PRAGMA foreign_keys = OFF; PRAGMA cache_size = -2048;"
    "PRAGMA journal_size_limit = 16777216;";

bool store_is_alone(struct store *s)
{
	bool alone = s->lock < 0 || flock(s->lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;

	if (s->lock >= 0)
		flock(s->lock, LOCK_SH);
	return alone;
}

/* An SQLite code; *version is that of the file once it is known, else 0. */
static int attach(struct store *s, int *version)
{
	int keep = 1, rc;

	*version = 0;
	*s->damage = 0;
	s->others = 0;
	s->lock = open(s->host->text(s->ctx, "file"), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	rc = sqlite3_open_v2(s->host->text(s->ctx, "file"), &s->db,
	                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_busy_handler(s->db, on_busy, s);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_file_control(s->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	rc = sqlite3_exec(s->db, each_time_sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = schema_version(s->db, version);
	if (rc != SQLITE_OK)
		return rc;
	if (*version && (*version < SCHEMA_FIRST || *version > schema_newest()))
		return SQLITE_MISMATCH;
	if (*version == 0)
		rc = sqlite3_exec(s->db, empty_file_sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = schema_apply(s->db, *version);
	if (rc == SQLITE_OK)
		rc = rollup_functions(s->db);
	for (int i = 0; i < STATEMENTS && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->st[i], NULL);
	for (enum row_table table = 0; table < ROW_TABLES && rc == SQLITE_OK; table++)
		rc = prepare_add(s, table);
	if (rc == SQLITE_OK)
		rc = intern_init(&s->intern, s->db);
	if (rc == SQLITE_OK)
		rc = store_check(s);
	if (rc == SQLITE_OK)
		rc = store_run(s, ST_OPENED);
	if (rc == SQLITE_OK)
		rc = rollup_begin(s);
	if (rc == SQLITE_OK)
		sqlite3_wal_hook(s->db, on_commit, s);
	return rc;
}

void store_detach(struct store *s)
{
	intern_done(&s->intern);
	for (int i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(s->st[i]);
		s->st[i] = NULL;
	}
	for (int i = 0; i < ROW_TABLES; i++) {
		sqlite3_finalize(s->add[i]);
		s->add[i] = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
	if (s->lock >= 0)
		close(s->lock);
	s->lock = -1;
}

void store_end(struct store *s)
{
	if (s->db && store_is_alone(s))
		store_run(s, ST_CLOSED);
	store_detach(s);
}

/* Has the core move what is at the path out of the way and make a new, empty file. */
static int begin_anew(struct store *s, const char *reason)
{
	int r;

	store_detach(s);
	r = s->host->set_aside(s->ctx, "file", reason);
	if (r < 0)
		s->host->why(s->ctx, "%s cannot be set aside: %s", s->host->text(s->ctx, "file"), strerror(-r));
	return r;
}

int store_replace(struct store *s, const char *damage)
{
	s->host->log(s->ctx, PS_ERROR, "%s is damaged (%s): it is set aside, and a new one begun",
	             s->host->text(s->ctx, "file"), damage);
	return begin_anew(s, "corrupt");
}

enum ps_verdict store_attach(struct store *s)
{
	const char *path = s->host->text(s->ctx, "file");
	enum ps_verdict verdict;
	int rc, version;

	for (int again = 0;; again++) {
		int r;

		rc = attach(s, &version);
		if (rc == SQLITE_OK)
			return PS_STORED;
		if (rc == SQLITE_MISMATCH && version) {
			s->host->why(s->ctx,
			             "%s is of version %d; this picosnitch knows %d to %d. It is left alone: move it away, or"
			             " set `file` to another name (`picosnitch import` reads older stores)",
			             path, version, SCHEMA_FIRST, schema_newest());
			verdict = PS_MISCONFIGURED;
			break;
		}
		if (!again && store_is_damage(s, rc)) {
			r = store_replace(s, *s->damage ? s->damage : sqlite3_errmsg(s->db));
		} else if (!again && (rc & 0xff) == SQLITE_CANTOPEN && access(path, F_OK) < 0 && errno == ENOENT) {
			s->host->log(s->ctx, PS_WARNING, "%s is gone: a new one is begun", path);
			r = begin_anew(s, "lost");
		} else {
			verdict = store_failed(s, rc, "opening");
			break;
		}
		if (r < 0)
			return PS_AWAY;
	}
	store_detach(s);
	return verdict;
}

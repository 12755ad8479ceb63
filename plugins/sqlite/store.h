/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The store as its writer has it open: one file, one connection, one batch a transaction.
 *
 * The process may write to the file and to its -wal and -shm, but not to the folder that they
 * are in: nothing here makes or removes a file.
 */
#ifndef PS_SQLITE_STORE_H
#define PS_SQLITE_STORE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "core/plugin.h"
#include "plugins/sqlite/intern.h"

enum statement {
	ST_BEGIN,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_FIND_BATCH,
	ST_ADD_BATCH,
	ST_LAST_BATCH,
	ST_OPENED,
	ST_CLOSED,
	ST_CUTOFF,
	ST_OLDEST_FEW,
	ST_OLD_CONNECTIONS, /* retention.c: one slice each */
	ST_OLD_PROGRAMS,
	ST_OLD_VERDICTS,
	ST_OLD_LOSSES,
	ST_OLD_AUDIT,
	ST_OLD_BATCHES,
	ST_OLD_EXECUTABLES,
	ST_OLD_DOMAINS,
	ST_OLD_ADDRESSES,
	ST_OLD_PLACES,
	ST_OLD_HOURS,
	ST_OLD_QUARTERS,
	ST_OLD_DAYS,
	ST_OLD_WHO_10MIN,
	ST_OLD_WHO_HOURS,
	ST_OLD_WHO_DAYS,
	ST_STALE, /* rollup.c */
	ST_ADD_STALE,
	ST_NOT_STALE,
	ST_ROLLED,
	ST_SET_ROLLED,
	ST_NOT_ROLLED,
	ST_NO_HOUR, /* those of an hour, a quarter and a day in the order in which they are run */
	ST_NO_WHO_10MIN,
	ST_NO_WHO_HOUR,
	ST_SUM_HOUR,
	ST_SUM_WHO_10MIN,
	ST_SUM_WHO_HOUR,
	ST_NO_QUARTER,
	ST_SUM_QUARTER,
	ST_NO_DAY,
	ST_NO_WHO_DAY,
	ST_SUM_DAY,
	ST_SUM_WHO_DAY,
	ST_VACUUM,
	ST_FREE_PAGES,
	ST_PAGES,
	ST_DATA_VERSION,
	STATEMENTS
};

struct store {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	sqlite3 *db;    /* NULL: has to be opened first */
	int lock;       /* flock()ed by each writer; -1: not open. To be closed after db: SQLite's own locks go with it */
	int64_t others; /* changes with what other writers commit */
	sqlite3_stmt *st[STATEMENTS];
	sqlite3_stmt *add[ROW_TABLES];
	struct intern intern;
	uint64_t batches, records;                    /* since the start */
	bool clamped, wal_large, troubled, too_large; /* what has been said and still holds */
	unsigned retention_step;
	int64_t next_round_ns; /* CLOCK_MONOTONIC: when retention goes on */
	int64_t rolled;        /* a row before it makes its hour stale */
	int64_t stale;         /* the last such hour of this batch */
	char damage[256];      /* what store_check() has found */
	int64_t cutoff;        /* of the round of retention that is going on */
};

/* Opens the file, begins it if it is empty, sets it aside and begins anew if it is damaged. */
enum ps_verdict store_attach(struct store *);
void store_detach(struct store *);

/* Whether no other writer (`picosnitch import` beside the daemon) has it open. */
bool store_is_alone(struct store *);

/* Notes that all is written, unless another writer goes on, and closes. */
void store_end(struct store *);

/* After a crash: whether all of the file can be read (check.c). SQLITE_OK, or SQLITE_CORRUPT with
 * what is wrong in `damage`. */
int store_check(struct store *);

/* Closes, and has a damaged file set aside for a new one, to be attached. 0, or -errno after why(). */
int store_replace(struct store *, const char *damage);

/* A ps_sink.write (write.c). */
enum ps_verdict store_write(struct store *, const struct ps_batch *);

/* Runs a statement that gives no rows, or one whose rows do not matter. An SQLite code. */
int store_run(struct store *, enum statement);

/* What to answer after an SQLite error; says why. */
enum ps_verdict store_failed(struct store *, int rc, const char *doing);

/* True if it means that the file itself is broken. */
bool store_is_damage(struct store *, int rc);

/* A ps_sink.idle (retention.c). */
int64_t store_idle(struct store *);

#endif

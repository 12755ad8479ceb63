/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SQLite file behind the journal: how it is opened, its tables, its statements, and
 * SQLite's errors as -errno (-EUCLEAN: it is damaged). Used by one thread at a time.
 *
 * Nobody else reads it, so it is locked for as long as it is open: a second daemon is refused.
 */
#ifndef PS_DELIVERY_JOURNAL_FILE_H
#define PS_DELIVERY_JOURNAL_FILE_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

enum journal_query {
	Q_GET,
	Q_SET,
	Q_ADD,
	Q_FETCH,
	Q_OLDEST, /* seq, at, payload */
	Q_COUNT,  /* of those up to ?1: how many, and bytes */
	Q_DELETE,
	Q_GET_CURSOR,
	Q_PUT_CURSOR,
	Q_CURSORS,
	Q_DEL_CURSOR,
	Q_DEAD,
	Q_TRIM_DEAD,
	Q_ADD_TOLD,     /* seq, bytes, records */
	Q_FETCH_TOLD,   /* as Q_FETCH */
	Q_COUNT_SWEPT,  /* of those behind ?1 up to ?2 that are not in told: as Q_COUNT */
	Q_DELETE_SWEPT, /* likewise */
	Q_DELETE_TOLD,  /* up to ?1 */
	Q_TOLD_LIMIT,   /* the newest that is beyond ?1 bytes or ?2 batches */
	Q_COUNT_TOLD,   /* records behind ?1 */
	Q_TOTAL,
};

struct journal_file {
	sqlite3 *db;
	sqlite3_stmt *queries[Q_TOTAL];
	char *path;
	char message[256];
};

/* Opens the file or makes it (0600). -EUCLEAN: damaged; -ENOTSUP: made by a newer program;
 * -EBUSY: somebody else has it open. Needs journal_file_close() in any case. */
int journal_file_open(struct journal_file *, const char *path);
void journal_file_close(struct journal_file *);

/* Looks at all of the file: 0 or -EUCLEAN. */
int journal_file_check(struct journal_file *);

/* Closes, moves the file away to *aside (mem_alloc()ed), and opens a new one. */
int journal_file_replace(struct journal_file *, char **aside);

/* A statement, ready for its values. */
sqlite3_stmt *journal_file_query(struct journal_file *, enum journal_query);
/* 1: a row; 0: no more; -errno. The caller resets it. */
int journal_file_step(struct journal_file *, sqlite3_stmt *);
/* For statements without rows: steps and resets. */
int journal_file_run(struct journal_file *, sqlite3_stmt *);
int journal_file_exec(struct journal_file *, const char *sql);

/* Values by key, each of which is there in any journal. -EUCLEAN if it is not, or not of that size. */
int journal_file_get(struct journal_file *, const char *key, void *out, size_t size);
int journal_file_get_int(struct journal_file *, const char *key, int64_t *);
int journal_file_set(struct journal_file *, const char *key, const void *data, size_t size);
int journal_file_set_int(struct journal_file *, const char *key, int64_t);

/* When much of the file is unused, gives back at most `pages`. 1: there is more to give. */
int journal_file_shrink(struct journal_file *, int pages);

const char *journal_file_message(const struct journal_file *); /* what SQLite said last, or "" */

#endif

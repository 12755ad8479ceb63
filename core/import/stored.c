/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/import/stored.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

enum { BUSY_MS = 10000 };

static int read_all(struct stored *s, sqlite3_stmt *st)
{
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct stored_batch *b;

		if (sqlite3_column_bytes(st, 2) != PS_DIGEST_SIZE)
			continue;
		if ((s->n & (s->n - 1)) == 0)
			s->list = mem_resize(s->list, (s->n ? 2 * s->n : 1) * sizeof(*s->list));
		b = &s->list[s->n++];
		b->seq = (uint64_t)sqlite3_column_int64(st, 0);
		b->rows = (uint64_t)sqlite3_column_int64(st, 1);
		memcpy(b->digest, sqlite3_column_blob(st, 2), PS_DIGEST_SIZE);
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int stored_load(struct stored *s, const char *path, const uint8_t host[PS_ID_SIZE], char why[OLD_WHY])
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int rc;

	*s = (struct stored){0};
	rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(db, BUSY_MS);
		rc =
		    sqlite3_prepare_v2(db, "SELECT seq, rows, digest FROM batches WHERE host = ?1 ORDER BY seq", -1, &st, NULL);
	}
	if (rc == SQLITE_OK) {
		sqlite3_bind_blob(st, 1, host, PS_ID_SIZE, SQLITE_STATIC);
		rc = read_all(s, st);
	} else if (rc == SQLITE_CANTOPEN || strstr(sqlite3_errmsg(db), "no such table")) {
		rc = SQLITE_OK; /* not there, or nothing in it yet */
	}
	if (rc != SQLITE_OK)
		snprintf(why, OLD_WHY, "%s: %s", path, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
	sqlite3_finalize(st);
	sqlite3_close(db);
	return rc == SQLITE_OK ? 0 : -EIO;
}

void stored_done(struct stored *s)
{
	free(s->list);
	*s = (struct stored){0};
}

static int by_seq(const void *key, const void *entry)
{
	uint64_t seq = *(const uint64_t *)key, other = ((const struct stored_batch *)entry)->seq;

	return seq < other ? -1 : seq > other;
}

const struct stored_batch *stored_find(const struct stored *s, uint64_t seq)
{
	return s->n ? bsearch(&seq, s->list, s->n, sizeof(*s->list), by_seq) : NULL;
}

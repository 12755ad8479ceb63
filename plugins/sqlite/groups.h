/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Groups rows in a hash table, as SQLite would sort all of them, which is most of what a question takes. To SQLite, the
 * groups are a (virtual) table then: core/query/sql.h has the rows that come in and the columns that go out.
 */
#ifndef PS_SQLITE_GROUPS_H
#define PS_SQLITE_GROUPS_H

#include <sqlite3.h>
#include <stdbool.h>

#include "core/base/mem.h"
#include "core/base/table.h"

#define GROUPS_TABLE "temp.grouped" /* whatever tables the file has */
#define GROUPS_BYTES_MAX (64 << 20) /* as much as a reader's pages may have */

struct groups {
	unsigned keys, sums; /* of a group */
	struct table by_keys, texts;
	struct group **list; /* as they came */
	size_t n;
	struct arena memory;
	size_t bytes;
};

/* Makes the table known to a connection, which the groups have to outlive. An SQLite code. */
int groups_register(sqlite3 *, struct groups *);

void groups_begin(struct groups *, unsigned keys, bool in_parts);

/* Takes all rows of the statement. An SQLite code; SQLITE_FULL: there are too many groups. */
int groups_take(struct groups *, sqlite3_stmt *);

void groups_done(struct groups *);

#endif

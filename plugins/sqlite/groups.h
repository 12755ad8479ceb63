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
#include "core/base/value.h"

#define GROUPS_AGGREGATE "gather"
#define GROUPS_TABLE "temp.grouped" /* whatever tables the file has */
#define GROUPS_BYTES_MAX (64 << 20) /* as much as a reader's pages may have */

/* At as many groups of a question in parts, they are told. Small enough for a processor to have them at hand. */
#define GROUPS_PART 4096

/* What a group comes to. In parts, only what stands before CALLS. */
enum groups_sum { GROUPS_SENT, GROUPS_RECEIVED, GROUPS_N, GROUPS_CALLS, GROUPS_FIRST, GROUPS_LAST, GROUPS_SUMS };

struct groups {
	unsigned keys, sums; /* of a group */
	/* In parts: tells all groups that are there, which are forgotten then. An SQLite code. */
	int (*tell)(void *arg);
	void *arg;
	struct table by_keys, texts;
	struct group **list; /* as they came */
	size_t n;
	struct arena memory;
	size_t bytes;
	bool full; /* there are too many */
};

/* Makes the aggregate and the table known to a connection, which the groups have to outlive. An SQLite code. */
int groups_register(sqlite3 *, struct groups *);

/* What the aggregate is given from now on is grouped. Where there are too many groups it fails with SQLITE_ABORT,
 * which, unlike SQLITE_FULL, leaves the transaction as it is. */
void groups_begin(struct groups *, unsigned keys);

/* The same of a question in parts: groups are told by the aggregate, which fails as tell() does, and the last ones by
 * the caller. */
void groups_begin_parts(struct groups *, unsigned keys, int (*tell)(void *arg), void *arg);

/* Of the i-th group that is there: a key, which is a text, or else *number; and a sum. */
const struct ps_text *groups_key(const struct groups *, size_t i, unsigned key, int64_t *number);
int64_t groups_sum(const struct groups *, size_t i, enum groups_sum);

void groups_done(struct groups *);

#endif

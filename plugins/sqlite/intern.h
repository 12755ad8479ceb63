/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The dictionaries of the store: executables, domains, addresses and places, each row once.
 *
 * What the file has is cached here, within bounds. An id in the cache may come from the open
 * transaction, so whoever rolls back must call intern_forget().
 */
#ifndef PS_SQLITE_INTERN_H
#define PS_SQLITE_INTERN_H

#include <sqlite3.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/plugin.h"

/* One row of a dictionary, as the cache knows it. */
struct interned {
	int64_t id;
	int64_t seen; /* the row may be removed once all connections up to then are gone */
	uint8_t key[32];
};

enum dictionary { DICT_EXECUTABLES, DICT_DOMAINS, DICT_ADDRESSES, DICT_PLACES, DICTIONARIES };

#define INTERN_TEXTS 7 /* of the row that has most */

struct intern {
	const struct ps_host *host;
	struct {
		sqlite3_stmt *find, *add, *touch;
		struct table cache;
		struct arena memory;
	} dict[DICTIONARIES];
	struct buf text[INTERN_TEXTS]; /* on their way into a statement */
	struct interned nothing;       /* row 0 */
};

/* Prepares the statements. An SQLite result code; intern_done() in any case. */
int intern_init(struct intern *, sqlite3 *, const struct ps_host *);
void intern_done(struct intern *);

/* Empties the cache: after a rollback, and after rows were removed. */
void intern_forget(struct intern *);

/* The same if it has grown large. Between batches only: entries are held during one. */
void intern_trim(struct intern *);

/* The row for it, made if need be, with *out valid until the cache is emptied. An SQLite code. */
int intern_exe(struct intern *, const struct ps_exe *, int64_t contime, struct interned **out);
int intern_domain(struct intern *, struct ps_text, int64_t contime, struct interned **out);
int intern_addr(struct intern *, const struct ps_addr *, int64_t contime, struct interned **out);
int intern_place(struct intern *, const struct ps_place *, int64_t contime, struct interned **out);

/* Notes that a connection or program of that time refers to the row. An SQLite code. */
int intern_touch(struct intern *, enum dictionary, struct interned *, int64_t contime);

#endif

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

#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/query/shape.h"

struct intern {
	struct {
		sqlite3_stmt *find, *add, *touch;
		struct table cache;
		struct arena memory;
	} dict[ROW_DICTIONARIES];
};

/* Prepares the statements. An SQLite result code; intern_done() in any case. */
int intern_init(struct intern *, sqlite3 *);
void intern_done(struct intern *);

/* Empties the cache: after a rollback, and after rows were removed. */
void intern_forget(struct intern *);

/* The same if it has grown large. Between batches only. */
void intern_trim(struct intern *);

/* The id of the entry's row, which is made if need be; a row of `contime` will refer to it. An
 * SQLite code. The entry's note is used. */
int intern_entry(struct intern *, enum row_dictionary, struct row_entry *, int64_t contime, int64_t *id);

#endif

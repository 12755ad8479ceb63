/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which entries of the dictionaries a destination has, for sinks that only insert: what is known to be
 * stored is not sent again. Bounded. One thread.
 *
 * For each batch: entries_want() for every value of its rows that is an entry; what entries_wanted()
 * gives is then inserted, and entries_stored() says that this is durable. Rows that hold an entry
 * which entries_refused() was called for cannot be stored.
 */
#ifndef PS_QUERY_ENTRIES_H
#define PS_QUERY_ENTRIES_H

#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/query/shape.h"

struct entries {
	struct {
		struct table known; /* of what is stored: struct entry_key, in memory */
		struct arena memory;
		struct table wanted; /* of the batch's: struct row_entry */
		const struct row_entry **list;
		size_t n;
	} dict[ROW_DICTIONARIES];
	struct table refused; /* of the batch's, by key */
};

void entries_init(struct entries *);
void entries_done(struct entries *);

/* For the next batch: nothing is wanted or refused any more, and what has grown large is forgotten. */
void entries_begin(struct entries *);

/* Everything is forgotten: the destination may be another one. */
void entries_forget(struct entries *);

/* The entry, which lives until entries_begin(), is needed. */
void entries_want(struct entries *, enum row_dictionary, const struct row_entry *);

/* What is needed and not known to be stored, sorted by key: so that hosts which insert the same never
 * wait for one another in a circle. */
const struct row_entry *const *entries_wanted(struct entries *, enum row_dictionary, size_t *n);

/* All that was wanted is stored now, but for what was refused. */
void entries_stored(struct entries *);

/* The destination will never have that entry, which is wanted. */
void entries_refuse(struct entries *, const struct row_entry *);
bool entries_refused(const struct entries *, const struct row_entry *);

#endif

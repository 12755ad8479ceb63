/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rows of an older database, as batches of a host of their own (boot zero, seq from 0), into a store. The host's
 * name is made from what the file begins with, and each batch has the rows that it had at an earlier import: so what is
 * there already is not written again, and what has been added to the file since is.
 */
#ifndef PS_IMPORT_TRANSFER_H
#define PS_IMPORT_TRANSFER_H

#include "core/import/old_db.h"

struct transfer {
	const char *store; /* the SQLite file */
	/* Stores a batch: 0, or -errno with a reason. NULL: nothing is written. */
	int (*write)(void *arg, const struct ps_batch *, char why[OLD_WHY]);
	/* After some rows: how far it has come, of how many (0: not known). */
	void (*progress)(void *arg, int64_t at, int64_t last);
	void *arg;
	int64_t now_s, cutoff_s; /* rows from before the cutoff are older than the store's retention */
};

/* What became of it is in the report. */
void transfer_run(const struct transfer *, struct old_db *, struct report *);

#endif

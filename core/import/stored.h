/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a store has of an older file already: the batches that an earlier import of it made. */
#ifndef PS_IMPORT_STORED_H
#define PS_IMPORT_STORED_H

#include "core/import/old_file.h"
#include "core/record.h"

struct stored_batch {
	uint64_t seq, rows;
	uint8_t digest[PS_DIGEST_SIZE];
};

struct stored {
	struct stored_batch *list; /* by seq; the store's retention may have removed the first ones */
	size_t n;
};

/* From the SQLite file of a store; one that is empty, or not there, has nothing. 0, or -EIO with a reason. */
int stored_load(struct stored *, const char *path, const uint8_t host[PS_ID_SIZE], char why[OLD_WHY]);
void stored_done(struct stored *);

/* NULL: it has no such batch. */
const struct stored_batch *stored_find(const struct stored *, uint64_t seq);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A batch as rows: what SQL stores hold, the same in each of them, and what the chain is over.
 * One thread.
 */
#ifndef PS_QUERY_ROWS_H
#define PS_QUERY_ROWS_H

#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/query/chain.h"

struct rows {
	const struct ps_batch *batch;
	struct row_entry **exes, **domains, **places; /* by the batch's indexes; NULL: not needed yet */
	struct table addresses;
	struct arena memory;
	struct buf scratch;
	uint64_t clamped; /* counts that were more than INT64_MAX */
};

/* The batch must outlive it. */
void rows_init(struct rows *, const struct ps_batch *);
void rows_done(struct rows *);

/* Sets values[0 .. row_tables[table].n) to the row of a record of row_kind(table). They live until
 * rows_done(). */
void rows_get(struct rows *, enum row_table, const struct ps_record *, struct row_value *values);

/* The batch's own row: name, previous digest, and the time that its records span. */
void rows_name(struct rows *, struct chain_name *);

/* Adds all of the batch's rows to a cleared chain. */
void rows_chain(struct rows *, struct chain *);

/* The digest of a batch, over its rows. */
void rows_digest(const struct ps_batch *, uint8_t digest[PS_DIGEST_SIZE]);

/* Seconds of a time in nanoseconds, rounded down. */
int64_t rows_seconds(int64_t ns);

#endif

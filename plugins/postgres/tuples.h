/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows in the binary format of PostgreSQL's COPY. */
#ifndef PS_POSTGRES_TUPLES_H
#define PS_POSTGRES_TUPLES_H

#include "core/base/buf.h"
#include "core/query/rows.h"

#define TUPLES_ID 16 /* bytes of a uuid */

/* The rows of a batch in one table. */
struct tuples {
	struct buf data;
	size_t *ends;   /* of each row, in data */
	int64_t *times; /* of each row, Unix seconds */
	uint32_t n, cap;
};

void tuples_clear(struct tuples *);
void tuples_done(struct tuples *);

/* Adds row n of the batch. */
void tuples_add(struct tuples *, const struct row_shape *, const struct row_value *, const uint8_t host[TUPLES_ID],
                const uint8_t batch[TUPLES_ID]);

/* "COPY name (columns) FROM STDIN (FORMAT binary)", ends with a NUL. */
void tuples_copy(struct buf *sql, const char *name, const struct row_shape *);

#endif

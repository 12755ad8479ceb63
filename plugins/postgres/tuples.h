/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows in the binary format of PostgreSQL's COPY. */
#ifndef PS_POSTGRES_TUPLES_H
#define PS_POSTGRES_TUPLES_H

#include "core/base/buf.h"
#include "core/query/relation.h"

/* The rows of a batch in one table. */
struct tuples {
	struct buf data;
	size_t *ends; /* of each row, in data */
	uint32_t n, cap;
};

void tuples_clear(struct tuples *);
void tuples_done(struct tuples *);

/* Adds a row, whose number in the batch is `row`. */
void tuples_add(struct tuples *, const struct row_shape *, const struct row_value *,
                const uint8_t host[RELATION_KEY_SIZE], const uint8_t batch[RELATION_KEY_SIZE], uint32_t row);

/* "COPY name (columns) FROM STDIN (FORMAT binary)", ends with a NUL. */
void tuples_copy(struct buf *sql, const char *name, const struct row_shape *);

#endif

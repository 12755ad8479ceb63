/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows that may be there already, and then stay as they are: INSERT ... ON CONFLICT DO NOTHING, which needs no other
 * right. */
#ifndef PS_POSTGRES_INSERT_H
#define PS_POSTGRES_INSERT_H

#include "core/base/buf.h"
#include "core/query/deposit.h"
#include "plugins/postgres/link.h"

/* The row of a batch; *is_new: there was none. sql is for the statement. */
enum trouble insert_ledger(struct link *, struct buf *sql, const char *table, const struct deposit_batch *,
                           bool *is_new);

/* Entries, in as many statements as it takes. */
enum trouble insert_dictionary(struct link *, struct buf *sql, const char *table, enum row_dictionary,
                               const struct row_entry *const *list, size_t n);

#endif

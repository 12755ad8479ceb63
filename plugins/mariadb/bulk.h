/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows for one INSERT, column by column: as arrays of parameters, or for servers that take none as
 * statements of many rows.
 */
#ifndef PS_MARIADB_BULK_H
#define PS_MARIADB_BULK_H

#include "core/base/buf.h"
#include "core/query/relation.h"
#include "plugins/mariadb/link.h"

#define BULK_COLUMNS 32

struct bulk_column {
	const char *name;
	enum row_type type; /* ROW_ENTRY: bytes */
	int64_t *numbers;
	char **texts;
	unsigned long *lengths;
	char *indicators;
};

struct bulk {
	const char *table;
	bool ignore; /* INSERT IGNORE */
	unsigned n_columns;
	struct bulk_column columns[BULK_COLUMNS];
	uint32_t n, cap;
	size_t *sizes;             /* of each row on the wire, about */
	struct buf sql;            /* of the statement for one row */
	MYSQL_STMT *one, *several; /* for one row or an array; for several rows */
};

/* A table's name and its columns, by bulk_column(). The names are not copied. */
void bulk_init(struct bulk *, const char *table, bool ignore);
void bulk_column(struct bulk *, const char *name, enum row_type);
void bulk_done(struct bulk *);

void bulk_clear(struct bulk *);  /* no rows */
void bulk_forget(struct bulk *); /* the statements: before the connection is closed */

/* The next row, value by value, in the order of the columns. Texts and keys must live until
 * bulk_clear(). */
void bulk_row(struct bulk *);
void bulk_number(struct bulk *, unsigned column, int64_t);
void bulk_bytes(struct bulk *, unsigned column, const void *data, size_t len);
void bulk_value(struct bulk *, unsigned column, const struct row_value *);

/* Whether the server takes a statement with that row. */
bool bulk_fits(const struct bulk *, const struct link *, uint32_t row);

/* Inserts rows from..to-1; *inserted grows by those that were not there yet. */
enum trouble bulk_insert(struct bulk *, struct link *, uint32_t from, uint32_t to, uint64_t *inserted);

#endif

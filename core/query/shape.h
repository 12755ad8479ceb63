/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables that all stores share, as data: what a row of each consists of, and in which order
 * its columns are hashed (chain.h). Times are Unix seconds, counts stop at INT64_MAX, texts are
 * UTF-8 as `picosnitch` shows them, and what is not known is NULL or empty.
 *
 * The order and the names are part of the chain's format: columns may not be moved or renamed,
 * new ones go to the end of a table, with CHAIN_FORMAT raised.
 */
#ifndef PS_QUERY_SHAPE_H
#define PS_QUERY_SHAPE_H

#include <stdbool.h>

#include "core/record.h"

/* In the order in which a batch's rows are hashed. */
enum row_table { ROW_CONNECTIONS, ROW_PROGRAMS, ROW_LOSSES, ROW_AUDIT, ROW_VERDICTS, ROW_TABLES };

/* What rows refer to: each entry is kept once. */
enum row_dictionary { ROW_EXECUTABLES, ROW_DOMAINS, ROW_ADDRESSES, ROW_PLACES, ROW_DICTIONARIES };

enum row_type { ROW_NULL, ROW_NUMBER, ROW_TEXT, ROW_ENTRY };

struct row_column {
	const char *name;
	enum row_type type;             /* of its values, unless they are ROW_NULL */
	enum row_dictionary dictionary; /* of a ROW_ENTRY */
	bool optional;                  /* may be ROW_NULL */
};

struct row_shape {
	const char *name;
	const struct row_column *columns;
	unsigned n;
};

#define ROW_COLUMNS_MAX 23
#define ROW_ENTRY_COLUMNS_MAX 9

extern const struct row_shape row_tables[ROW_TABLES];
extern const struct row_shape row_dictionaries[ROW_DICTIONARIES];

#define ROW_KEY_SIZE 32

struct row_value {
	enum row_type type;
	int64_t number;
	struct ps_text text;
	struct row_entry *entry;
};

/* An entry of a dictionary. Its key is the digest of its columns (chain_entry()): equal entries have
 * the same key on every machine. All zero is the key of the empty one. */
struct row_entry {
	uint8_t key[ROW_KEY_SIZE];
	bool empty;
	void *note; /* of whoever stores it: NULL at first, and gone with the batch */
	struct row_value values[ROW_ENTRY_COLUMNS_MAX];
};

/* The enum ps_kind whose records are rows of that table. */
enum ps_kind row_kind(enum row_table);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables of picosnitch in a database server, as every sink for one makes them: what shape.h has, the
 * columns by which machines share a database, and the ledger of batches.
 */
#ifndef PS_QUERY_RELATION_H
#define PS_QUERY_RELATION_H

#include "core/plugin.h"
#include "core/query/shape.h"

/* Tables, dictionaries, and then the ledger. */
enum { RELATION_BATCHES = ROW_TABLES + ROW_DICTIONARIES, RELATIONS };

enum relation_kind {
	RELATION_NUMBER, /* 64 bits */
	RELATION_SMALL,  /* 32 bits */
	RELATION_KEY,    /* 16 bytes: of an entry, a batch, a host or a boot */
	RELATION_DIGEST, /* 32 bytes */
	RELATION_WORD,   /* a text that is never long */
	RELATION_TEXT,
	RELATION_BYTES,
};

/* Bytes of a RELATION_KEY. */
#define RELATION_KEY_SIZE 16

struct relation_column {
	const char *name;
	enum relation_kind kind;
	bool optional; /* may be NULL */
};

/* The columns of a relation in their order; false after the last. Of a dictionary: its key, and then
 * its shape; of a table: its shape, then host, batch and row. */
bool relation_column(unsigned relation, unsigned at, struct relation_column *);

/* The columns of the ledger, by their order. */
enum {
	LEDGER_HOST,
	LEDGER_BOOT,
	LEDGER_SEQ,
	LEDGER_HOSTNAME,
	LEDGER_DIGEST,
	LEDGER_PREVIOUS,
	LEDGER_START,
	LEDGER_END,
	LEDGER_ROWS,
	LEDGER_BATCH,
	LEDGER_SET_ASIDE,
	LEDGER_MARKS,
	LEDGER_COLUMNS
};

/* The column that a table is asked and divided by. */
const char *relation_time(enum row_table);

/* What a column of the empty entry holds, and one that is added to rows which are there: as SQL. */
const char *relation_unknown(const struct relation_column *);

#define RELATION_NAME 136

/* The names, with what the options `table` and `table_prefix` make of them. */
struct relation_names {
	char of[RELATIONS][RELATION_NAME], flat[RELATION_NAME];
};

void relation_names(struct relation_names *, const struct ps_host *, struct ps_ctx *);

#endif

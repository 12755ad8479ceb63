/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole store, for whoever computes its hash chain again. Installed as <picosnitch/trail.h>; tables,
 * dictionaries and columns are those of picosnitch-store(7), in its order.
 */
#ifndef PS_TRAIL_H
#define PS_TRAIL_H

#include "record.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ps_value_type {
	PS_VALUE_NULL,
	PS_VALUE_NUMBER,
	PS_VALUE_TEXT,
	PS_VALUE_ENTRY, /* text is the id of an entry of a dictionary: bytes as the store has them */
};

struct ps_value {
	enum ps_value_type type;
	int64_t number;
	struct ps_text text;
};

struct ps_trail_batch {
	uint8_t host[PS_ID_SIZE], boot[PS_ID_SIZE];
	uint64_t seq;
	uint8_t digest[PS_DIGEST_SIZE], previous[PS_DIGEST_SIZE];
	struct ps_text hostname;
	int64_t start, end; /* Unix seconds */
	uint64_t rows;
	int has_marks; /* 0: it was stored by a version that had none */
	struct ps_text marks;
	uint64_t set_aside; /* rows that the store would not take */
};

/* What is told, in this order. A function that returns non-zero ends the walk, whose result it is. */
struct ps_trail {
	void *arg;

	/* Batches that began before the cutoff may have lost rows to retention; INT64_MIN: none have. */
	int (*begin)(void *arg, int64_t cutoff);

	/* Every entry of every dictionary; the empty one's id is all zero. */
	int (*entry)(void *arg, unsigned dictionary, struct ps_text id, const struct ps_value *values, unsigned n);

	/* A batch, those of a host in the order of their numbers, and then its rows: by table, and in a
	 * table in the order in which they came. */
	int (*batch)(void *arg, const struct ps_trail_batch *);
	int (*row)(void *arg, unsigned table, const struct ps_value *values, unsigned n);

	/* Anywhere between: a row that is of no batch, or is not where its batch's rows are. */
	int (*stray)(void *arg, unsigned table, const struct ps_value *values, unsigned n);
};

#ifdef __cplusplus
}
#endif

#endif

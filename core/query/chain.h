/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hash chain over what is stored, which can be computed again from the rows alone.
 *
 * Numbers are little-endian, and u32 unless said otherwise; a text is its length and its bytes.
 *
 *   value    NULL: u8 0; number: u8 1, i64; text: u8 2, text; entry of a dictionary: u8 3, its key[32]
 *   key      SHA-256 of: name of the dictionary (a text), the values of its columns
 *   row      SHA-256 of: name of the table (a text), the values of its columns
 *   batch    SHA-256 of: the text "picosnitch batch 1", host[16], boot[16], seq u64, digest[32] of the
 *            batch before, hostname (a text), starttime i64, endtime i64, number of rows u64,
 *            and the rows' digests, by table and then in the order in which they came
 *
 * Tables, dictionaries and the order of their columns are those of shape.h. A `mark` of a row is
 * kept beside a batch, so that a row that does not fit any more can be named: the number of its table
 * (u8), and the first 7 bytes of its digest.
 */
#ifndef PS_QUERY_CHAIN_H
#define PS_QUERY_CHAIN_H

#include "core/base/buf.h"
#include "core/query/shape.h"

#define CHAIN_FORMAT 1
#define CHAIN_MARK_SIZE 8

/* What a batch is called, and what comes before it. */
struct chain_name {
	uint8_t host[PS_ID_SIZE], boot[PS_ID_SIZE];
	uint64_t seq;
	uint8_t previous[PS_DIGEST_SIZE];
	struct ps_text hostname; /* as it is stored */
	int64_t start, end;      /* Unix seconds */
};

/* A batch's rows so far. */
struct chain {
	struct buf digests, marks, scratch;
	uint64_t rows;
};

void chain_init(struct chain *);
void chain_done(struct chain *);
void chain_clear(struct chain *); /* for the next batch */

/* The next row: tables in the order of enum row_table. values: one for each column. */
void chain_add(struct chain *, enum row_table, const struct row_value *values);

/* The digest of a batch that has the rows added so far. */
void chain_digest(struct chain *, const struct chain_name *, uint8_t digest[PS_DIGEST_SIZE]);

/* What rows in stores of many hosts are tied to their batch by: the beginning of the SHA-256 of
 * host[16], boot[16], seq u64. */
#define CHAIN_BATCH_KEY_SIZE 16
void chain_batch_key(const uint8_t host[PS_ID_SIZE], const uint8_t boot[PS_ID_SIZE], uint64_t seq,
                     uint8_t key[CHAIN_BATCH_KEY_SIZE]);

/* Sets the key of an entry from its values. */
void chain_entry(struct buf *scratch, enum row_dictionary, struct row_entry *);

#endif

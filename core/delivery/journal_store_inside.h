/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the journal's store share: journal_store.c has batches and cursors, journal_trim.c what leaves, and
 * what is kept for people. */
#ifndef PS_DELIVERY_JOURNAL_STORE_INSIDE_H
#define PS_DELIVERY_JOURNAL_STORE_INSIDE_H

#include "core/delivery/journal_file.h"
#include "core/delivery/journal_store.h"

struct store_sink {
	char *name;
	uint64_t cursor;                   /* within the transaction */
	uint64_t stored;                   /* as committed */
	uint64_t reached;                  /* what it has beyond doubt, committed or not */
	int written;                       /* its row is there */
	int people;                        /* struct journal_sink */
	struct journal_drop drop, dropped; /* of this transaction; committed and not told yet */
};

/* What a rollback takes back. */
struct state {
	uint64_t last_seq, batches, bytes;
	uint64_t swept; /* up to there, what is not for people has been deleted for all but those */
	uint8_t digest[PS_DIGEST_SIZE];
	int64_t last_end_ns;
};

struct store {
	struct journal_file file;
	codec_digest *digest;
	struct state now, committed;
	struct store_sink *sinks;
	size_t n_sinks;
	int named; /* store_sinks() was called: until then nothing is deleted */
	uint8_t host[PS_ID_SIZE];
	uint64_t told; /* struct journal_stats */
};

/* Adds drop to the sum. */
void store_add_drop(struct journal_drop *sum, const struct journal_drop *drop);

/* A batch that was appended has so many records for people. 0 or -errno. */
int store_told(struct store *, uint64_t seq, size_t bytes, uint32_t records);
/* How many of those wait: told. */
int store_count_told(struct store *);

#endif

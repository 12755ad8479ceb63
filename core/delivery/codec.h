/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A batch as bytes: the one form in memory, in the journal, on the sockets and in the fuzz
 * corpus. Format (little-endian; written down in codec_format.h): magic and version, name
 * (host, boot, seq), digest of the batch before, counts, executables, texts, places, records, and at the
 * end the batch's digest (the hash chain of core/query/chain.h) and a checksum. Pure; any thread.
 *
 * There is one encoding of a batch: what decodes, encodes to the same bytes, unless they were of
 * an older version.
 */
#ifndef PS_DELIVERY_CODEC_H
#define PS_DELIVERY_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/record.h"

/* No batch may be longer than this; whoever makes batches splits them far below it. */
#define CODEC_SIZE_MAX (64u << 20)

/* Appends the batch, with seq, previous and digest zero: codec_seal() sets them. What the
 * records hold beyond their meaning (bytes of an address that its family does not use, a hash
 * that is not PS_HASH_OK) is written as zero. */
void codec_encode(struct buf *out, const struct ps_batch *);

/* The digest of a batch, by which a chain links it: it has all but its own digest. The journal does not
 * care how; stores want to compute it again from what they hold (core/query/chain.h). */
typedef void codec_digest(const struct ps_batch *, uint8_t digest[PS_DIGEST_SIZE]);

/* Gives an encoded batch its place in the chain, and writes its digest to `digest`: takes a few
 * microseconds a record. data/len is exactly what codec_encode() appended. Returns how many of its records
 * people are told of at once: new and changed programs that were not expected, suspicious verdicts, alerts. */
uint32_t codec_seal(uint8_t *data, size_t len, uint64_t seq, const uint8_t previous[PS_DIGEST_SIZE], codec_digest *,
                    uint8_t digest[PS_DIGEST_SIZE]);

/* Decodes into `arena`: the batch points into arena and data, both of which must outlive it.
 * NULL, with *why set to a constant text, when the bytes are not a whole sealed batch of a known
 * version: damaged, cut, an index out of range, counts that the length cannot hold. */
const struct ps_batch *codec_decode(const void *data, size_t len, struct arena *, const char **why);

/* The same without a look at the checksum: for the fuzzer. */
const struct ps_batch *codec_decode_unchecked(const void *data, size_t len, struct arena *, const char **why);

/* How many records an encoded batch says that it has; 0 if it is too short to say. */
uint32_t codec_count(const void *data, size_t len);

/* Sums over a batch's records, for the account of what was lost. Times are the earliest start
 * and the latest end; 0 without records. Alerts count as records, their bytes do not. */
struct codec_totals {
	uint64_t records, sent, received;
	int64_t start_ns, end_ns;
};
void codec_totals(const struct ps_batch *, struct codec_totals *);

#endif

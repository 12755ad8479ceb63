/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A batch while rows are added to it; then its place in a chain. One thread. */
#ifndef PS_IMPORT_CHUNK_H
#define PS_IMPORT_CHUNK_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/record.h"

enum { CHUNK_ROWS = 5000, CHUNK_BYTES = 16 << 20 };

struct chunk {
	struct arena arena;
	struct table exe_index, text_index;
	struct ps_exe *exes;
	struct ps_text *texts;
	struct ps_record *records;
	uint32_t n_exes, n_texts, n_records;
	size_t bytes; /* of texts */
	struct buf encoded;
	struct arena decoded;
};

void chunk_init(struct chunk *);
void chunk_done(struct chunk *);
void chunk_clear(struct chunk *); /* for the next one */

/* Whether a row more would be too much. */
bool chunk_is_full(const struct chunk *);

/* A text's number in the batch. */
uint32_t chunk_text(struct chunk *, struct ps_text);

/* The number of the program image that was added under this key; 0: none was. The empty one is 0. */
uint32_t chunk_find_exe(const struct chunk *, struct ps_text key);
/* Adds one; its texts are copied. */
uint32_t chunk_add_exe(struct chunk *, struct ps_text key, const struct ps_exe *);

void chunk_add(struct chunk *, const struct ps_record *);

/* The batch of that name, behind `previous`, as every sink gets it; it lives until chunk_clear(). NULL with a
 * reason: what was added is no batch. */
const struct ps_batch *chunk_seal(struct chunk *, const uint8_t host[PS_ID_SIZE], uint64_t seq,
                                  const uint8_t previous[PS_DIGEST_SIZE], const char **why);

#endif

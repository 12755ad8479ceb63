/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records into encoded batches, with what they refer to: as many batches as it takes. Main thread only. */
#ifndef PS_LEDGER_WRITER_H
#define PS_LEDGER_WRITER_H

#include <stdbool.h>

#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/identify/place.h"
#include "core/ledger/ledger.h"

struct writer {
	struct buf *out; /* the batches: the caller's to free, like the array */
	size_t n_out;
	/* private */
	const struct ledger_origin *origin;
	ledger_encode encode;
	bool commands;
	struct table index, place_index; /* program or place -> its number plus one, as a pointer */
	struct table names;              /* domain -> its number among the texts, likewise */
	struct program **programs;
	struct place **where;
	struct ps_exe *exes;
	struct ps_place *places;
	struct ps_text *texts;
	struct ps_record *records;
	uint32_t n_exes, n_places, n_texts, n_records;
	size_t room; /* records in one batch */
	size_t text_size;
	char nowhere[PLACE_ROOM(0)];
	struct arena arena;
};

/* Room for `records` of them at once, and their executables; commands: with command lines. */
void writer_open(struct writer *, const struct ledger_origin *, ledger_encode, bool commands, size_t records);
void writer_close(struct writer *); /* leaves `out` */

/* Begins a batch, and ends it: nothing is made of an empty one. */
void writer_begin(struct writer *);
void writer_flush(struct writer *);

/* A record more, empty, for the caller to fill in with numbers from below: it may begin another batch, so
 * it comes before them. What they point to must live until the batch ends, but for writer_text()'s. */
struct ps_record *writer_record(struct writer *);
uint32_t writer_exe(struct writer *, struct program *); /* NULL: 0 */
uint32_t writer_place(struct writer *, struct place *); /* NULL: 0 */
/* An executable of its own: that program, with another file. */
uint32_t writer_add(struct writer *, const struct program *, enum ps_hash_state, const uint8_t sha256[32]);
uint32_t writer_text(struct writer *, const void *text, size_t len); /* copied; four for each record, at most */
uint32_t writer_name(struct writer *, struct ps_text domain);        /* likewise, but equal ones are one */

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks the memory about every program that is seen with traffic, and about its parents, and about the script
 * that one of them was started on, which is remembered as an executable of its own; and makes notes of what is
 * new: at once, or as soon as the hash is there. Main thread only.
 */
#ifndef PS_LEDGER_FIRST_SEEN_H
#define PS_LEDGER_FIRST_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/identify/process.h"
#include "core/ledger/losses.h"
#include "core/ledger/memory.h"

struct first_seen;

/* Programs that wait for their hash, or for the memory to be loaded; notes that wait to be taken. */
enum { FIRST_WAITING_MAX = 8192, FIRST_NOTES_MAX = 16384 };

/* Without a memory yet: who is seen until first_seen_loaded() waits for it. */
struct first_seen *first_seen_open(struct processes *, struct losses *);
void first_seen_close(struct first_seen *);

/* Takes the memory over. */
void first_seen_loaded(struct first_seen *, struct memory *);
struct memory *first_seen_memory(const struct first_seen *); /* NULL: not loaded yet */

/* A program and its parents were seen. `window` is another number in each window: within one, the same program
 * is looked at once. Call it also for traffic that is not logged. */
void first_seen_ask(struct first_seen *, const struct lineage *, uint32_t uid, uint32_t window);

/* The file at the path of a running program (or of the script that it was started on) has other content now, or is
 * gone: who runs (its own file is what it runs), the content that lies there (NULL: none, or it is not known, and
 * `state` says why). Noted if the program is one of those that were seen. */
void first_seen_changed(struct first_seen *, const struct lineage *who, uint32_t uid, enum ps_program_role, bool script,
                        enum ps_hash_state state, const uint8_t now[32]);

/* Looks after those that wait. True while some do for less than their time: call it again soon. */
bool first_seen_check(struct first_seen *, int final);

/* What is new, in the words of struct ps_program. */
struct first_note {
	struct lineage who; /* whom it is about, and its parents */
	int64_t at_ns;
	uint32_t uid;
	enum ps_program_event event;
	enum ps_program_role role;
	bool expected;
	bool script; /* it is about the script that the program was started on */
	uint8_t previous[32];
	/* CHANGED: what lies there, instead of the program's own. */
	enum ps_hash_state state;
	uint8_t sha256[32];
};

size_t first_seen_waiting_notes(const struct first_seen *);
const struct first_note *first_seen_note(const struct first_seen *, size_t i);
void first_seen_taken(struct first_seen *); /* all of them */

/* The name of what the note is about: the program's, or that of its script's file. */
struct ps_text first_note_name(const struct first_note *);

/* One line for people: what is new of whom. */
void first_note_text(const struct first_note *, struct buf *out);

/* The note's line of exe.log, without a newline: fields with a tab between them, in each of which
 * control characters, backslashes and what is not UTF-8 are escaped. */
void first_note_line(const struct first_note *, struct buf *out);

struct first_seen_stats {
	uint64_t told, expected; /* notes since start; of them expected ones */
	uint64_t waiting;
};
void first_seen_get_stats(const struct first_seen *, struct first_seen_stats *);

#endif

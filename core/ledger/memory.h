/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first-seen memory: which executables have been seen, under which names, with which SHA-256,
 * themselves and as parents and grandparents of those that were. Pure: no file, no clock. Bounded:
 * beyond that, what has not been seen for longest is forgotten, and counted; what is expected is not.
 * One thread at a time.
 *
 * Without a path there are kernel threads: they are one executable, the empty one, with many names.
 */
#ifndef PS_LEDGER_MEMORY_H
#define PS_LEDGER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

enum {
	MEMORY_EXES_MAX = 16384,
	MEMORY_NAMES_MAX = 64,  /* of one executable */
	MEMORY_HASHES_MAX = 64, /* of one executable */
	MEMORY_BYTES_MAX = 32 << 20,
	MEMORY_PATH_MAX = 4096, /* of longer ones, the beginning counts */
	MEMORY_NAME_MAX = 64,
	MEMORY_VERDICT_MAX = 256,
};

/* Roles as bits: 1 << enum ps_program_role. */
enum { MEMORY_ROLES = 3 };

struct memory_name {
	struct ps_text text;
	uint8_t roles; /* in which it was seen; 0: expected, and not seen yet */
	bool expected;
	int64_t first_s, last_s; /* seconds since 1970 */
};

struct memory_hash {
	uint8_t sha256[32];
	bool expected;
	int64_t first_s, last_s; /* 0: not seen yet */
	char *verdict;           /* what is known of it elsewhere; "": nothing */
};

/* Names and hashes stand in the order in which they were seen last. */
struct memory_exe {
	struct ps_text path;
	uint8_t roles;
	bool expected; /* whatever is new of it is expected */
	int64_t first_s, last_s;
	struct memory_name *names;
	struct memory_hash *hashes;
	size_t n_names, n_hashes;
	bool kept; /* it, or something of it, is expected: it is not forgotten for want of room */
	/* private */
	size_t bytes;
	struct memory_exe *newer, *older;
};

struct memory;

struct memory *memory_open(void);
void memory_close(struct memory *);
struct memory *memory_clone(const struct memory *);

struct memory_sighting {
	struct ps_text path, name;
	enum ps_program_role role;
	const uint8_t *sha256; /* NULL: not known */
	int64_t at_s;
};

/* What was new in a sighting. As one who talks itself, only what did so is known; as a
 * parent or grandparent, whatever was seen. */
struct memory_news {
	bool exe;  /* the executable, in this role; then nothing is said of its name */
	bool name; /* the name, in this role */
	bool hash; /* the hash, of an executable that had another one before */
	bool exe_expected, name_expected, hash_expected;
	uint8_t previous[32]; /* with `hash`: the one that was seen last */
};

/* Takes a sighting in. True if something was new. */
bool memory_see(struct memory *, const struct memory_sighting *, struct memory_news *);

/* An executable, or NULL. It lives until the memory changes. */
struct memory_exe *memory_find(const struct memory *, struct ps_text path);
/* One executable after the other, those first that were seen longest ago; the one that was given last may
 * be forgotten meanwhile, if the next was asked for before. */
struct memory_exe *memory_first(const struct memory *);
struct memory_exe *memory_next(const struct memory *, const struct memory_exe *);

/* Adds what is not there yet, without having been seen. For reading a file, and for what is expected before it
 * comes. NULL: no room, as all that is there is expected. */
struct memory_exe *memory_add(struct memory *, struct ps_text path);
struct memory_name *memory_add_name(struct memory *, struct memory_exe *, struct ps_text name);
struct memory_hash *memory_add_hash(struct memory *, struct memory_exe *, const uint8_t sha256[32]);
/* After members of it were set from outside. */
void memory_settle(struct memory *, struct memory_exe *);

/* Whether one more may be marked as expected: half of the room is for what comes by itself. */
bool memory_may_expect(const struct memory *);

void memory_forget(struct memory *, struct memory_exe *);
void memory_forget_name(struct memory *, struct memory_exe *, size_t i);
void memory_forget_hash(struct memory *, struct memory_exe *, size_t i);

/* What is known elsewhere of a hash: of one executable; and of every one that has it (false: none has). */
void memory_set_verdict(struct memory *, struct memory_exe *, struct memory_hash *, const char *verdict);
bool memory_verdict(struct memory *, const uint8_t sha256[32], const char *verdict);

/* Of the executables that have a hash, the one that was last seen with it, and that; NULL: none has. They live until
 * the memory changes. */
const struct memory_exe *memory_find_hash(const struct memory *, const uint8_t sha256[32], const struct memory_hash **);

struct memory_stats {
	size_t exes, expected, bytes;
	uint64_t changes;                                  /* counts up with everything but times */
	uint64_t sightings;                                /* and this with times */
	uint64_t forgot_exes, forgot_names, forgot_hashes; /* for want of room, since it was opened */
};
void memory_get_stats(const struct memory *, struct memory_stats *);

#endif

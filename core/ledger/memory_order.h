/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What people ask of the memory: which of it is meant, to forget it, and to expect it or not. The
 * command line does it itself when no daemon runs; otherwise the order goes to the daemon as one line
 * of JSON. Pure.
 */
#ifndef PS_LEDGER_MEMORY_ORDER_H
#define PS_LEDGER_MEMORY_ORDER_H

#include "core/base/mem.h"
#include "core/ledger/memory.h"

enum { MEMORY_PATTERNS_MAX = 256, MEMORY_ORDER_MAX = 64 << 10 };

enum memory_action { MEMORY_SHOW, MEMORY_FORGET, MEMORY_EXPECT, MEMORY_UNEXPECT };

/* Of each kind that has any, one must fit. Patterns are compared with what is shown (text_show()), where
 * `*` stands for any text and `?` for one byte.
 *   exes    without either: that path, and all that is below it if it is a folder
 *   hashes  hexadecimal: the beginning of the SHA-256 */
struct memory_order {
	enum memory_action action;
	const char *exes[MEMORY_PATTERNS_MAX], *names[MEMORY_PATTERNS_MAX], *hashes[MEMORY_PATTERNS_MAX];
	size_t n_exes, n_names, n_hashes;
	bool all;     /* to forget or expect everything: then none of the others */
	int expected; /* 1: only what is expected, -1: only what is not, 0: either */
};

/* A path or name from a command line as a pattern: bytes that would not be shown as they are become
 * escapes; what is escaped already stays so. */
const char *memory_pattern(struct arena *, const char *word);

/* Whether an executable, or one of its names or hashes, is meant. */
bool memory_meant(const struct memory_order *, const struct memory_exe *);

/*
 * Does it, and returns how many executables, names and hashes it concerned; -EINVAL with a reason
 * when the order makes no sense, -ENOSPC when no more can be expected.
 *
 * Without names and hashes the whole executable is meant, with them these alone. To be expected it need
 * not be known, if it is given without `*` and `?` (a hash whole).
 */
long memory_obey(struct memory *, const struct memory_order *, const char **why);

/* As a line of JSON, for free(), and back: texts are the arena's. -EINVAL: it is none. */
char *memory_order_write(const struct memory_order *);
int memory_order_read(struct memory_order *, struct arena *, const char *line);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs as they were started: interned, so that equal ones are the same pointer. Main thread only. */
#ifndef PS_IDENTIFY_ROSTER_H
#define PS_IDENTIFY_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/identify/executable.h"

struct program {
	struct ps_text path, name, cmdline; /* texts have a NUL behind them */
	struct ps_text script;              /* the path of the script that it was started on; empty: none */
	struct executable *file;
	struct executable *script_file; /* NULL: no script */
	uint8_t flags;                  /* enum ps_exe_flag */
	uint32_t asked[3]; /* the ledger's, by enum ps_program_role: the window in which it was asked for last */
	unsigned refs;     /* private, like all that follows */
	bool interned;
	struct ps_text key;
};

struct roster;

struct roster *roster_open(struct executables *);
void roster_close(struct roster *); /* no program is held any more */

/* A program of that description (asked and what follows it do not matter), with a reference; takes over
 * the references to its files. Command lines are cut when there are too many long ones. */
struct program *roster_get(struct roster *, const struct program *is);

/* The same, while its script is being looked for (script_file is one without a file): it is equal to no
 * other. */
struct program *roster_get_apart(struct roster *, const struct program *is);
/* Now it is known: all who hold the program see it. Takes over the reference to the file; flags are added. */
void roster_settle(struct roster *, struct program *, struct ps_text script, struct executable *script_file,
                   uint8_t flags);
/* The program to go on with instead of a settled one, with a reference: one that is equal to it, or itself. */
struct program *roster_settled(struct roster *, struct program *);

void program_hold(struct program *);
void program_drop(struct roster *, struct program *);

/* The same program, if wanted without its command line; gives a reference. */
struct program *program_named(struct roster *, struct program *, bool with_cmdline);

uint64_t roster_count(const struct roster *); /* of programs that are interned */
uint64_t roster_cut(const struct roster *);   /* command lines that were cut, since start */

#endif

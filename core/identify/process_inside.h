/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What process.c, where processes are kept, and process_script.c, where their scripts are looked for, share. */
#ifndef PS_IDENTIFY_PROCESS_INSIDE_H
#define PS_IDENTIFY_PROCESS_INSIDE_H

#include <string.h>

#include "core/base/buf.h"
#include "core/base/table.h"
#include "core/identify/process.h"

struct image {
	struct wire_image id;
	struct lineage lineage;
	struct wire_image parent; /* of processes that were there at start: to be looked up */
	struct buf args;          /* of an exec whose command line comes in parts */
	uint32_t args_total;
	struct start *start; /* if there is, or may be, a script */
	struct image *next_ended;
};

struct processes {
	struct executables *executables;
	struct places *places;
	struct roster *roster;
	struct scripts *scripts;
	struct table images; /* wire_image -> struct image */
	struct program *nobody;
	uint32_t mnt_ns[2]; /* process 1's, and our own: a unit may have one to itself */
	struct image *ended, *ended_before;
	struct processes_stats stats;
};

static inline struct ps_text text_of(const char *s)
{
	return (struct ps_text){s, (uint32_t)strlen(s)};
}

struct image *image_find(struct processes *, const struct wire_image *);

/* The program that is described, with the script that it was started on, as far as there is one: that is opened in
 * the background. Gives a reference; takes over that to the file. image->start says how it was started; it is freed
 * if there is no script. */
struct program *script_find(struct processes *, struct image *, struct program *is);

/* scripts_close()'s. */
void script_forget(void *processes, void *subject);

#endif

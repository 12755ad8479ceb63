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
	struct wire_image above[2]; /* who started it, and who started that one; zeros: not known */
	struct buf args;            /* of an exec whose command line comes in parts */
	uint32_t args_total;
	struct start *start;  /* if there is, or may be, a script */
	unsigned connections; /* that are open, and end in its name even if it has ended */
	bool ended;
	struct image *next_ended;
};

struct image_list {
	struct image *first, *last;
	size_t n;
};

struct processes {
	struct executables *executables;
	struct places *places;
	struct roster *roster;
	struct scripts *scripts;
	struct table images; /* wire_image -> struct image */
	struct program *nobody;
	uint32_t mnt_ns[2];                    /* process 1's, and our own: a unit may have one to itself */
	struct image_list ended, ended_before; /* the last drain's, and that before it */
	struct image_list awaited;             /* longer ago: for the ends of their connections */
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

/* For scripts_open() and scripts_close(). */
void script_found(void *processes, void *subject, const struct opened_script *);
void script_forget(void *processes, void *subject);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who has opened what to execute it: the newest 8192. Main thread only. */
#ifndef PS_IDENTIFY_OPENINGS_H
#define PS_IDENTIFY_OPENINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "bpf/wire.h"

/* An opening for execution, found again by who opened what. While it is here, or its event waits
 * in the kernel's queue, the inode is in use and its number means no other file. */
struct opening {
	struct opening_key {
		uint64_t ino;
		uint32_t pid, mount;
	} key;
	struct stat st;
	char *path;   /* may be NULL */
	void *file;   /* the owner's */
	bool written; /* it was also written to, before or after */
	bool used;
	bool taken; /* an execution of it has been told. There may be more: the kernel makes one event of openings of the
	               same file by the same process that nobody has read yet */
	struct opening *earlier; /* of the same key, on another device (subvolumes of btrfs) */
};

struct openings;

/* drop: called for the `file` of an opening that is forgotten. */
struct openings *openings_new(void (*drop)(void *arg, void *file), void *arg);
void openings_free(struct openings *);

/* Takes over o->path and o->file. */
void openings_add(struct openings *, const struct opening *o);

/* What process pid had opened when it executed that file; NULL: nothing. *same: it had the content
 * that was executed. Valid until openings_take(). */
struct opening *openings_find(struct openings *, pid_t pid, const struct wire_file *, bool *same);

/* Its execution has been told: it is taken, and what else has its key is forgotten. Returns its path, to be freed; may
 * be NULL. */
char *openings_take(struct openings *, struct opening *);

/* What the same process had opened before `executed`, as the latest of that name (its path may be longer, or
 * differ by links before the name): what it asked to be executed, and the kernel found to be a script with
 * that interpreter. NULL: nothing. */
struct opening *openings_script(struct openings *, const struct opening *executed, const char *asked);

/* Events are missing: an opening that is here may have been followed by another. */
void openings_forget(struct openings *);

#endif

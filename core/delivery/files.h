/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the privileged side does with a sink's files. Folders stay root's, so a sink can
 * neither make, rename nor remove a file there: it is done for it, here. Files are opened
 * without following links, and must be regular with one link. May wait for the disk: to be
 * called from a worker thread. Any thread.
 */
#ifndef PS_DELIVERY_FILES_H
#define PS_DELIVERY_FILES_H

#include <stddef.h>
#include <sys/types.h>

#include "core/base/buf.h"
#include "core/delivery/trust.h"

/* A file of a sink and its companions ("-wal -shm", or NULL), and whose they are to be. */
struct files_set {
	const char *path; /* absolute */
	const char *companions;
	uid_t uid;
	gid_t gid;
	mode_t mode; /* owner's read and write are always added; only permission bits count */
};

/* Makes each file that is not there, and gives each its owner and mode. 0, or -errno with a
 * reason in `why`. */
int files_prepare(const struct files_set *, char why[TRUST_WHY]);

/* Renames the files to PATH.REASON-YYYYmmddTHHMMSSZ (a number is added rather than replace
 * one), and prepares new ones. reason: 1 to 32 of a-z, 0-9 and '-'. */
int files_set_aside(const struct files_set *, const char *reason, char why[TRUST_WHY]);

#define FILES_KEEP_MAX 1000

/* Shifts PATH to PATH.1, PATH.1 to PATH.2 and so on, keeps `keep` of them (at most
 * FILES_KEEP_MAX), and prepares a new PATH. A step that a crash left out is made up for. */
int files_rotate(const struct files_set *, unsigned keep, char why[TRUST_WHY]);

/* Opens a file for appending, or makes it with `mode`: without following links, regular, one
 * link. A descriptor or -errno. */
int files_append(const char *path, mode_t mode);

/* All of a file of at most `most` bytes, added to `out`: without following links, regular, one link. 0 or
 * -errno (-EFBIG: it is larger). */
int files_read(const char *path, struct buf *out, size_t most);

/* Puts a file with these bytes, owner and mode in the place of set->path, or makes it: whoever looks finds the old
 * one or the new one, also after a crash. The set has no companions. 0, or -errno with a reason in `why`. */
int files_replace(const struct files_set *, const void *data, size_t len, char why[TRUST_WHY]);

/* Renames path, and path with each suffix, to "PATH.REASON-TIME"; *to (mem_alloc()ed) is the new
 * path. 0 or -errno: then nothing was renamed but perhaps companions. */
int files_move_away(const char *path, const char *companions, const char *reason, char **to);

#endif

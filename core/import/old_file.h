/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file of an older picosnitch, opened by whoever asked for its import; what it is, is told by its content.
 * What is in it is anybody's: it is only read through these descriptors, and by someone without rights.
 */
#ifndef PS_IMPORT_OLD_FILE_H
#define PS_IMPORT_OLD_FILE_H

#include <stdint.h>
#include <sys/stat.h>

#include "core/base/buf.h"

enum old_kind { OLD_UNKNOWN, OLD_DATABASE, OLD_JSON, OLD_TOML };

#define OLD_WHY 512
#define OLD_TEXT_MAX (64 << 20) /* of a JSON file */

struct old_file {
	const char *name;
	int fd, wal; /* wal: -1 if there is none, or nothing in it */
	enum old_kind kind;
	struct stat at_start, wal_at_start;
};

/* Opens it without following a link, regular files alone; of a database, its write-ahead log too. 0, or -errno with a
 * reason. */
int old_file_open(struct old_file *, const char *path, char why[OLD_WHY]);
void old_file_close(struct old_file *);

/* Whether it, or its log, is not what it was when it was opened. */
int old_file_changed(const struct old_file *);

/* Appends all of it, from an empty buffer on. 0 or -errno with a reason. */
int old_file_read(const struct old_file *, struct buf *, char why[OLD_WHY]);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SQLite's view of an older database: the two descriptors that are open, to be read, and nothing else of the machine.
 * So it needs no rights on the folder or the path, and whatever is in the file, SQLite opens no other.
 */
#ifndef PS_IMPORT_OLD_VFS_H
#define PS_IMPORT_OLD_VFS_H

#include <sqlite3.h>

#include "core/import/old_file.h"

struct old_vfs;

struct old_vfs *old_vfs_new(const struct old_file *); /* which must outlive it; one at a time */
void old_vfs_free(struct old_vfs *);

/* Opens it: an SQLite code. It reads the log too, without a -shm, as nobody else is expected to have it open. */
int old_vfs_open(struct old_vfs *, sqlite3 **);

#endif

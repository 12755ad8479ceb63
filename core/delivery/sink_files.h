/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files that a sink's options name: where they are, and whose. One thread at a time. */
#ifndef PS_DELIVERY_SINK_FILES_H
#define PS_DELIVERY_SINK_FILES_H

#include "core/config/settings.h"
#include "core/delivery/files.h"

struct sink_file {
	const char *key;
	char *path;
	struct files_set set;
};

struct sink_files {
	const struct settings *settings;
	struct sink_file *list;
	size_t n;
};

/* Lists the files of a sink whose host runs as uid and gid. No I/O. */
void sink_files_init(struct sink_files *, const struct settings *, const struct sink_settings *, uid_t uid, gid_t gid);
void sink_files_done(struct sink_files *);

/* NULL: no option of that key names a file. */
const struct sink_file *sink_files_find(const struct sink_files *, const char *key);

/* Makes them all: they belong to the user that the sink runs as, for it must write them, and to
 * [data] group, with [data] mode. May wait for the disk. 0, or -errno with a reason. */
int sink_files_prepare(struct sink_files *, char why[TRUST_WHY]);

#endif

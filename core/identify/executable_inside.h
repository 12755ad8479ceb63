/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What executable.c, where files are known by what they are, and executable_apart.c, where others read them, share. */
#ifndef PS_IDENTIFY_EXECUTABLE_INSIDE_H
#define PS_IDENTIFY_EXECUTABLE_INSIDE_H

#include <sys/stat.h>

#include "core/base/table.h"
#include "core/identify/executable.h"

struct executables {
	uv_loop_t *loop;
	struct reader *reader; /* NULL: all is read here */
	struct exec_watch *watch;
	struct table files; /* key -> struct executable */
	struct executable *oldest, *newest;
	size_t unused;
	struct table guards; /* guard_key -> struct guard */
	struct openings *openings;
	struct hashing *hashing;
	uint32_t mask;
	bool mask_auto;
	struct executable *without[PS_HASH_LATE + 1];
	struct executables_stats stats;
};

struct executable_key executable_key_of(const struct stat *);

/* The next execution of the same file looks anew. Who holds it, keeps it. */
void executable_forget(struct executables *, struct executable *);

/* For the file that process pid executes: a reader reads it. What the kernel says of the file at its execution is all
 * that is asked here. Its content may be another for others. */
void executable_read_apart(struct executables *, pid_t pid, const struct wire_file *, struct executed *out);

#endif

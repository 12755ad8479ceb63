/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Executable files: which file was executed, and its SHA-256. Files are known by device, inode,
 * change time and size, so that a change in place and a replacement are both another file. Hashing
 * runs on libuv's worker threads; everything else here is for the main thread.
 */
#ifndef PS_IDENTIFY_EXECUTABLE_H
#define PS_IDENTIFY_EXECUTABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "bpf/wire.h"
#include "core/record.h"

struct executables;

/* One content of one file. Held by reference. */
struct executable {
	enum ps_hash_state state; /* PS_HASH_LATE until the hash is there */
	uint8_t sha256[32];
	/* private */
	unsigned refs;
	struct executable_key {
		uint64_t dev, ino, size;
		int64_t ctime_s, ctime_ns;
	} key;
	bool in_table;
	bool settled;                     /* its change time was old enough to be trusted when it was hashed */
	struct executable *newer, *older; /* the queue of those that nobody holds */
};

/* workers: how many files are hashed at once. */
struct executables *executables_open(uv_loop_t *, unsigned workers);
void executables_close(struct executables *); /* waits for the hashes under way */

/* A file that process pid has opened to execute it; takes fd over. Begins to hash what is not
 * known yet, and remembers the path until the exec is told, or 8192 others came. */
void executables_opened(struct executables *, pid_t pid, int fd);

/* The file that `file` describes, as process pid executed it: from what executables_opened() has
 * seen, and the path that it had (to be freed by the caller). NULL: not seen. Gives a reference. */
struct executable *executables_executed(struct executables *, pid_t pid, const struct wire_file *file, char **path);

/* The same for a process that lives, through /proc/PID/exe: gives a reference in any case; when
 * the file cannot be had, to one whose state says why. *path may be NULL. */
struct executable *executables_of_process(struct executables *, pid_t pid, const struct wire_file *file, char **path);

/* An executable without a file behind it: `state` says why. Gives a reference. */
struct executable *executables_without(struct executables *, enum ps_hash_state state);

struct executable *executable_hold(struct executable *); /* one more reference */
void executable_drop(struct executables *, struct executable *);

struct executables_stats {
	uint64_t hashed, failed; /* since start */
	uint64_t waiting;        /* files that wait to be hashed, or are being hashed */
	uint64_t refused;        /* files that found no room among those that wait */
	uint64_t known;          /* in the cache */
};
void executables_get_stats(const struct executables *, struct executables_stats *);

#endif

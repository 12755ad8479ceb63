/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The search for the script of a process: from its folders and a path to an open file that is the right one, or a
 * reason. By this process, as root, or by one that has become the user (reader.h), where root is refused. Any thread;
 * blocks, on any file system.
 */
#ifndef PS_IDENTIFY_SEARCH_H
#define PS_IDENTIFY_SEARCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "bpf/wire.h"
#include "core/base/value.h"

/* How a process was started: what a path that it was given meant. */
struct start {
	pid_t pid, parent;
	uint32_t uid, gid;            /* for when it has gone; UINT32_MAX: not known */
	uint64_t process_ns;          /* since boot: when the process began; 0: it is known to live */
	int64_t exec_ns;              /* wall clock: when it was executed, or no earlier than that */
	struct wire_folder root, cwd; /* inode 0: not known */
	pid_t like;                   /* a process that stays, and sees the same files; 0: none is known */
	char cwd_path[WIRE_WAY + 1];  /* where cwd was, for `like`; "": not known */
	char asked[WIRE_FILENAME];    /* a script, if the kernel was given that and executed its interpreter; or "" */
};

/* Whether an open folder (O_PATH) is that one: 1 or 0; -EACCES: whoever asks may not know. */
int search_is_folder(int fd, const struct wire_folder *);

/* 1 only if its number alone tells a folder of another process from all others: below subvolumes there are many of the
 * same. */
int search_is_sure(int fd);

/* Whether the process has ended. */
bool search_is_gone(const struct start *);
/* Whether it has its folders still, and with them its mounts: who ends gives them up before he is gone. */
bool search_has_folders(const struct start *);

/* The file under a path: an absolute one below root, a relative one from cwd, symbolic links as the process would
 * follow them. cwd -1: it is looked for where it was. Gives an O_PATH descriptor; or -1, *why, and in errno EACCES if
 * somebody else might find it. */
int search_find(const struct start *, const char *path, int root, int cwd, enum ps_hash_state *why);

/* Opens for reading what was found, if it is a regular file that has not changed since the process was started; opens
 * nothing else, not even for a moment. *st is what it was then. -1 as above. */
int search_open(const struct start *, int found, struct stat *, enum ps_hash_state *why);

/* The path of what was found, to be freed. NULL: it has none; or the mounts of the process may have ended with it
 * before the kernel was asked, which then tells a path that lacks where the file was mounted. */
char *search_path(const struct start *, int found);

#endif

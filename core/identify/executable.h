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
#include "core/base/value.h"
#include "core/capture/exec_watch.h"

struct executables;
struct reader;

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
	bool guarded;                     /* every end of writing on its file system is told, from before it was opened */
	bool timeless;                    /* it can change while its times do not */
	pid_t apart;                      /* who executed it when it was read by another process; 0: it was not */
	bool written;                     /* someone wrote to it since it was opened to be hashed */
	bool unsure;                      /* or may have, before that was told, and it was deleted */
	struct executable *newer, *older; /* the queue of those that nobody holds */
	struct guard *guard;              /* those of the same file */
	struct executable *next_guarded;
};

/* An execution. */
struct executed {
	struct executable *file; /* a reference; its state may say why nothing more is known */
	char *path;              /* to be freed; NULL: not known */
	uint8_t flags;           /* enum ps_exe_flag */
	/* What was asked to be executed, if that is a script and this is its interpreter; likewise. NULL: no
	 * script, or it was not seen. */
	struct executable *script;
	char *script_path;
};

/* workers: how many files are hashed at once. watch: who tells of openings; NULL: nobody, then
 * /proc is all there is. It must outlive this. */
struct executables *executables_open(uv_loop_t *loop, unsigned workers, struct exec_watch *watch);
void executables_close(struct executables *); /* waits for the hashes under way */

/* From now on, files that this process may not read, or should not, are read by others: see reader.h. program: this
 * program's own file. Before executables_close(), executables_end() must have called closed(). */
void executables_read_apart(struct executables *, const char *program);
void executables_end(struct executables *, void (*closed)(void *arg), void *arg);
struct reader *executables_reader(struct executables *); /* NULL: there is none */

/* What a reader has said of a file. Gives a reference. */
struct executable *executables_read(struct executables *, enum ps_hash_state, const uint8_t sha256[32]);

/* [core] st_dev_mask: which bits of the device number must be the same in a file that was opened
 * and the one that was executed. */
void executables_set_mask(struct executables *, uint32_t mask);
/* The same, but for file systems that give others out than they have: no check of that there. */
void executables_set_mask_auto(struct executables *);

/* Takes openings from the watch, at most `max` (0: until there are none). */
void executables_take(struct executables *, unsigned max);

/* A file that process pid has opened to execute it; takes fd over. Begins to hash what is not
 * known yet, and remembers the path until the exec is told, or 8192 others came. what: EXEC_OPENED,
 * or with EXEC_WRITTEN when it was closed by a writer, too; that alone: nobody executes it. */
void executables_opened(struct executables *, pid_t pid, int fd, unsigned what);

/* Events were lost: what rests on there being none is not relied on any more. */
void executables_overflowed(struct executables *);

/* The file that `file` describes, as process pid executed it at exec_ns (CLOCK_REALTIME): from the
 * openings that were told. asked: what was given to execve(), if the kernel handed that to an interpreter,
 * which is the file; else NULL. False: it was not among them. */
bool executables_executed(struct executables *, pid_t pid, const struct wire_file *file, int64_t exec_ns,
                          const char *asked, struct executed *);

/* Any open file, if it is still what it was when it was found; takes fd over. Gives a reference. */
struct executable *executables_of_fd(struct executables *, int fd, const struct stat *found);

/* The same for a process that lives, through /proc/PID/exe. A file system that is a program (FUSE) is not asked
 * anything by this process. */
void executables_of_process(struct executables *, pid_t pid, const struct wire_file *file, struct executed *);

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

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fanotify, on every file system there is: hands over an open file of whatever is executed, even
 * if the process lives a millisecond and the file is deleted at once. Main thread only.
 */
#ifndef PS_CAPTURE_EXEC_WATCH_H
#define PS_CAPTURE_EXEC_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct exec_watch;

/* 0 or -errno. Marks what is mounted now. */
int exec_watch_open(struct exec_watch **);
void exec_watch_close(struct exec_watch *);

int exec_watch_fd(const struct exec_watch *);        /* readable: something was executed */
int exec_watch_mounts_fd(const struct exec_watch *); /* readable with POLLPRI: mounts have changed */

/* Marks file systems that are new. */
void exec_watch_refresh(struct exec_watch *);

enum exec_watch_what {
	EXEC_OPENED = 1,   /* to execute it */
	EXEC_WRITTEN = 2,  /* closed by who could write to it; with EXEC_OPENED: before or after that */
	EXEC_OVERFLOW = 4, /* alone: events are missing here */
};

/* fd is the callee's to close; -1 with EXEC_OVERFLOW. */
typedef void (*exec_watch_told)(void *arg, pid_t pid, int fd, unsigned what);

/* Calls `told` for each file that process pid opened to execute it, and what else was asked for, at
 * most `max` of them (0: until there are none). True if there may be more. */
bool exec_watch_read(struct exec_watch *, exec_watch_told told, void *arg, unsigned max);

/* Whether a file system (in the kernel's encoding: major << 20 | minor) that is mounted here is marked. */
bool exec_watch_is_marked(const struct exec_watch *, uint32_t dev);

/* Marks the file system of what process pid executes: it may be mounted where it is not seen from
 * here. Whether that was possible. */
bool exec_watch_cover(struct exec_watch *, pid_t pid);

/* Whether on marked file systems of that magic number the end of writing is told for each file: those
 * in memory, where a mapping can be written to without a new change time. */
bool exec_watch_tells_written(uint32_t magic);
/* Elsewhere it is told for a file as long as it is asked for. */
void exec_watch_tell_written(struct exec_watch *, int fd, bool on);

struct exec_watch_stats {
	uint64_t overflows; /* of the kernel's queue: executions were missed */
	uint64_t unopened;  /* events whose file could not be opened, the last time because of `error` */
	int error;
	unsigned marked, refused; /* file systems; refused: they hold files, and cannot be watched */
};
void exec_watch_get_stats(const struct exec_watch *, struct exec_watch_stats *);

#endif

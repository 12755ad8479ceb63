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

/* Calls `opened` for each file that process pid opened to execute it, at most `max` of them
 * (0: until there are none). fd is the callee's to close. True if there may be more. */
bool exec_watch_read(struct exec_watch *, void (*opened)(void *arg, pid_t pid, int fd), void *arg, unsigned max);

/* How often the kernel's queue overflowed: executions were missed. */
uint64_t exec_watch_overflows(const struct exec_watch *);
/* How many file systems are marked; the rest, of those that hold files, could not be. */
void exec_watch_coverage(const struct exec_watch *, unsigned *marked, unsigned *refused);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pid file: one daemon a run folder. It is locked while the daemon lives, so a stale one and
 * one that names another program are told apart from a daemon without trusting the number. Its
 * modification time says when the daemon last ended a window.
 */
#ifndef PS_DAEMON_PIDFILE_H
#define PS_DAEMON_PIDFILE_H

#include <stdint.h>
#include <sys/types.h>

/* Makes, locks and writes FOLDER/picosnitch.pid, and the folder if it is not there. *before_ns:
 * when the daemon that left the file had last ended a window; 0: none, or it stopped. A
 * descriptor to keep; -EEXIST when a daemon runs (its pid in *other); -errno. */
int pidfile_open(const char *folder, int64_t *before_ns, pid_t *other);

void pidfile_touch(int fd);                     /* a window has ended */
void pidfile_close(int fd, const char *folder); /* removes the file */

/* The daemon of that run folder: its pid, 0 if none runs, or -errno. */
pid_t pidfile_find(const char *folder);

#endif

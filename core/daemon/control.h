/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control socket: RUN/control.sock, 0660. A client sends one line with a request, gets the
 * answer and the end of the stream. Main thread only.
 */
#ifndef PS_DAEMON_CONTROL_H
#define PS_DAEMON_CONTROL_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

struct control;

enum { CONTROL_REQUEST_MAX = 64 << 10 };

/* Answers a request: a string for free(), or NULL if there is no such request. root: who asks is root, or the
 * daemon's own user. */
typedef char *(*control_answer)(void *arg, const char *request, bool root);

/* 0 or -errno. gid: whose group may ask beside root. */
int control_open(struct control **, uv_loop_t *, const char *folder, gid_t gid, control_answer, void *arg);
void control_close(struct control *); /* frees itself when the loop has closed its handles */

/* The client's side, blocking: asks the daemon of that run folder; a string for free(), or NULL
 * with errno set. */
char *control_ask(const char *folder, const char *request);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets at a path, for programs of this machine. */
#ifndef PS_BASE_LOCAL_SOCKET_H
#define PS_BASE_LOCAL_SOCKET_H

#include <sys/types.h>
#include <uv.h>

/* Listens at path with a pipe that uv_pipe_init() has been called for: open to the owner and to the group gid. What
 * lies there is removed first: the caller knows that nobody uses it. 0 or -errno; then the pipe is still to be closed.
 * The loop's thread; no other may make files meanwhile (umask). */
int local_socket_listen(uv_pipe_t *, const char *path, gid_t gid, int backlog, uv_connection_cb);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/local_socket.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

int local_socket_listen(uv_pipe_t *pipe, const char *path, gid_t gid, int backlog, uv_connection_cb on_connection)
{
	mode_t mask;
	int err;

	unlink(path);
	mask = umask(0177);
	err = uv_pipe_bind(pipe, path);
	umask(mask);
	if (err)
		return err;
	if (chown(path, (uid_t)-1, gid) || chmod(path, 0660))
		return -errno;
	return uv_listen((uv_stream_t *)pipe, backlog, on_connection);
}

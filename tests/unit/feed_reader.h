/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Readers of the live feed, in the thread that runs its loop. */
#ifndef PS_TESTS_FEED_READER_H
#define PS_TESTS_FEED_READER_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/buf.h"

/* Connects to scratch/feed.sock. */
static inline int reader_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		abort();
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		abort();
	return fd;
}

/* Adds what there is for the reader, until the loop has no more for it. 1: the stream has ended. */
static inline int reader_take(uv_loop_t *loop, int fd, struct buf *got)
{
	for (unsigned idle = 0; idle < 3;) {
		ssize_t n;

		uv_run(loop, UV_RUN_NOWAIT);
		n = read(fd, buf_add(got, 65536), 65536);
		got->len -= 65536 - (n > 0 ? (size_t)n : 0);
		if (!n || (n < 0 && errno == ECONNRESET))
			return 1;
		idle = n > 0 ? 0 : idle + 1;
	}
	return 0;
}

#endif

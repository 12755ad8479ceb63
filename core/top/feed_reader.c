/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/top/feed_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

enum { PIECE = 256 << 10, PIECES = 16 };
#define AGAIN_NS NS_PER_S

void feed_reader_init(struct feed_reader *r, const char *folder, struct top_model *model)
{
	*r = (struct feed_reader){.path = mem_printf("%s/feed.sock", folder), .model = model, .fd = -1};
}

void feed_reader_done(struct feed_reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	free(r->path);
}

int feed_reader_connect(struct feed_reader *r)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(r->path);
	int fd, err;

	r->again_ns = clock_monotonic_ns() + AGAIN_NS;
	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, r->path, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		err = -errno;
		close(fd);
		return err;
	}
	r->fd = fd;
	top_model_begin(r->model);
	return 0;
}

static void connect_again(struct feed_reader *r)
{
	int err = feed_reader_connect(r);

	if (err)
		top_model_away(r->model, err == -ENOENT || err == -ECONNREFUSED ? "the daemon does not run" : strerror(-err));
}

static void lose(struct feed_reader *r, const char *why)
{
	close(r->fd);
	r->fd = -1;
	r->again_ns = clock_monotonic_ns() + AGAIN_NS;
	top_model_away(r->model, why);
}

void feed_reader_go(struct feed_reader *r)
{
	char *piece;

	if (r->fd < 0) {
		if (clock_monotonic_ns() >= r->again_ns)
			connect_again(r);
		return;
	}
	piece = mem_alloc(PIECE);
	for (unsigned i = 0; i < PIECES; i++) {
		ssize_t n = read(r->fd, piece, PIECE);

		if (n > 0) {
			top_model_put(r->model, piece, (size_t)n);
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			lose(r, n == 0 ? "it has ended" : strerror(errno));
		break;
	}
	free(piece);
}

int feed_reader_timeout(const struct feed_reader *r)
{
	int64_t left = r->again_ns - clock_monotonic_ns();

	if (r->fd >= 0)
		return -1;
	return left <= 0 ? 0 : (int)(left / NS_PER_MS) + 1;
}

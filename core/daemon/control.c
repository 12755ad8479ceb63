/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/local_socket.h"
#include "core/base/mem.h"

enum { CLIENTS_MAX = 16, PIECE = 4096 };

struct client {
	uv_pipe_t pipe;
	uv_write_t write;
	struct control *control;
	struct buf request;
	char *answer;
	bool root;
};

struct control {
	uv_pipe_t pipe;
	char *path;
	control_answer answer;
	void *arg;
	unsigned clients;
	struct client *latest;
};

static void client_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;

	buf_done(&c->request);
	free(c->answer);
	free(c);
}

static void client_close(struct client *c)
{
	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	c->control->clients--;
	uv_close((uv_handle_t *)&c->pipe, client_closed);
}

static void client_written(uv_write_t *write, int status)
{
	(void)status;
	client_close(write->data);
}

static void client_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct client *c = handle->data;

	(void)suggested;
	/* Without room for more, libuv reports UV_ENOBUFS. */
	if (c->request.len >= CONTROL_REQUEST_MAX) {
		*buf = uv_buf_init(NULL, 0);
		return;
	}
	*buf = uv_buf_init(buf_add(&c->request, PIECE), PIECE);
	c->request.len -= PIECE;
}

static void client_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = stream->data;
	uint8_t *end;
	uv_buf_t out;

	(void)buf;
	if (n < 0) {
		client_close(c);
		return;
	}
	if (!n)
		return;
	c->request.len += (size_t)n;
	end = memchr(c->request.data + c->request.len - n, '\n', (size_t)n);
	if (!end)
		return;
	*end = 0;
	uv_read_stop(stream);
	c->answer = c->control->answer(c->control->arg, (char *)c->request.data, c->root);
	if (!c->answer) {
		client_close(c);
		return;
	}
	out = uv_buf_init(c->answer, (unsigned)strlen(c->answer));
	c->write.data = c;
	if (uv_write(&c->write, stream, &out, 1, client_written))
		client_close(c);
}

static bool is_root(const uv_pipe_t *pipe)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	uv_os_fd_t fd;

	return !uv_fileno((const uv_handle_t *)pipe, &fd) && !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) &&
	       (who.uid == 0 || who.uid == geteuid());
}

static void on_connection(uv_stream_t *server, int status)
{
	struct control *control = server->data;
	struct client *c;

	if (status)
		return;
	c = mem_alloc(sizeof(*c));
	c->control = control;
	uv_pipe_init(server->loop, &c->pipe, 0);
	c->pipe.data = c;
	control->clients++;
	if (uv_accept(server, (uv_stream_t *)&c->pipe) || control->clients > CLIENTS_MAX ||
	    uv_read_start((uv_stream_t *)&c->pipe, client_room, client_read)) {
		client_close(c);
		return;
	}
	c->root = is_root(&c->pipe);
}

int control_open(struct control **out, uv_loop_t *loop, const char *folder, gid_t gid, control_answer answer, void *arg)
{
	struct control *c = mem_alloc(sizeof(*c));
	int err;

	c->path = mem_printf("%s/control.sock", folder);
	c->answer = answer;
	c->arg = arg;
	uv_pipe_init(loop, &c->pipe, 0);
	c->pipe.data = c;
	/* The pid file's lock says that no daemon uses it. */
	err = local_socket_listen(&c->pipe, c->path, gid, 8, on_connection);
	if (err) {
		control_close(c);
		return err;
	}
	*out = c;
	return 0;
}

static void control_closed(uv_handle_t *handle)
{
	struct control *c = handle->data;

	free(c->path);
	free(c);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	unlink(c->path);
	uv_close((uv_handle_t *)&c->pipe, control_closed);
}

char *control_ask(const char *folder, const char *request)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = 5};
	struct buf answer;
	int fd, n, saved;

	n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", folder);
	if (n < 0 || (size_t)n >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	buf_init(&answer);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) || dprintf(fd, "%s\n", request) < 0)
		goto fail;
	for (;;) {
		uint8_t *at = buf_add(&answer, 4096);
		ssize_t got = read(fd, at, 4096);

		answer.len -= 4096 - (got > 0 ? (size_t)got : 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			goto fail;
		if (got == 0)
			break;
	}
	close(fd);
	buf_put_u8(&answer, 0);
	return (char *)answer.data;
fail:
	saved = errno;
	close(fd);
	buf_done(&answer);
	errno = saved;
	return NULL;
}

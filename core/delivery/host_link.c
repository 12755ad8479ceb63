/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/host_link.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/delivery/frame.h"

#define FRAMES_PER_S 20000

struct host_link {
	struct host_link_events events;
	uv_process_t process;
	uv_pipe_t pipe;
	int pidfd;  /* a signal through it cannot reach another process of the same number */
	int open;   /* handles that are not closed yet */
	int silent; /* the socket was given up */
	int exited;
	int failed; /* it was never started: nobody is told */
	const char *killed;
	char how[160];
	int64_t second; /* that `frames` counts for */
	unsigned frames;
	size_t len;
	uint8_t in[FRAME_HEAD + FRAME_UP_MAX];
};

struct sending {
	uv_write_t request;
	struct buf frame;
};

static void on_closed(uv_handle_t *handle)
{
	struct host_link *l = handle->data;

	if (--l->open)
		return;
	if (l->pidfd >= 0)
		close(l->pidfd);
	if (!l->failed)
		l->events.gone(l->events.arg, l->how);
	free(l);
}

static void close_pipe(struct host_link *l)
{
	if (l->silent)
		return;
	l->silent = 1;
	uv_close((uv_handle_t *)&l->pipe, on_closed);
}

static void send_signal(struct host_link *l, int number)
{
	if (l->exited)
		return;
	if (l->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, l->pidfd, number, NULL, 0);
	else
		uv_process_kill(&l->process, number);
}

void host_link_hurry(struct host_link *l)
{
	send_signal(l, SIGTERM);
}

void host_link_end(struct host_link *l)
{
	close_pipe(l);
}

void host_link_kill(struct host_link *l, const char *why)
{
	if (!l->killed)
		l->killed = why;
	send_signal(l, SIGKILL);
	close_pipe(l);
}

pid_t host_link_pid(const struct host_link *l)
{
	return l->process.pid;
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
	struct host_link *l = handle->data;

	(void)wanted;
	*out = uv_buf_init((char *)l->in + l->len, (unsigned)(sizeof(l->in) - l->len));
}

static int too_many(struct host_link *l)
{
	int64_t second = clock_monotonic_ns() / NS_PER_S;

	if (second != l->second) {
		l->second = second;
		l->frames = 0;
	}
	return ++l->frames > FRAMES_PER_S;
}

/* Takes the whole frames of what has been read. */
static void feed(struct host_link *l)
{
	size_t at = 0;

	while (!l->silent) {
		const uint8_t *body;
		struct cursor c;
		uint8_t type;
		size_t len;
		long size = frame_parse(l->in + at, l->len - at, FRAME_UP_MAX, &type, &body, &len);

		if (size == 0)
			break;
		if (size < 0 || too_many(l)) {
			host_link_kill(l, size < 0 ? "sent what is no message" : "sent too many messages");
			return;
		}
		at += (size_t)size;
		cursor_init(&c, body, len);
		l->events.frame(l->events.arg, type, &c);
	}
	if (at && at < l->len)
		memmove(l->in, l->in + at, l->len - at);
	l->len -= at;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct host_link *l = stream->data;

	(void)buf;
	if (n >= 0) {
		l->len += (size_t)n;
		feed(l);
		return;
	}
	/* It closes its socket by ending; one that has not ended has no business to go on, and one
	 * that has keeps its own status. */
	send_signal(l, SIGKILL);
	close_pipe(l);
}

static void on_ended(uv_process_t *process, int64_t status, int number)
{
	struct host_link *l = process->data;
	ssize_t n;
	int fd;

	l->exited = 1;
	/* Its last words may still be in the socket, which a process that it started may keep open. */
	while (!l->silent && uv_fileno((uv_handle_t *)&l->pipe, &fd) == 0 &&
	       (n = recv(fd, l->in + l->len, sizeof(l->in) - l->len, MSG_DONTWAIT)) > 0) {
		l->len += (size_t)n;
		feed(l);
	}
	if (l->killed)
		snprintf(l->how, sizeof(l->how), "%s", l->killed);
	else if (number)
		snprintf(l->how, sizeof(l->how), "was killed by signal %d (%s)", number, strsignal(number));
	else
		snprintf(l->how, sizeof(l->how), "ended by itself with status %d", (int)status);
	close_pipe(l);
	uv_close((uv_handle_t *)process, on_closed);
}

static void on_sent(uv_write_t *request, int status)
{
	struct sending *s = request->data;

	(void)status; /* a socket that refuses is noticed by reading it */
	explicit_bzero(s->frame.data, s->frame.len);
	buf_done(&s->frame);
	free(s);
}

void host_link_send(struct host_link *l, struct buf *frame)
{
	struct sending *s = mem_alloc(sizeof(*s));
	uv_buf_t out;

	s->frame = *frame;
	buf_init(frame);
	s->request.data = s;
	out = uv_buf_init((char *)s->frame.data, (unsigned)s->frame.len);
	if (l->silent || uv_write(&s->request, (uv_stream_t *)&l->pipe, &out, 1, on_sent))
		on_sent(&s->request, UV_ECANCELED);
}

static int spawn(struct host_link *l, uv_loop_t *loop, const struct courier_host *host, const char *sink, int fd)
{
	char parent[16], uid[16], gid[16];
	char *env[] = {mem_strdup("PATH=/usr/bin:/bin"), mem_strdup("LC_ALL=C.UTF-8"), NULL};
	char *args[] = {mem_strdup(host->program), mem_strdup("sink-host"), mem_strdup(sink), parent, NULL, NULL, NULL};
	uv_stdio_container_t stdio[] = {
	    {.flags = UV_IGNORE},
	    {.flags = UV_IGNORE},
	    {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
	    {.flags = UV_INHERIT_FD, .data.fd = fd},
	};
	uv_process_options_t options = {.exit_cb = on_ended,
	                                .file = host->program,
	                                .args = args,
	                                .env = env,
	                                .cwd = "/",
	                                .stdio_count = 4,
	                                .stdio = stdio};
	int err;

	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	if (geteuid() == 0) {
		snprintf(uid, sizeof(uid), "%u", host->uid);
		snprintf(gid, sizeof(gid), "%u", host->gid);
		args[4] = uid;
		args[5] = gid;
		options.flags = UV_PROCESS_SETUID | UV_PROCESS_SETGID;
		options.uid = host->uid;
		options.gid = host->gid;
	}
	err = uv_spawn(loop, &l->process, &options);
	for (int i = 0; i < 3; i++)
		free(args[i]);
	free(env[0]);
	free(env[1]);
	return err;
}

int host_link_open(struct host_link **out, uv_loop_t *loop, const struct courier_host *host, const char *sink,
                   const struct host_link_events *events)
{
	struct host_link *l;
	int ends[2], err;

	if (geteuid() == 0 && (!host->uid || !host->gid))
		return -EPERM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	l = mem_alloc(sizeof(*l));
	l->events = *events;
	l->pidfd = -1;
	l->process.data = l->pipe.data = l;
	uv_pipe_init(loop, &l->pipe, 0);
	l->open = 1;
	err = uv_pipe_open(&l->pipe, ends[0]);
	if (err)
		close(ends[0]);
	if (!err) {
		l->open = 2;
		err = spawn(l, loop, host, sink, ends[1]);
	}
	close(ends[1]);
	if (!err) {
		l->pidfd = (int)syscall(SYS_pidfd_open, l->process.pid, 0);
		if (uv_read_start((uv_stream_t *)&l->pipe, on_alloc, on_read))
			host_link_kill(l, "could not be read from");
		*out = l;
		return 0;
	}
	l->failed = 1;
	close_pipe(l);
	if (l->open == 2)
		uv_close((uv_handle_t *)&l->process, on_closed);
	return err;
}

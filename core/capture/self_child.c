/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/self_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/capture/self_traffic.h"

#define PATIENCE_MS 180000

struct self_child {
	struct self_child_events events;
	uv_process_t process;
	uv_poll_t poll;
	uv_timer_t patience;
	int fd;    /* to the child */
	int netns; /* an open namespace keeps its number */
	int open;  /* handles that are not closed yet */
	bool exited;
	int64_t began_ns;
	char why[128];
	void (*closed)(void *arg);
	struct self_moved moved[SELF_PATHS];
};

static void on_closed(uv_handle_t *handle)
{
	struct self_child *c = handle->data;

	if (--c->open)
		return;
	if (c->closed)
		c->closed(c->events.arg);
	free(c);
}

void self_child_close(struct self_child *c, void (*closed)(void *))
{
	c->closed = closed;
	if (c->netns >= 0)
		close(c->netns);
	uv_close((uv_handle_t *)&c->poll, on_closed);
	uv_close((uv_handle_t *)&c->patience, on_closed);
	uv_close((uv_handle_t *)&c->process, on_closed);
	close(c->fd);
}

void self_child_kill(struct self_child *c, const char *why)
{
	if (c->exited)
		return;
	if (!*c->why)
		snprintf(c->why, sizeof(c->why), "%s", why);
	uv_process_kill(&c->process, SIGKILL);
}

static void on_patience(uv_timer_t *timer)
{
	self_child_kill(timer->data, "it did not end in time");
}

/* The child is ready: learns where it is, and lets it go. */
static void let_go(struct self_child *c)
{
	struct stat about;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)c->process.pid);
	c->netns = open(path, O_RDONLY | O_CLOEXEC);
	if (c->netns < 0 || fstat(c->netns, &about)) {
		snprintf(c->why, sizeof(c->why), "%s: %s", path, strerror(errno));
		self_child_kill(c, "");
		return;
	}
	c->events.netns(c->events.arg, (uint32_t)about.st_ino);
	c->began_ns = clock_monotonic_ns();
	/* If it is gone, its end says so. */
	send(c->fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void on_hello(uv_poll_t *poll, int status, int events)
{
	struct self_child *c = poll->data;
	struct self_hello hello = {""};

	(void)events;
	uv_poll_stop(poll);
	if (status || recv(c->fd, &hello, sizeof(hello), MSG_DONTWAIT) != sizeof(hello))
		return;
	hello.why[sizeof(hello.why) - 1] = 0;
	if (*hello.why)
		snprintf(c->why, sizeof(c->why), "%s", hello.why);
	else
		let_go(c);
}

static void on_ended(uv_process_t *process, int64_t status, int number)
{
	struct self_child *c = process->data;
	int64_t time_ns = c->began_ns ? clock_monotonic_ns() - c->began_ns : 0;
	bool whole = c->began_ns && recv(c->fd, c->moved, sizeof(c->moved), MSG_DONTWAIT) == sizeof(c->moved);

	c->exited = true;
	uv_timer_stop(&c->patience);
	uv_poll_stop(&c->poll);
	if (!*c->why && number)
		snprintf(c->why, sizeof(c->why), "its process was killed by signal %d (%s)", number, strsignal(number));
	else if (!*c->why)
		snprintf(c->why, sizeof(c->why), "its process ended with status %d", (int)status);
	c->events.ended(c->events.arg, whole ? c->moved : NULL, time_ns, c->why);
}

static int spawn(struct self_child *c, uv_loop_t *loop, const char *program, int fd)
{
	char *file = mem_strdup(program), command[] = "self-traffic";
	char *args[] = {file, command, NULL}, *env[] = {NULL};
	uv_stdio_container_t stdio[] = {
	    {.flags = UV_IGNORE},
	    {.flags = UV_IGNORE},
	    {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
	    {.flags = UV_INHERIT_FD, .data.fd = fd},
	};
	uv_process_options_t options = {
	    .exit_cb = on_ended, .file = file, .args = args, .env = env, .cwd = "/", .stdio_count = 4, .stdio = stdio};
	int err = uv_spawn(loop, &c->process, &options);

	free(file);
	return err;
}

int self_child_open(struct self_child **out, uv_loop_t *loop, const char *program,
                    const struct self_child_events *events)
{
	struct self_child *c;
	int ends[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	c = mem_alloc(sizeof(*c));
	c->events = *events;
	c->fd = ends[0];
	c->netns = -1;
	c->process.data = c->poll.data = c->patience.data = c;
	c->open = 3;
	uv_timer_init(loop, &c->patience);
	uv_poll_init(loop, &c->poll, c->fd);
	err = spawn(c, loop, program, ends[1]);
	close(ends[1]);
	if (err) {
		self_child_close(c, NULL);
		return err;
	}
	uv_timer_start(&c->patience, on_patience, PATIENCE_MS, 0);
	uv_poll_start(&c->poll, UV_READABLE, on_hello);
	*out = c;
	return 0;
}

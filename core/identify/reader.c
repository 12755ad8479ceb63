/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/reader.h"

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
#include "core/base/log.h"
#include "core/base/mem.h"

enum {
	PATIENCE_MS = 20000, /* from when it was asked for */
	BRIEF_MS = 3000,
	ALL_MAX = 256,     /* files that wait, and processes */
	PROCESSES_MAX = 6, /* that run, or cannot be killed because their server does not let go of them */
	OF_USER_MAX = 2,
};

/* Whom a process becomes. */
struct user {
	uid_t uid;
	gid_t gid;
	char *groups; /* "4,24"; "": none */
	int ns;       /* its user namespace; -1: ours */
};

struct task {
	struct reader *all;
	uv_process_t process;
	uv_timer_t patience;
	struct user user;
	void *subject;  /* NULL: done with, but for its process */
	int fd, answer; /* -1: closed */
	uint64_t size;
	int64_t since_ns;
	bool started, exited;
	int handles;
	struct task *next;
};

struct reader {
	uv_loop_t *loop;
	char *program;
	reader_done done;
	void *arg;
	struct task *tasks; /* the oldest first */
	unsigned n, processes;
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
};

static void start_some(struct reader *r);

/* ---- who it is ---- */

static bool is_other_ns(const char *path)
{
	struct stat ours, theirs;

	return !stat("/proc/self/ns/user", &ours) && !stat(path, &theirs) && ours.st_ino != theirs.st_ino;
}

/* Effective ids: those by which it may open files. */
static int user_of(struct user *user, pid_t pid)
{
	char path[32], *line = NULL, *at;
	unsigned id;
	size_t cap = 0;
	unsigned found = 0;
	FILE *in;

	*user = (struct user){.ns = -1};
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	in = fopen(path, "re");
	if (!in)
		return -errno;
	while (getline(&line, &cap, in) > 0) {
		if (sscanf(line, "Uid: %*u %u", &id) == 1) {
			user->uid = id;
			found |= 1;
		} else if (sscanf(line, "Gid: %*u %u", &id) == 1) {
			user->gid = id;
			found |= 2;
		} else if (strncmp(line, "Groups:", 7) == 0 && !user->groups) {
			at = line + 7 + strspn(line + 7, " \t");
			at[strcspn(at, "\n")] = 0;
			for (size_t n = strlen(at); n && at[n - 1] == ' '; n--)
				at[n - 1] = 0;
			for (char *space = at; (space = strchr(space, ' '));)
				*space = ',';
			user->groups = mem_strdup(strlen(at) < 65536 ? at : "");
			found |= 4;
		}
	}
	free(line);
	fclose(in);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	if (is_other_ns(path))
		user->ns = open(path, O_RDONLY | O_CLOEXEC);
	return found == 7 ? 0 : -ESRCH;
}

/* ---- one process ---- */

static void task_closed(uv_handle_t *handle)
{
	struct task *t = handle->data;
	struct reader *r = t->all;
	struct task **at;

	if (--t->handles)
		return;
	for (at = &r->tasks; *at != t;)
		at = &(*at)->next;
	*at = t->next;
	r->n--;
	if (t->fd >= 0)
		close(t->fd);
	if (t->answer >= 0)
		close(t->answer);
	if (t->user.ns >= 0)
		close(t->user.ns);
	free(t->user.groups);
	free(t);
	if (r->closing && !r->tasks) {
		void (*closed)(void *) = r->closed;
		void *arg = r->closed_arg;

		free(r->program);
		free(r);
		closed(arg);
	} else if (!r->closing) {
		start_some(r);
	}
}

static void task_say(struct task *t, enum ps_hash_state state, const uint8_t sha256[32])
{
	void *subject = t->subject;

	t->subject = NULL;
	uv_timer_stop(&t->patience);
	if (subject)
		t->all->done(t->all->arg, subject, state, sha256);
}

/* Nothing is waited for any more. A process that goes on is let go of only when all ends. */
static void task_close(struct task *t)
{
	if (uv_is_closing((uv_handle_t *)&t->patience))
		return;
	uv_close((uv_handle_t *)&t->patience, task_closed);
	if (t->started)
		uv_close((uv_handle_t *)&t->process, task_closed);
}

static void on_exit_of(uv_process_t *process, int64_t status, int number)
{
	struct task *t = process->data;
	struct reader_answer answer = {0};
	bool whole = recv(t->answer, &answer, sizeof(answer), MSG_DONTWAIT) == sizeof(answer);

	t->exited = true;
	t->all->processes--;
	if (!whole && t->subject)
		log_debug("read-file: it ended without an answer (status %d, signal %d)", (int)status, number);
	else if (answer.error)
		log_debug("read-file: user %u: %s", t->user.uid, strerror(answer.error));
	if (!whole || answer.state > PS_HASH_LATE)
		answer.state = PS_HASH_UNREADABLE;
	task_say(t, answer.state, answer.sha256);
	task_close(t);
}

static int spawn(struct task *t, int answer)
{
	char *args[] = {t->all->program,
	                mem_strdup("read-file"),
	                mem_printf("%ld", (long)getpid()),
	                mem_printf("%u", t->user.uid),
	                mem_printf("%u", t->user.gid),
	                mem_strdup(t->user.groups),
	                mem_printf("%llu", (unsigned long long)t->size),
	                NULL},
	     *env[] = {NULL};
	uv_stdio_container_t stdio[] = {
	    {.flags = UV_IGNORE},
	    {.flags = UV_IGNORE},
	    {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
	    {.flags = UV_INHERIT_FD, .data.fd = answer},
	    {.flags = UV_INHERIT_FD, .data.fd = t->fd},
	    {.flags = UV_INHERIT_FD, .data.fd = t->user.ns},
	};
	uv_process_options_t options = {.exit_cb = on_exit_of,
	                                .file = t->all->program,
	                                .args = args,
	                                .env = env,
	                                .cwd = "/",
	                                .stdio_count = t->user.ns < 0 ? 5 : 6,
	                                .stdio = stdio};
	int err = uv_spawn(t->all->loop, &t->process, &options);

	for (size_t i = 1; args[i]; i++)
		free(args[i]);
	return err;
}

static void task_start(struct task *t)
{
	int ends[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
		task_say(t, PS_HASH_UNREADABLE, NULL);
		task_close(t);
		return;
	}
	t->answer = ends[0];
	t->process.data = t;
	t->handles++;
	t->started = true;
	err = spawn(t, ends[1]);
	close(ends[1]);
	close(t->fd);
	t->fd = -1;
	if (!err) {
		t->all->processes++;
		return;
	}
	log_error("read-file: %s: %s", t->all->program, strerror(-err));
	t->exited = true;
	task_say(t, PS_HASH_UNREADABLE, NULL);
	task_close(t);
}

static unsigned processes_of(const struct reader *r, uid_t uid)
{
	unsigned n = 0;

	for (const struct task *t = r->tasks; t; t = t->next)
		n += t->started && !t->exited && t->user.uid == uid;
	return n;
}

static void start_some(struct reader *r)
{
	for (struct task *t = r->tasks; t && r->processes < PROCESSES_MAX; t = t->next)
		if (!t->started && t->subject && processes_of(r, t->user.uid) < OF_USER_MAX)
			task_start(t);
}

static void on_patience(uv_timer_t *timer)
{
	struct task *t = timer->data;

	log_debug("read-file: user %u: not in time", t->user.uid);
	if (t->started && !t->exited)
		uv_process_kill(&t->process, SIGKILL); /* its end comes when its server lets go of it */
	task_say(t, PS_HASH_UNREADABLE, NULL);
	if (!t->started)
		task_close(t);
}

/* ---- life ---- */

void reader_add(struct reader *r, void *subject, pid_t pid, int fd, uint64_t size)
{
	struct task *t = mem_alloc(sizeof(*t)), **at;
	int err = user_of(&t->user, pid);

	t->all = r;
	t->subject = subject;
	t->fd = fd;
	t->answer = -1;
	t->size = size;
	t->since_ns = clock_monotonic_ns();
	t->patience.data = t;
	t->handles = 1;
	uv_timer_init(r->loop, &t->patience);
	/* What cannot be begun is told with the next turn of the loop, like everything else. */
	uv_timer_start(&t->patience, on_patience, err || r->n >= ALL_MAX ? 0 : PATIENCE_MS, 0);
	r->n++;
	for (at = &r->tasks; *at;)
		at = &(*at)->next;
	*at = t;
	if (!err && r->n <= ALL_MAX)
		start_some(r);
}

unsigned reader_waiting(const struct reader *r)
{
	int64_t now = clock_monotonic_ns();
	unsigned n = 0;

	for (const struct task *t = r->tasks; t; t = t->next)
		n += t->subject && now - t->since_ns < BRIEF_MS * NS_PER_MS;
	return n;
}

struct reader *reader_open(uv_loop_t *loop, const char *program, reader_done done, void *arg)
{
	struct reader *r = mem_alloc(sizeof(*r));

	*r = (struct reader){.loop = loop, .program = mem_strdup(program), .done = done, .arg = arg};
	return r;
}

static void nothing_left(uv_handle_t *handle)
{
	struct reader *r = handle->data;
	void (*closed)(void *) = r->closed;
	void *arg = r->closed_arg;

	free(handle);
	free(r->program);
	free(r);
	closed(arg);
}

void reader_close(struct reader *r, void (*closed)(void *), void *arg)
{
	r->closing = true;
	r->closed = closed;
	r->closed_arg = arg;
	if (!r->tasks) {
		uv_timer_t *none = mem_alloc(sizeof(*none));

		none->data = r;
		uv_timer_init(r->loop, none);
		uv_close((uv_handle_t *)none, nothing_left);
		return;
	}
	for (struct task *t = r->tasks, *next; t; t = next) {
		next = t->next;
		if (t->started && !t->exited)
			uv_process_kill(&t->process, SIGKILL);
		task_say(t, PS_HASH_LATE, NULL);
		task_close(t);
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/reader.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"

enum {
	PATIENCE_MS = 20000, /* from when it was asked for */
	BRIEF_MS = 3000,
	ALL_MAX = 256, /* files that wait, and processes */
	OF_USER_MAX = 128,
	PROCESSES_MAX = 6, /* that run, or cannot be killed because their server does not let go of them */
	RUNNING_OF_USER_MAX = 2,
};

struct task {
	struct reader *all;
	uv_process_t process;
	uv_timer_t patience;
	uid_t uid;
	reader_done done;
	void *arg, *subject; /* subject NULL: done with, but for its process */
	struct apart *apart; /* until it is started */
	int answer;          /* -1: closed */
	int64_t since_ns;
	bool started, exited;
	int handles;
	struct task *next;
};

struct reader {
	uv_loop_t *loop;
	char *program;
	struct task *tasks; /* the oldest first */
	unsigned n, processes;
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
};

static void start_some(struct reader *r);

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
	if (t->apart)
		apart_free(t->apart);
	if (t->answer >= 0)
		close(t->answer);
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

static void task_say(struct task *t, enum ps_hash_state state, const uint8_t sha256[32], const char *path)
{
	void *subject = t->subject;

	t->subject = NULL;
	uv_timer_stop(&t->patience);
	if (subject)
		t->done(t->arg, subject, state, sha256, path);
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
		log_debug("read-file: user %u: %s", t->uid, strerror(answer.error));
	if (!whole || answer.state > PS_HASH_LATE)
		answer.state = PS_HASH_UNREADABLE;
	answer.path[sizeof(answer.path) - 1] = 0;
	task_say(t, answer.state, answer.sha256, answer.path);
	task_close(t);
}

static int spawn(struct task *t, int answer)
{
	const struct apart *a = t->apart;
	char *args[] = {t->all->program,
	                mem_strdup("read-file"),
	                mem_printf("%ld", (long)getpid()),
	                mem_printf("%u", a->user.uid),
	                mem_printf("%u", a->user.gid),
	                mem_strdup(a->user.groups),
	                NULL},
	     *env[] = {NULL};
	const int fds[READER_END] = {
	    [STDIN_FILENO] = -1,     [STDOUT_FILENO] = -1,     [STDERR_FILENO] = STDERR_FILENO, [READER_ANSWER] = answer,
	    [READER_FILE] = a->file, [READER_NS] = a->user.ns, [READER_ROOT] = a->root,         [READER_CWD] = a->cwd,
	};
	uv_stdio_container_t stdio[READER_END];
	uv_process_options_t options = {.exit_cb = on_exit_of,
	                                .file = t->all->program,
	                                .args = args,
	                                .env = env,
	                                .cwd = "/",
	                                .stdio_count = READER_END,
	                                .stdio = stdio};
	int err;

	for (int i = 0; i < READER_END; i++) {
		stdio[i].flags = fds[i] < 0 ? UV_IGNORE : UV_INHERIT_FD;
		stdio[i].data.fd = fds[i];
	}
	err = uv_spawn(t->all->loop, &t->process, &options);
	for (size_t i = 1; args[i]; i++)
		free(args[i]);
	return err;
}

static void task_start(struct task *t)
{
	const struct apart_request *request = &t->apart->request;
	int ends[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
		task_say(t, PS_HASH_UNREADABLE, NULL, "");
		task_close(t);
		return;
	}
	t->answer = ends[0];
	t->process.data = t;
	t->handles++;
	t->started = true;
	/* Into an empty socket: there is room. */
	err = send(ends[0], request, sizeof(*request), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(*request) ? 0 : -EIO;
	if (!err)
		err = spawn(t, ends[1]);
	close(ends[1]);
	apart_free(t->apart);
	t->apart = NULL;
	if (!err) {
		t->all->processes++;
		return;
	}
	log_error("read-file: %s: %s", t->all->program, strerror(-err));
	t->exited = true;
	task_say(t, PS_HASH_UNREADABLE, NULL, "");
	task_close(t);
}

static unsigned of_user(const struct reader *r, uid_t uid, bool running)
{
	unsigned n = 0;

	for (const struct task *t = r->tasks; t; t = t->next)
		n += t->uid == uid && (!running || (t->started && !t->exited));
	return n;
}

static void start_some(struct reader *r)
{
	for (struct task *t = r->tasks; t && r->processes < PROCESSES_MAX; t = t->next)
		if (t->apart && t->subject && of_user(r, t->uid, true) < RUNNING_OF_USER_MAX)
			task_start(t);
}

static void on_patience(uv_timer_t *timer)
{
	struct task *t = timer->data;

	log_debug("read-file: user %u: not in time", t->uid);
	if (t->started && !t->exited)
		uv_process_kill(&t->process, SIGKILL); /* its end comes when its server lets go of it */
	task_say(t, PS_HASH_UNREADABLE, NULL, "");
	if (!t->started)
		task_close(t);
}

/* ---- life ---- */

void reader_add(struct reader *r, struct apart *apart, reader_done done, void *arg, void *subject)
{
	struct task *t = mem_alloc(sizeof(*t)), **at;
	bool fits = apart && r->n < ALL_MAX && of_user(r, apart->user.uid, false) < OF_USER_MAX;

	*t = (struct task){.all = r, .done = done, .arg = arg, .subject = subject, .answer = -1};
	if (fits) {
		t->apart = apart;
		t->uid = apart->user.uid;
	} else if (apart) {
		apart_free(apart);
	}
	t->since_ns = clock_monotonic_ns();
	t->patience.data = t;
	t->handles = 1;
	uv_timer_init(r->loop, &t->patience);
	/* What cannot be begun is told with the next turn of the loop, like everything else. */
	uv_timer_start(&t->patience, on_patience, fits ? PATIENCE_MS : 0, 0);
	r->n++;
	for (at = &r->tasks; *at;)
		at = &(*at)->next;
	*at = t;
	if (fits)
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

struct reader *reader_open(uv_loop_t *loop, const char *program)
{
	struct reader *r = mem_alloc(sizeof(*r));

	*r = (struct reader){.loop = loop, .program = mem_strdup(program)};
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
		task_say(t, PS_HASH_LATE, NULL, "");
		task_close(t);
	}
}

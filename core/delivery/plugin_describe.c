/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks a plugin what it declares, in a process of its own that has no privileges: a plugin's
 * constructors never run in the daemon. Also that process's side, the subcommand.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/config/option.h"
#include "core/delivery/confine.h"
#include "core/delivery/plugin_load.h"
#include "core/delivery/sink_host.h"
#include "core/delivery/trust.h"

#define LIMIT_MS 20000
#define TEXT_LONGEST (256 * 1024)

#define AHEAD_MOST 16

static const char *describe_program;
static unsigned describe_uid, describe_gid;

/* Who was asked and has not been heard. */
static struct question {
	char *name;
	pid_t pid;
	int out; /* what he says */
} ahead[AHEAD_MOST];
static unsigned n_ahead;

void plugin_describe_as(const char *program, unsigned uid, unsigned gid)
{
	describe_program = program;
	describe_uid = uid;
	describe_gid = gid;
}

/* Between fork() and exec: nothing but system calls. */
_Noreturn static void become(int out, char *const argv[])
{
	static char *const env[] = {NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (geteuid() == 0 && (setgroups(0, NULL) || setgid(describe_gid) || setuid(describe_uid)))
		_exit(126);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	execve(argv[0], argv, env);
	_exit(127);
}

/* All that the child says, until it ends or its time is over: 0, -ETIMEDOUT or -EMSGSIZE. */
static int collect(int fd, struct buf *text)
{
	int64_t end = clock_monotonic_ns() + LIMIT_MS * NS_PER_MS;

	for (;;) {
		int64_t left = (end - clock_monotonic_ns()) / NS_PER_MS;
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, buf_add(text, 4096), 4096);
		text->len -= 4096 - (n > 0 ? (size_t)n : 0);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (text->len > TEXT_LONGEST)
			return -EMSGSIZE;
	}
}

static struct ps_option *understand(int err, int status, struct buf *text, const char *name, char reason[TRUST_WHY])
{
	struct ps_option *options = NULL;

	if (err == -ETIMEDOUT)
		snprintf(reason, TRUST_WHY, "plugin %s did not say what it declares within %d s", name, LIMIT_MS / 1000);
	else if (err)
		snprintf(reason, TRUST_WHY, "plugin %s could not be asked what it declares: %s", name, strerror(-err));
	else if (WIFSIGNALED(status))
		snprintf(reason, TRUST_WHY, "plugin %s crashed when it was loaded (signal %d)", name, WTERMSIG(status));
	else if (WEXITSTATUS(status) && text->len)
		snprintf(reason, TRUST_WHY, "%.*s", (int)(text->len < 400 ? text->len : 400), (const char *)text->data);
	else if (WEXITSTATUS(status))
		snprintf(reason, TRUST_WHY, "plugin %s could not be asked what it declares: %s ended with status %d", name,
		         describe_program, WEXITSTATUS(status));
	else if (!(options = option_read(text->data, text->len)))
		snprintf(reason, TRUST_WHY, "plugin %s declares its options in a way that cannot be read", name);
	return options;
}

/* Asks. 0, or -errno with a reason. */
static int ask(const char *dir, const char *name, struct question *q, char reason[TRUST_WHY])
{
	char uid[16], gid[16], *file = mem_printf("%s/%s.so", dir, name);
	char *argv[] = {
	    mem_strdup(describe_program), mem_strdup("plugin-describe"), file, geteuid() ? NULL : uid, gid, NULL};
	int ends[2], err = pipe2(ends, O_CLOEXEC) ? -errno : 0;

	snprintf(uid, sizeof(uid), "%u", describe_uid);
	snprintf(gid, sizeof(gid), "%u", describe_gid);
	if (!err) {
		q->pid = fork();
		if (q->pid == 0)
			become(ends[1], argv);
		err = q->pid < 0 ? -errno : 0;
		close(ends[1]);
		q->out = ends[0];
		if (err)
			close(ends[0]);
	}
	if (err)
		snprintf(reason, TRUST_WHY, "plugin %s cannot be asked what it declares: %s", name, strerror(-err));
	free(argv[0]);
	free(argv[1]);
	free(file);
	return err;
}

/* Waits for the end of who was asked, who may have closed his output and live on. Returns his status. */
static int reap(pid_t pid, int err)
{
	struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	int status = 0;

	if (err || end.fd < 0 || poll(&end, 1, LIMIT_MS) <= 0)
		kill(pid, SIGKILL);
	if (end.fd >= 0)
		close(end.fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

void plugin_describe_ahead(const char *dir, const char *name)
{
	struct question q = {.name = mem_strdup(name)};
	char reason[TRUST_WHY];
	const char *why;

	if (n_ahead < AHEAD_MOST && describe_program && !plugin_check_file(dir, name, &why) && !ask(dir, name, &q, reason))
		ahead[n_ahead++] = q;
	else
		free(q.name);
}

/* Whether that one was asked already. */
static bool take_ahead(const char *name, struct question *q)
{
	for (unsigned i = 0; i < n_ahead; i++)
		if (strcmp(ahead[i].name, name) == 0) {
			*q = ahead[i];
			free(ahead[i].name);
			ahead[i] = ahead[--n_ahead];
			return true;
		}
	return false;
}

struct ps_option *plugin_describe(const char *dir, const char *name, const char **why)
{
	static _Thread_local char reason[TRUST_WHY];
	struct ps_option *options;
	struct question q;
	struct buf text;
	int err;

	if (plugin_check_file(dir, name, why))
		return NULL;
	*why = reason;
	if (!describe_program) {
		snprintf(reason, sizeof(reason),
		         "plugin %s cannot be asked what it declares: plugin_describe_as() was not called", name);
		return NULL;
	}
	if (!take_ahead(name, &q) && ask(dir, name, &q, reason))
		return NULL;
	buf_init(&text);
	err = collect(q.out, &text);
	close(q.out);
	options = understand(err, reap(q.pid, err), &text, name, reason);
	buf_done(&text);
	return options;
}

static int split(const char *file, char **dir, char **name)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
	size_t n = strlen(base);

	if (n < 4 || strcmp(base + n - 3, ".so") != 0)
		return -EINVAL;
	*dir = slash ? mem_printf("%.*s", slash == file ? 1 : (int)(slash - file), file) : mem_strdup(".");
	*name = mem_printf("%.*s", (int)(n - 3), base);
	return 0;
}

int plugin_describe_main(int argc, char **argv)
{
	const struct ps_plugin *plugin = NULL;
	char *dir = NULL, *name = NULL, why_confined[TRUST_WHY];
	const char *why = why_confined;
	struct buf text;
	int status = 1;

	buf_init(&text);
	if ((argc != 2 && argc != 4) || split(argv[1], &dir, &name)) {
		fprintf(stderr, "usage: picosnitch plugin-describe DIR/NAME.so\n");
		return 2;
	}
	if (confine(argc == 4 ? argv[2] : NULL, argc == 4 ? argv[3] : NULL, STDERR_FILENO, why_confined) == 0)
		plugin = plugin_load(dir, name, &why);
	if (plugin) {
		option_write(&text, plugin->options);
		status = 0;
	} else {
		buf_put_str(&text, why);
	}
	if (fwrite(text.data, 1, text.len, stdout) != text.len || fflush(stdout))
		status = 2;
	buf_done(&text);
	free(dir);
	free(name);
	return status;
}

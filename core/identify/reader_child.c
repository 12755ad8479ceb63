/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process that reads: root until it has become the user, before it opens anything. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/sha256.h"
#include "core/identify/file.h"
#include "core/identify/reader.h"

enum { GROUPS_MAX = 4096 };

static bool is_here(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int set_groups(const char *list)
{
	static gid_t groups[GROUPS_MAX];
	size_t n = 0;
	char *end;

	for (const char *at = list; *at && n < GROUPS_MAX; at = *end ? end + 1 : end) {
		groups[n++] = (gid_t)strtoul(at, &end, 10);
		if (*end && *end != ',')
			return -EINVAL;
	}
	return setgroups(n, groups) ? -errno : 0;
}

/* None, or only those of a bit mask: of what this process may have at all. */
static int set_capabilities(uint32_t keep)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{keep, keep, 0}};

	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

/* In another user namespace the file system may be open to its members alone. The user stays the same. */
static int enter_ns(void)
{
	int err = set_capabilities(1u << CAP_SYS_ADMIN);

	if (!err && setns(READER_NS, CLONE_NEWUSER))
		err = -errno;
	return err;
}

static int become(uid_t uid, gid_t gid, const char *groups)
{
	bool elsewhere = is_here(READER_NS);
	int err = set_groups(groups);

	/* Those would leave it what it is. */
	if (uid == (uid_t)-1 || gid == (gid_t)-1)
		return -EINVAL;
	if (!err && (setresgid(gid, gid, gid) || prctl(PR_SET_KEEPCAPS, elsewhere) || setresuid(uid, uid, uid)))
		err = -errno;
	if (!err && elsewhere)
		err = enter_ns();
	/* The bounding set only where that is permitted: without new privileges it is void anyway. */
	for (int cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			break;
	if (!err && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL)
		err = -errno;
	if (!err)
		err = set_capabilities(0);
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	return err;
}

/* What it is told, and what can be had only as the user: from a file that is open as a path, or is to be found. */
static int open_file(const struct apart_request *request, struct reader_answer *answer)
{
	enum ps_hash_state why = PS_HASH_UNREADABLE;
	int found = READER_FILE, fd = -1;
	struct stat st;
	char *path;

	if (!is_here(found))
		found = search_find(&request->by, request->path, READER_ROOT, is_here(READER_CWD) ? READER_CWD : -1, &why);
	if (found >= 0 && !request->script) {
		fd = open("/proc/self/fd/4", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		_Static_assert(READER_FILE == 4, "the path above");
	} else if (found >= 0) {
		fd = search_open(&request->by, found, &st, &why);
	}
	answer->error = fd < 0 ? errno : 0;
	answer->state = why;
	path = fd < 0 || !request->script ? NULL : search_path(&request->by, fd);
	if (path)
		snprintf(answer->path, sizeof(answer->path), "%s", path);
	free(path);
	return fd;
}

static void read_file(struct reader_answer *answer, const struct apart_request *request)
{
	struct stat before, after;
	int fd = open_file(request, answer), err;
	uint64_t size;

	if (fd < 0)
		return;
	answer->state = PS_HASH_UNREADABLE;
	if (fstat(fd, &before)) {
		answer->error = errno;
		return;
	}
	if (!S_ISREG(before.st_mode)) {
		answer->error = EINVAL;
		return;
	}
	size = request->script ? (uint64_t)before.st_size : request->size;
	err = sha256_bounded(fd, size, answer->sha256, NULL);
	if (err && err != -EFBIG)
		answer->error = -err;
	else if (err || (uint64_t)before.st_size != size || fstat(fd, &after) || after.st_size != before.st_size ||
	         memcmp(&after.st_mtim, &before.st_mtim, sizeof(after.st_mtim)) != 0)
		answer->state = PS_HASH_CHANGED;
	else
		answer->state = PS_HASH_OK;
}

int reader_child_main(int argc, char **argv)
{
	static struct reader_answer answer = {.state = PS_HASH_UNREADABLE};
	static struct apart_request request;
	const struct rlimit no_core = {0, 0};
	struct sigaction usual = {.sa_handler = SIG_DFL};
	int err;

	if (argc != 5) {
		log_error("read-file is started by the daemon, not by hand");
		return 2;
	}
	for (int i = 1; i < NSIG; i++)
		sigaction(i, &usual, NULL);
	setrlimit(RLIMIT_CORE, &no_core);
	err = become((uid_t)strtoul(argv[2], NULL, 10), (gid_t)strtoul(argv[3], NULL, 10), argv[4]);
	if (err) {
		log_error("read-file: user %s: %s", argv[2], strerror(-err));
		return 1;
	}
	/* After the last change of who this is, which would undo it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != strtol(argv[1], NULL, 10))
		return 1;
	if (recv(READER_ANSWER, &request, sizeof(request), MSG_DONTWAIT) != sizeof(request))
		return 1;
	read_file(&answer, &request);
	if (answer.state != PS_HASH_OK)
		memset(answer.sha256, 0, sizeof(answer.sha256));
	return send(READER_ANSWER, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One script of one process: from a path to an open file that is the right one, or a reason. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/identify/file.h"
#include "core/identify/proc.h"
#include "core/identify/scripts.h"

#define PATH_LONGEST 4096

static int open_at(int folder, const char *path, uint64_t resolve)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = resolve | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
}

static int open_link(pid_t pid, const char *name)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/%d/%s", pid, name);
	return open(link, O_PATH | O_CLOEXEC);
}

/* Whether it is the folder that it was. */
static bool is_folder(int fd, const struct wire_folder *folder)
{
	struct stat st;

	if (!folder->ino)
		return true; /* which it was is not known */
	return !fstat(fd, &st) && st.st_ino == folder->ino &&
	       (file_has_own_devices(file_magic(fd)) || st.st_dev == makedev(folder->dev >> 20, folder->dev & 0xfffff));
}

/* The path of the working folder from the root of the process, as the kernel tells it; -1: it has none. */
static int folder_below(int root, int cwd, char *out, size_t size)
{
	char *from = file_path(root), *to = file_path(cwd);
	size_t n = from && strcmp(from, "/") != 0 ? strlen(from) : 0;
	int len = -1;

	if (from && to && strncmp(from, to, n) == 0 && (to[n] == '/' || !to[n]))
		len = snprintf(out, size, "%s/", to + n);
	free(from);
	free(to);
	return len < 0 || (size_t)len >= size ? -1 : len;
}

/* A relative path that leaves the working folder, or a link in it that is absolute. */
static int open_from(int root, int cwd, const char *path)
{
	char whole[PATH_LONGEST + PATH_LONGEST];
	struct stat a, b;
	int n = folder_below(root, cwd, whole, sizeof(whole)), fd;

	if (n < 0 || (size_t)n + strlen(path) >= sizeof(whole)) {
		errno = EXDEV;
		return -1;
	}
	/* What is found under that path must be that folder: mounts may hide it. */
	fd = open_at(root, whole, RESOLVE_IN_ROOT);
	if (fd < 0 || fstat(fd, &a) || fstat(cwd, &b) || a.st_ino != b.st_ino || a.st_dev != b.st_dev) {
		if (fd >= 0)
			close(fd);
		errno = EXDEV;
		return -1;
	}
	close(fd);
	strcpy(whole + n, path);
	return open_at(root, whole, RESOLVE_IN_ROOT);
}

/* "/dev/fd/63", "/proc/self/fd/3", "/dev/stdin": a number of the process's, or -1. */
static int descriptor_of(const char *path)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
	char *end;
	long n;

	if (strcmp(path, "/dev/stdin") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t len = strlen(folders[i]);

		if (strncmp(path, folders[i], len) != 0 || path[len] < '0' || path[len] > '9')
			continue;
		errno = 0;
		n = strtol(path + len, &end, 10);
		return *end || errno || n > 1 << 30 ? -1 : (int)n;
	}
	return -1;
}

/* An O_PATH file, or -1 with errno. */
static int find(const struct start *by, const char *path, int root, int cwd)
{
	int number = descriptor_of(path), fd;
	char name[32];

	if (number >= 0) {
		snprintf(name, sizeof(name), "fd/%d", number);
		return open_link(by->pid, name);
	}
	if (path[0] == '/')
		return open_at(root, path, RESOLVE_IN_ROOT);
	fd = open_at(cwd, path, RESOLVE_BENEATH);
	return fd < 0 && errno == EXDEV ? open_from(root, cwd, path) : fd;
}

/* Opens for reading what is open as a path, if it is what was wanted. */
static int reopen(const struct start *by, int path, enum ps_hash_state *why)
{
	char link[32];
	struct stat st;
	int fd;

	*why = PS_HASH_UNREADABLE;
	if (fstat(path, &st) || !S_ISREG(st.st_mode) || file_is_foreign(file_magic(path)))
		return -1;
	if (file_changed_ns(&st) > by->exec_ns) {
		*why = PS_HASH_CHANGED;
		return -1;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path);
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd;
}

/* The root folder of the process; if it has gone, that of another, if it is the same. */
static int open_root(const struct start *by, bool *gone)
{
	int root = open_link(by->pid, "root");

	*gone = root < 0 || (by->process_ns && !proc_is(by->pid, by->process_ns));
	if (!*gone)
		return root;
	if (root >= 0)
		close(root);
	return by->like && by->root.ino ? open_link(by->like, "root") : -1;
}

/* Whether it has its folders still: who ends gives them up before he is gone. */
static bool has_folders(const struct start *by)
{
	int root = open_link(by->pid, "root");

	if (root < 0)
		return false;
	close(root);
	return proc_is(by->pid, by->process_ns);
}

/* Whether a folder of another's is that one by its number: below subvolumes there are many of the same. */
static bool is_sure(int fd)
{
	uint32_t magic = file_magic(fd);

	return magic == OVERLAYFS_SUPER_MAGIC || !file_has_own_devices(magic);
}

/* The working folder by the path that it had. What has it now must be that folder; and who puts another script into it,
 * or in its place, changes that script's times. */
static int open_way(const struct start *by, int root)
{
	bool is_root = memcmp(&by->cwd, &by->root, sizeof(by->cwd)) == 0;
	const char *path = is_root ? "/" : by->cwd_path;
	int cwd = by->like && *path ? open_at(root, path, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS) : -1;

	if (cwd < 0 || (is_folder(cwd, &by->cwd) && is_sure(cwd)))
		return cwd;
	close(cwd);
	return -1;
}

/* Its working folder; if it has gone, or gone elsewhere, that of its parent, if it is the same, or what is where it
 * was. -1: which it was is not known, or where. */
static int open_cwd(const struct start *by, int root, bool gone)
{
	pid_t pids[] = {gone ? 0 : by->pid, by->like ? by->parent : 0};

	for (size_t i = 0; by->cwd.ino && i < 2; i++) {
		int cwd = pids[i] ? open_link(pids[i], "cwd") : -1;

		if (cwd >= 0 && is_folder(cwd, &by->cwd) && (pids[i] == by->pid || is_sure(cwd)))
			return cwd;
		if (cwd >= 0)
			close(cwd);
	}
	return by->cwd.ino ? open_way(by, root) : -1;
}

int script_open(const struct start *by, const char *path, enum ps_hash_state *why)
{
	int root, cwd = -1, found = -1, fd = -1;
	bool gone;

	*why = PS_HASH_GONE;
	root = open_root(by, &gone);
	if (root < 0 || (gone && descriptor_of(path) >= 0))
		goto out;
	if (*path != '/') {
		cwd = open_cwd(by, root, gone);
		if (cwd < 0 && !gone && has_folders(by))
			*why = PS_HASH_MISMATCH;
		if (cwd < 0)
			goto out;
	}
	*why = PS_HASH_MISMATCH;
	if (!is_folder(root, &by->root))
		goto out;
	found = find(by, path, root, cwd);
	if (found >= 0)
		fd = reopen(by, found, why);
	else
		*why = errno == ENOENT || errno == ESRCH ? PS_HASH_GONE : PS_HASH_UNREADABLE;
out:
	if (root >= 0)
		close(root);
	if (cwd >= 0)
		close(cwd);
	if (found >= 0)
		close(found);
	return fd;
}

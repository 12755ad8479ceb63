/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/search.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

static int open_at(int folder, const char *path, uint64_t resolve)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = resolve | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
}

/* ---- folders ---- */

int search_is_folder(int fd, const struct wire_folder *folder)
{
	struct stat st;
	uint32_t mount;
	uint64_t ino;

	if (!folder->ino)
		return 1; /* which it was is not known */
	if (fstat(fd, &st)) {
		/* The kernel tells its number still. */
		return errno == EACCES && (file_where(fd, &mount, &ino) || !ino || ino == folder->ino) ? -EACCES : 0;
	}
	return st.st_ino == folder->ino &&
	       (file_has_own_devices(file_magic(fd)) || st.st_dev == makedev(folder->dev >> 20, folder->dev & 0xfffff));
}

int search_is_sure(int fd)
{
	uint32_t magic = file_magic(fd);

	return magic == OVERLAYFS_SUPER_MAGIC || !file_has_own_devices(magic);
}

bool search_is_gone(const struct start *by)
{
	return by->process_ns && !proc_is(by->pid, by->process_ns);
}

bool search_has_folders(const struct start *by)
{
	int root = proc_open(by->pid, "root");

	if (root < 0)
		return false;
	close(root);
	return !search_is_gone(by);
}

/* The working folder by the path that it had. What has it now must be that folder; and who puts another script into it,
 * or in its place, changes that script's times. */
static int open_way(const struct start *by, int root)
{
	bool is_root = memcmp(&by->cwd, &by->root, sizeof(by->cwd)) == 0;
	const char *path = is_root ? "/" : by->cwd_path;
	int cwd;

	errno = ENOENT;
	cwd = by->cwd.ino && by->like && *path ? open_at(root, path, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS) : -1;
	if (cwd < 0 || (search_is_folder(cwd, &by->cwd) && search_is_sure(cwd)))
		return cwd;
	close(cwd);
	errno = ENOENT;
	return -1;
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

/* ---- the file ---- */

/* A relative path that leaves the working folder, or a link in it that is absolute. */
static int open_from(int root, int cwd, const char *path)
{
	char whole[PATH_MAX + PATH_MAX];
	struct stat a, b;
	int n = folder_below(root, cwd, whole, sizeof(whole)), fd, err = EXDEV;

	if (n < 0 || (size_t)n + strlen(path) >= sizeof(whole)) {
		errno = EXDEV;
		return -1;
	}
	/* What is found under that path must be that folder: mounts may hide it. */
	fd = open_at(root, whole, RESOLVE_IN_ROOT);
	if (fd < 0 || fstat(fd, &a) || fstat(cwd, &b))
		err = errno == EACCES ? EACCES : EXDEV;
	else if (a.st_ino == b.st_ino && a.st_dev == b.st_dev)
		err = 0;
	if (fd >= 0)
		close(fd);
	if (err) {
		errno = err;
		return -1;
	}
	strcpy(whole + n, path);
	return open_at(root, whole, RESOLVE_IN_ROOT);
}

int search_find(const struct start *by, const char *path, int root, int cwd, enum ps_hash_state *why)
{
	int way = -1, fd = -1, is;

	*why = PS_HASH_GONE;
	if (*path != '/' && cwd < 0) {
		cwd = way = open_way(by, root);
		if (cwd < 0) {
			*why = errno == EACCES ? PS_HASH_UNREADABLE : PS_HASH_GONE;
			return -1;
		}
	}
	is = search_is_folder(root, &by->root);
	if (is == 1 && *path != '/')
		is = search_is_folder(cwd, &by->cwd);
	if (is == 1) {
		fd = *path == '/' ? open_at(root, path, RESOLVE_IN_ROOT) : open_at(cwd, path, RESOLVE_BENEATH);
		if (fd < 0 && *path != '/' && errno == EXDEV)
			fd = open_from(root, cwd, path);
		*why = errno == ENOENT ? PS_HASH_GONE : PS_HASH_UNREADABLE;
	} else {
		*why = is ? PS_HASH_UNREADABLE : PS_HASH_MISMATCH;
		errno = is ? EACCES : ESTALE;
	}
	if (way >= 0) {
		int err = errno;

		close(way);
		errno = err;
	}
	return fd;
}

int search_open(const struct start *by, int found, struct stat *st, enum ps_hash_state *why)
{
	char link[32];
	int fd;

	*why = PS_HASH_UNREADABLE;
	if (fstat(found, st))
		return -1;
	errno = EINVAL;
	if (!S_ISREG(st->st_mode))
		return -1;
	if (file_changed_ns(st) > by->exec_ns) {
		*why = PS_HASH_CHANGED;
		return -1;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd;
}

char *search_path(const struct start *by, int found)
{
	char *path = file_path(found);

	if (by->like || search_has_folders(by))
		return path;
	free(path);
	return NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

#define BCACHEFS_MAGIC 0xca451a4eu

int file_stat(int fd, struct stat *st, uint32_t *mount)
{
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_SYNC_AS_STAT, STATX_BASIC_STATS | STATX_MNT_ID, &x))
		return -errno;
	*mount = x.stx_mask & STATX_MNT_ID ? (uint32_t)x.stx_mnt_id : 0; /* 5.8 and later */
	*st = (struct stat){
	    .st_dev = makedev(x.stx_dev_major, x.stx_dev_minor),
	    .st_ino = x.stx_ino,
	    .st_mode = x.stx_mode,
	    .st_nlink = x.stx_nlink,
	    .st_uid = x.stx_uid,
	    .st_gid = x.stx_gid,
	    .st_size = (off_t)x.stx_size,
	};
	st->st_ctim = (struct timespec){x.stx_ctime.tv_sec, x.stx_ctime.tv_nsec};
	st->st_mtim = (struct timespec){x.stx_mtime.tv_sec, x.stx_mtime.tv_nsec};
	return 0;
}

struct stat file_executed(const struct wire_file *file)
{
	struct stat st = {.st_ino = file->ino, .st_size = (off_t)file->size, .st_nlink = file->nlink};

	st.st_ctim = (struct timespec){file->ctime_s, file->ctime_ns};
	st.st_mtim = (struct timespec){file->mtime_s, file->mtime_ns};
	return st;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool file_is_same(const struct stat *a, const struct stat *b, bool *excused)
{
	if (a->st_size != b->st_size || !is_same_time(&a->st_mtim, &b->st_mtim))
		return false;
	if (is_same_time(&a->st_ctim, &b->st_ctim))
		return true;
	if (a->st_nlink && b->st_nlink)
		return false;
	if (excused)
		*excused = true;
	return true;
}

int64_t file_changed_ns(const struct stat *st)
{
	const struct timespec *t = st->st_nlink ? &st->st_ctim : &st->st_mtim;

	return t->tv_sec * NS_PER_S + t->tv_nsec;
}

bool file_is_foreign(uint32_t magic)
{
	return magic == FUSE_SUPER_MAGIC;
}

bool file_has_own_devices(uint32_t magic)
{
	return magic == BTRFS_SUPER_MAGIC || magic == OVERLAYFS_SUPER_MAGIC || magic == BCACHEFS_MAGIC;
}

uint32_t file_magic(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) ? 0 : (uint32_t)fs.f_type;
}

bool file_is_timeless(int fd, uint32_t magic)
{
	struct fiemap map = {.fm_length = 1};

	/* An overlay is what lies below it: on a disk, files have a map of it. */
	if (magic == OVERLAYFS_SUPER_MAGIC)
		return ioctl(fd, FS_IOC_FIEMAP, &map) != 0;
	return magic == TMPFS_MAGIC || magic == RAMFS_MAGIC || magic == HUGETLBFS_MAGIC;
}

/* Whether the file has that name, as far as the kernel knows without asking anybody: what was just
 * executed by a name is known by it. */
static bool is_named(const struct stat *st, const char *path)
{
#ifdef SYS_openat2
	struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_CACHED | RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)); /* RESOLVE_CACHED: 5.12 */
	struct stat named;
	bool is;

	if (fd < 0)
		return false;
	is = !fstat(fd, &named) && named.st_dev == st->st_dev && named.st_ino == st->st_ino;
	close(fd);
	return is;
#else
	(void)st;
	(void)path;
	return false;
#endif
}

bool file_has_writers(int fd)
{
	/* A lease to read is refused as long as there is one, and given back at once. */
	if (fcntl(fd, F_SETLEASE, F_RDLCK))
		return errno == EAGAIN;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

/* cut: how much of it is the path, without the kernel's note that the file was deleted. */
static char *path_and_note(int fd, size_t *cut)
{
	static const char deleted[] = " (deleted)";
	char link[32], path[4096 + sizeof(deleted)];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || *path != '/')
		return NULL;
	path[n] = 0;
	*cut = (size_t)n;
	if (*cut >= sizeof(deleted) && strcmp(path + *cut - (sizeof(deleted) - 1), deleted) == 0)
		*cut -= sizeof(deleted) - 1;
	return mem_strdup(path);
}

char *file_path(int fd)
{
	static const char memory[] = "/memfd:";
	struct stat st;
	size_t cut;
	char *path = path_and_note(fd, &cut);

	if (!path || !path[cut] || fstat(fd, &st))
		return path;
	if (!st.st_nlink) {
		/* No file ever had the name that a file in memory has without the note. */
		if (strncmp(path, memory, sizeof(memory) - 1) != 0)
			path[cut] = 0;
	} else if (!is_named(&st, path)) {
		/* It has other names, and none of them ends like this. */
		path[cut] = 0;
	}
	return path;
}

char *file_path_of(int fd, const struct wire_file *file)
{
	size_t cut;
	char *path = path_and_note(fd, &cut);

	if (path && !file->nlink)
		path[cut] = 0;
	return path;
}

int file_where(int fd, uint32_t *mount, uint64_t *ino)
{
	char path[40], line[128];
	unsigned long long n;
	FILE *in;

	*mount = 0;
	*ino = 0;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	in = fopen(path, "re");
	if (!in)
		return -errno;
	while (fgets(line, sizeof(line), in)) {
		if (sscanf(line, "mnt_id: %llu", &n) == 1)
			*mount = (uint32_t)n;
		else if (sscanf(line, "ino: %llu", &n) == 1)
			*ino = n; /* 5.14 */
	}
	fclose(in);
	return 0;
}

bool file_is_run_by(const struct wire_file *file, int pid)
{
	struct stat st, executed = file_executed(file);
	char link[32];

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	return !stat(link, &st) && st.st_ino == file->ino && file_is_same(&st, &executed, NULL);
}

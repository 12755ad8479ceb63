/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"

static int path_of(char out[PATH_MAX], const char *folder)
{
	return snprintf(out, PATH_MAX, "%s/picosnitch.pid", folder) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static pid_t read_pid(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	return pid > 1 && pid < INT_MAX ? (pid_t)pid : 0;
}

int pidfile_open(const char *folder, int64_t *before_ns, pid_t *other)
{
	char path[PATH_MAX], text[16];
	struct stat st;
	int fd, err;

	*before_ns = 0;
	*other = 0;
	err = path_of(path, folder);
	if (err)
		return err;
	if (mkdir(folder, 0755) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
		close(fd);
		return -EINVAL;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		*other = read_pid(fd);
		close(fd);
		return -EEXIST;
	}
	if (st.st_size)
		*before_ns = st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
	err = snprintf(text, sizeof(text), "%d\n", getpid());
	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)err, 0) != err) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

void pidfile_touch(int fd)
{
	futimens(fd, NULL);
}

void pidfile_close(int fd, const char *folder)
{
	char path[PATH_MAX];

	if (!path_of(path, folder))
		unlink(path);
	close(fd);
}

pid_t pidfile_find(const char *folder)
{
	char path[PATH_MAX];
	pid_t pid = 0;
	int fd;

	if (path_of(path, folder))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK)
		pid = read_pid(fd);
	close(fd);
	return pid;
}

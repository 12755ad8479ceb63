/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int trust_owner(const struct stat *st, const char *name, char why[TRUST_WHY])
{
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		snprintf(why, TRUST_WHY, "%.300s belongs to user %u: it must belong to root", name, st->st_uid);
		return -EPERM;
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH)) {
		snprintf(why, TRUST_WHY, "%.300s can be written by its group or by others (mode %04o): chmod go-w it", name,
		         st->st_mode & 07777);
		return -EPERM;
	}
	return 0;
}

/* A folder on the way: in a sticky one, others can neither rename nor remove what is not theirs. */
static int judge(int fd, const char *name, int last, char why[TRUST_WHY])
{
	struct stat st;

	if (fstat(fd, &st)) {
		int err = -errno;

		snprintf(why, TRUST_WHY, "%.300s: %s", name, strerror(-err));
		return err;
	}
	if (!last && (st.st_mode & S_ISVTX))
		st.st_mode &= ~(mode_t)(S_IWGRP | S_IWOTH);
	return trust_owner(&st, name, why);
}

int trust_folder(const char *path, char why[TRUST_WHY])
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	char *real = realpath(path, NULL), *at, *slash;
	int fd = -1, next, err;

	if (!real) {
		err = -errno;
		snprintf(why, TRUST_WHY, "%.300s: %s", path, strerror(-err));
		return err;
	}
	fd = open("/", flags);
	err = fd < 0 ? -errno : judge(fd, "/", !real[1], why);
	for (at = real + 1; !err && *at; at = slash ? slash + 1 : at + strlen(at)) {
		slash = strchr(at, '/');
		if (slash)
			*slash = 0;
		next = openat(fd, at, flags);
		if (next < 0) {
			err = -errno;
			snprintf(why, TRUST_WHY, "%.300s: %s", real, strerror(-err));
			break;
		}
		close(fd);
		fd = next;
		err = judge(fd, real, !slash, why);
		if (slash)
			*slash = '/';
	}
	free(real);
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

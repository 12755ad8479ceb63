/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

#define NAME_SIZE (NAME_MAX + 1)

/* The file's folder, open, and its name there. */
struct place {
	int dir;
	char name[NAME_SIZE];
};

/* One suffix after the other: "" first, then those of the companions. NULL after the last. */
struct suffixes {
	const char *rest;
	int begun;
	char now[64];
};

static const char *suffix_next(struct suffixes *s)
{
	size_t n;

	if (!s->begun) {
		s->begun = 1;
		return "";
	}
	if (!s->rest)
		return NULL;
	s->rest += strspn(s->rest, " ");
	n = strcspn(s->rest, " ");
	if (!n || n >= sizeof(s->now))
		return NULL;
	memcpy(s->now, s->rest, n);
	s->now[n] = 0;
	s->rest += n;
	return s->now;
}

static int join(char out[NAME_SIZE], const char *a, const char *b, const char *c)
{
	int n = snprintf(out, NAME_SIZE, "%s%s%s", a, b, c);

	return n >= NAME_SIZE ? -ENAMETOOLONG : 0;
}

static int place_open(struct place *p, const char *path, char why[TRUST_WHY])
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int err;

	p->dir = -1;
	err = !slash || !slash[1] || strcmp(slash, "/.") == 0 || strcmp(slash, "/..") == 0 ? -EINVAL : 0;
	if (!err)
		err = join(p->name, slash + 1, "", "");
	if (err) {
		snprintf(why, TRUST_WHY, "%.300s is not a file's absolute path", path);
		return err;
	}
	folder = slash == path ? mem_strdup("/") : mem_printf("%.*s", (int)(slash - path), path);
	p->dir = trust_folder(folder, why);
	free(folder);
	return p->dir < 0 ? p->dir : 0;
}

static int regular(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	return S_ISREG(st.st_mode) ? st.st_nlink == 1 ? 0 : -EMLINK : -EINVAL;
}

static const char *explain(int err)
{
	switch (err) {
	case -ELOOP:
		return "is a symbolic link, which is not followed";
	case -EMLINK:
		return "has more than one link";
	case -EINVAL:
	case -ENXIO:
		return "is not a regular file";
	default:
		return strerror(-err);
	}
}

static int make(int dir, const char *name, const struct files_set *set)
{
	int fd, err;

	fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = regular(fd);
	/* Owner first: a change of owner clears bits of the mode. */
	if (!err && fchown(fd, set->uid, set->gid))
		err = -errno;
	if (!err && fchmod(fd, (set->mode & 0666) | 0600))
		err = -errno;
	close(fd);
	return err;
}

static int prepare(const struct place *p, const struct files_set *set, char why[TRUST_WHY])
{
	struct suffixes s = {.rest = set->companions};
	char name[NAME_SIZE];
	const char *suffix;

	while ((suffix = suffix_next(&s))) {
		int err = join(name, p->name, suffix, "");

		if (!err)
			err = make(p->dir, name, set);
		if (err) {
			snprintf(why, TRUST_WHY, "%.300s%s %s", set->path, suffix, explain(err));
			return err;
		}
	}
	return 0;
}

int files_prepare(const struct files_set *set, char why[TRUST_WHY])
{
	struct place p;
	int err = place_open(&p, set->path, why);

	if (err)
		return err;
	err = prepare(&p, set, why);
	close(p.dir);
	return err;
}

/* Renames NAME and its companions, the companions first: when it is cut off in the middle, what
 * is left is a whole main file whose absence of companions SQLite understands. */
static int rename_set(int dir, const char *from, const char *to, const char *companions, unsigned flags)
{
	struct suffixes s = {.rest = companions, .begun = 1};
	char a[NAME_SIZE], b[NAME_SIZE];
	const char *suffix;
	int err;

	if (flags && faccessat(dir, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	while ((suffix = suffix_next(&s))) {
		if ((err = join(a, from, suffix, "")) || (err = join(b, to, suffix, "")))
			return err;
		if (renameat(dir, a, dir, b) && errno != ENOENT)
			return -errno;
	}
	return renameat2(dir, from, dir, to, flags) ? -errno : 0;
}

static int move_away(const struct place *p, const char *companions, const char *reason, char to[NAME_SIZE])
{
	time_t now = (time_t)(clock_wall_ns() / NS_PER_S);
	char when[32], tail[112];
	struct tm tm;
	int err = -EEXIST;

	if (!gmtime_r(&now, &tm) || !strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm))
		return -EINVAL;
	for (unsigned i = 1; err == -EEXIST && i < 100; i++) {
		if (i == 1)
			snprintf(tail, sizeof(tail), ".%.32s-%s", reason, when);
		else
			snprintf(tail, sizeof(tail), ".%.32s-%s-%u", reason, when, i);
		err = join(to, p->name, tail, "");
		if (!err)
			err = rename_set(p->dir, p->name, to, companions, RENAME_NOREPLACE);
	}
	return err;
}

int files_set_aside(const struct files_set *set, const char *reason, char why[TRUST_WHY])
{
	size_t n = strspn(reason, "abcdefghijklmnopqrstuvwxyz0123456789-");
	char to[NAME_SIZE];
	struct place p;
	int err;

	if (!n || n > 32 || reason[n]) {
		snprintf(why, TRUST_WHY, "the reason for setting a file aside must be 1 to 32 of a-z, 0-9 and '-'");
		return -EINVAL;
	}
	err = place_open(&p, set->path, why);
	if (err)
		return err;
	err = move_away(&p, set->companions, reason, to);
	if (err && err != -ENOENT)
		snprintf(why, TRUST_WHY, "%.300s cannot be set aside: %s", set->path, strerror(-err));
	else
		err = prepare(&p, set, why);
	close(p.dir);
	return err;
}

int files_rotate(const struct files_set *set, unsigned keep, char why[TRUST_WHY])
{
	char from[NAME_SIZE], to[NAME_SIZE], number[16];
	unsigned last = 1;
	struct place p;
	int err;

	if (keep > FILES_KEEP_MAX)
		keep = FILES_KEEP_MAX;
	err = place_open(&p, set->path, why);
	if (err)
		return err;
	/* Up to the first number that is not there, all move up by one; beyond it nothing has to. */
	for (; last < keep; last++) {
		snprintf(number, sizeof(number), ".%u", last);
		if ((err = join(to, p.name, number, "")) || faccessat(p.dir, to, F_OK, AT_SYMLINK_NOFOLLOW))
			break;
	}
	for (unsigned i = last; !err && keep && i >= 1; i--) {
		snprintf(number, sizeof(number), ".%u", i);
		err = join(to, p.name, number, "");
		snprintf(number, sizeof(number), ".%u", i - 1);
		if (!err)
			err = join(from, p.name, i > 1 ? number : "", "");
		if (!err)
			err = rename_set(p.dir, from, to, set->companions, 0);
		if (err == -ENOENT)
			err = 0;
	}
	if (!err && !keep && unlinkat(p.dir, p.name, 0) && errno != ENOENT)
		err = -errno;
	/* Those that an earlier, longer rotation kept. */
	for (unsigned i = keep + 1; !err && i <= FILES_KEEP_MAX; i++) {
		snprintf(number, sizeof(number), ".%u", i);
		if ((err = join(to, p.name, number, "")) || unlinkat(p.dir, to, 0))
			break;
	}
	if (err)
		snprintf(why, TRUST_WHY, "%.300s cannot be rotated: %s", set->path, strerror(-err));
	else
		err = prepare(&p, set, why);
	close(p.dir);
	return err;
}

int files_append(const char *path, mode_t mode)
{
	int fd, err;

	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	err = regular(fd);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int files_read(const char *path, struct buf *out, size_t most)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), err;
	size_t before = out->len;

	if (fd < 0)
		return -errno;
	err = regular(fd);
	while (!err) {
		uint8_t *at = buf_add(out, 65536);
		ssize_t n = read(fd, at, 65536);

		out->len -= 65536 - (n > 0 ? (size_t)n : 0);
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			err = -errno;
		if (out->len - before > most)
			err = -EFBIG;
	}
	close(fd);
	return err;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A name is durable when its folder is. */
static int sync_folder(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = fsync(fd) ? -errno : 0;
	close(fd);
	return err;
}

static int write_new(const struct place *p, const char *name, const struct files_set *set, const void *data, size_t len)
{
	int fd, err;

	/* What a crash has left. */
	if (unlinkat(p->dir, name, 0) && errno != ENOENT)
		return -errno;
	fd = openat(p->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, data, len);
	if (!err && fchown(fd, set->uid, set->gid))
		err = -errno;
	if (!err && fchmod(fd, (set->mode & 0666) | 0600))
		err = -errno;
	if (!err && fsync(fd))
		err = -errno;
	close(fd);
	if (!err && renameat(p->dir, name, p->dir, p->name))
		err = -errno;
	if (err)
		unlinkat(p->dir, name, 0);
	return err ? err : sync_folder(p->dir);
}

int files_replace(const struct files_set *set, const void *data, size_t len, char why[TRUST_WHY])
{
	char name[NAME_SIZE];
	struct place p;
	int err = place_open(&p, set->path, why);

	if (err)
		return err;
	err = join(name, p.name, ".new", "");
	if (!err)
		err = write_new(&p, name, set, data, len);
	if (err)
		snprintf(why, TRUST_WHY, "%.300s cannot be written: %s", set->path, strerror(-err));
	close(p.dir);
	return err;
}

int files_move_away(const char *path, const char *companions, const char *reason, char **to)
{
	char name[NAME_SIZE], why[TRUST_WHY];
	struct place p;
	int err;

	*to = NULL;
	err = place_open(&p, path, why);
	if (err)
		return err;
	err = move_away(&p, companions, reason, name);
	close(p.dir);
	if (!err)
		*to = mem_printf("%.*s%s", (int)(strrchr(path, '/') + 1 - path), path, name);
	return err;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/import/old_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"

/* A descriptor, or -errno. */
static int open_regular(const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	err = S_ISREG(st->st_mode) ? -errno : -ENOTSUP;
	close(fd);
	return err;
}

/* A file beside it, with `suffix` behind its name; -ENOENT too if it is empty. */
static int open_companion(const char *path, const char *suffix, struct stat *st)
{
	char *name = mem_printf("%s%s", path, suffix);
	int fd = open_regular(name, st);

	free(name);
	if (fd >= 0 && st->st_size == 0) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

static enum old_kind kind_of(const char *text, size_t len)
{
	static const char database[16] = "SQLite format 3";
	size_t at = 0;

	if (len >= sizeof(database) && memcmp(text, database, sizeof(database)) == 0)
		return OLD_DATABASE;
	if (memchr(text, 0, len))
		return OLD_UNKNOWN;
	while (at < len && strchr(" \t\r\n", text[at]))
		at++;
	if (at < len && text[at] == '{')
		return OLD_JSON;
	return memmem(text, len, "=", 1) && strchr("[#abcdefghijklmnopqrstuvwxyz", at < len ? text[at] : '=') ? OLD_TOML
	                                                                                                      : OLD_UNKNOWN;
}

/* A journal with a head: a transaction that was not finished. */
static int has_hot_journal(const char *path)
{
	struct stat st;
	char head[8];
	int fd = open_companion(path, "-journal", &st), hot;

	if (fd < 0)
		return fd != -ENOENT;
	hot = pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) && head[0];
	close(fd);
	return hot;
}

static int open_database(struct old_file *f, char why[OLD_WHY])
{
	if (has_hot_journal(f->name)) {
		snprintf(why, OLD_WHY,
		         "a write to it was interrupted, or goes on: stop the older picosnitch, and let its owner open it once:"
		         " sqlite3 FILE 'PRAGMA user_version'");
		return -EBUSY;
	}
	f->wal = open_companion(f->name, "-wal", &f->wal_at_start);
	if (f->wal < 0 && f->wal != -ENOENT) {
		snprintf(why, OLD_WHY, "its -wal cannot be opened: %s", strerror(-f->wal));
		return f->wal;
	}
	return 0;
}

int old_file_open(struct old_file *f, const char *path, char why[OLD_WHY])
{
	char head[4096];
	ssize_t n;
	int err = 0;

	*f = (struct old_file){.name = path, .wal = -1};
	f->fd = open_regular(path, &f->at_start);
	if (f->fd < 0) {
		snprintf(why, OLD_WHY, "%s",
		         f->fd == -ELOOP     ? "it is a symbolic link: name the file itself"
		         : f->fd == -ENOTSUP ? "it is no regular file"
		                             : strerror(-f->fd));
		return f->fd;
	}
	n = pread(f->fd, head, sizeof(head), 0);
	if (n < 0) {
		err = -errno;
		snprintf(why, OLD_WHY, "%s", strerror(-err));
	} else {
		f->kind = kind_of(head, (size_t)n);
		if (f->kind == OLD_DATABASE)
			err = open_database(f, why);
	}
	if (err)
		old_file_close(f);
	return err;
}

void old_file_close(struct old_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->wal >= 0)
		close(f->wal);
	f->fd = f->wal = -1;
}

static int differs(int fd, const struct stat *before)
{
	struct stat now;

	return fd >= 0 && (fstat(fd, &now) || now.st_size != before->st_size ||
	                   now.st_mtim.tv_sec != before->st_mtim.tv_sec || now.st_mtim.tv_nsec != before->st_mtim.tv_nsec);
}

int old_file_changed(const struct old_file *f)
{
	return differs(f->fd, &f->at_start) || differs(f->wal, &f->wal_at_start);
}

int old_file_read(const struct old_file *f, struct buf *out, char why[OLD_WHY])
{
	enum { BLOCK = 65536 };
	ssize_t n;

	do {
		void *block = buf_add(out, BLOCK);

		out->len -= BLOCK;
		n = pread(f->fd, block, BLOCK, (off_t)out->len);
		out->len += (size_t)(n > 0 ? n : 0);
	} while (n > 0 && out->len <= OLD_TEXT_MAX);
	if (n < 0 || out->len > OLD_TEXT_MAX) {
		int err = n < 0 ? -errno : -EFBIG;

		snprintf(why, OLD_WHY, "%s", strerror(-err));
		return err;
	}
	return 0;
}

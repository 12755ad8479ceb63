/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/textlog/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/sha256.h"

/* The mark has two slots, written in turn, in sectors of their own: if writing one is cut off,
 * the other still holds. */
#define SLOT_DISTANCE 4096
#define MAGIC "psmark1"
#define BODY_SIZE (sizeof(MAGIC) + 4 * 8 + 1 + 2 * PS_ID_SIZE + 8)
#define SLOT_SIZE (BODY_SIZE + SHA256_SIZE)

static int write_all(int fd, const void *data, size_t len, int64_t at)
{
	const char *p = data;

	while (len) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_mark(struct log *l)
{
	uint8_t digest[SHA256_SIZE];
	struct buf b;
	int r;

	buf_init(&b);
	buf_put(&b, MAGIC, sizeof(MAGIC));
	buf_put_u64(&b, ++l->generation);
	buf_put_u64(&b, l->dev);
	buf_put_u64(&b, l->ino);
	buf_put_u64(&b, (uint64_t)l->length);
	buf_put_u8(&b, l->named);
	buf_put(&b, l->host, sizeof(l->host));
	buf_put(&b, l->boot, sizeof(l->boot));
	buf_put_u64(&b, l->seq);
	sha256_bytes(b.data, b.len, digest);
	buf_put(&b, digest, sizeof(digest));
	r = write_all(l->mark_fd, b.data, b.len, (int64_t)(l->generation % 2) * SLOT_DISTANCE);
	buf_done(&b);
	return r == 0 && fdatasync(l->mark_fd) < 0 ? -errno : r;
}

/* Takes over what the slot says if it is whole and newer. */
static void read_slot(struct log *l, int fd, unsigned slot, uint64_t *dev, uint64_t *ino)
{
	uint8_t data[SLOT_SIZE], digest[SHA256_SIZE];
	const uint8_t *name;
	uint64_t generation;
	struct cursor c;

	if (pread(fd, data, sizeof(data), (int64_t)slot * SLOT_DISTANCE) != (ssize_t)sizeof(data))
		return;
	sha256_bytes(data, BODY_SIZE, digest);
	cursor_init(&c, data, BODY_SIZE);
	if (memcmp(data + BODY_SIZE, digest, sizeof(digest)) != 0 ||
	    memcmp(cursor_take(&c, sizeof(MAGIC)), MAGIC, sizeof(MAGIC)) != 0)
		return;
	generation = cursor_u64(&c);
	if (generation <= l->generation)
		return;
	l->generation = generation;
	*dev = cursor_u64(&c);
	*ino = cursor_u64(&c);
	l->length = (int64_t)cursor_u64(&c);
	l->named = cursor_u8(&c);
	name = cursor_take(&c, 2 * PS_ID_SIZE);
	memcpy(l->host, name, PS_ID_SIZE);
	memcpy(l->boot, name + PS_ID_SIZE, PS_ID_SIZE);
	l->seq = cursor_u64(&c);
}

static int open_regular(const char *path, struct stat *st)
{
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0)
		r = -errno;
	else if (!S_ISREG(st->st_mode) || st->st_nlink != 1)
		r = -EMLINK;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static void read_mark(struct log *l, int fd, uint64_t *dev, uint64_t *ino)
{
	read_slot(l, fd, 0, dev, ino);
	read_slot(l, fd, 1, dev, ino);
}

/* Rotation takes the mark along, to NAME.1-mark: the name of the last batch is there until a new
 * mark is written. */
static void read_rotated_mark(struct log *l, const char *path, uint64_t *dev, uint64_t *ino)
{
	char *mark = mem_printf("%s.1-mark", path);
	struct stat st;
	int fd = open_regular(mark, &st);

	if (fd >= 0) {
		read_mark(l, fd, dev, ino);
		close(fd);
	}
	free(mark);
}

/* A file that the mark does not know, or that somebody has cut: it goes on at its end, on a line
 * of its own. */
static int go_on(struct log *l, int64_t size)
{
	char last = '\n';

	l->length = size;
	if (size && pread(l->fd, &last, 1, size - 1) != 1)
		return -EIO;
	if (last == '\n')
		return 0;
	l->length++;
	return write_all(l->fd, "\n", 1, size);
}

int log_open(struct log *l, const char *path)
{
	char *mark = mem_printf("%s-mark", path);
	uint64_t dev = 0, ino = 0;
	struct stat st, mark_st;
	int r;

	*l = (struct log){.fd = -1, .mark_fd = -1};
	r = l->fd = open_regular(path, &st);
	if (r < 0)
		goto out;
	r = l->mark_fd = open_regular(mark, &mark_st);
	if (r < 0)
		goto out;
	read_mark(l, l->mark_fd, &dev, &ino);
	if (!l->generation)
		read_rotated_mark(l, path, &dev, &ino);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	r = 0;
	if (dev != l->dev || ino != l->ino || st.st_size < l->length)
		r = go_on(l, st.st_size);
	else if (st.st_size > l->length && ftruncate(l->fd, l->length) < 0)
		r = -errno;
	l->end = l->length;
	/* Before the first byte: whatever follows is not whole until the next mark. */
	if (r == 0)
		r = write_mark(l);
out:
	free(mark);
	if (r < 0)
		log_close(l);
	return r < 0 ? r : 0;
}

void log_close(struct log *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->mark_fd >= 0)
		close(l->mark_fd);
	l->fd = l->mark_fd = -1;
}

bool log_current(const struct log *l, const char *path)
{
	struct stat st;

	return l->fd >= 0 && stat(path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino && st.st_size == l->length;
}

bool log_has(const struct log *l, const struct ps_batch *b)
{
	return l->named && l->seq == b->seq && memcmp(l->host, b->host, sizeof(l->host)) == 0 &&
	       memcmp(l->boot, b->boot, sizeof(l->boot)) == 0;
}

int log_append(struct log *l, const void *data, size_t len)
{
	int r = write_all(l->fd, data, len, l->end);

	l->end += r == 0 ? (int64_t)len : 0;
	return r;
}

int log_commit(struct log *l, const struct ps_batch *b)
{
	struct log before = *l;
	int r = 0;

	if (l->end != l->length && fdatasync(l->fd) < 0)
		return -errno;
	l->length = l->end;
	l->named = true;
	memcpy(l->host, b->host, sizeof(l->host));
	memcpy(l->boot, b->boot, sizeof(l->boot));
	l->seq = b->seq;
	r = write_mark(l);
	if (r < 0) {
		before.generation = l->generation;
		*l = before;
	}
	return r;
}

void log_undo(struct log *l)
{
	if (ftruncate(l->fd, l->length) == 0)
		l->end = l->length;
}

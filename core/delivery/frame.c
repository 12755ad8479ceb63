/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/mem.h"

size_t frame_begin(struct buf *out, enum frame_type type)
{
	size_t start = out->len;

	buf_put_u32(out, 0);
	buf_put_u8(out, (uint8_t)type);
	return start;
}

void frame_end(struct buf *out, size_t start)
{
	uint32_t n = (uint32_t)(out->len - start - FRAME_HEAD);

	for (unsigned i = 0; i < 4; i++)
		out->data[start + i] = (uint8_t)(n >> (8 * i));
}

static void put_bytes(struct buf *out, const char *s, size_t n)
{
	buf_put_u32(out, (uint32_t)n);
	buf_put(out, s, n);
}

void frame_put_text(struct buf *out, const char *s)
{
	put_bytes(out, s, strnlen(s, FRAME_TEXT_MAX));
}

void frame_put_value(struct buf *out, const char *s)
{
	put_bytes(out, s, strlen(s));
}

long frame_parse(const uint8_t *data, size_t len, size_t max, uint8_t *type, const uint8_t **body, size_t *body_len)
{
	struct cursor c;
	uint32_t n;

	if (len < FRAME_HEAD)
		return 0;
	cursor_init(&c, data, len);
	n = cursor_u32(&c);
	*type = cursor_u8(&c);
	if (n > max)
		return -EPROTO;
	*body = cursor_take(&c, n);
	*body_len = n;
	return *body || !n ? (long)n + FRAME_HEAD : 0;
}

char *frame_text(struct cursor *c, char *out, size_t size)
{
	uint32_t n = cursor_u32(c);
	const uint8_t *p = cursor_take(c, n);
	size_t keep = !p ? 0 : n < size ? n : size - 1;

	if (keep)
		memcpy(out, p, keep);
	out[keep] = 0;
	return out;
}

char *frame_value(struct cursor *c)
{
	uint32_t n = cursor_u32(c);
	const uint8_t *p = cursor_take(c, n);
	char *out = mem_alloc((p ? (size_t)n : 0) + 1);

	if (p && n)
		memcpy(out, p, n);
	return out;
}

/* 1, 0 when the socket ended before the first byte, -EPROTO in the middle, or -errno. */
static int read_all(int fd, void *out, size_t n)
{
	uint8_t *p = out;
	size_t at = 0;

	while (at < n) {
		ssize_t got = read(fd, p + at, n - at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == ECONNRESET ? 0 : -errno;
		if (got == 0)
			return at ? -EPROTO : 0;
		at += (size_t)got;
	}
	return 1;
}

int frame_receive(int fd, uint8_t *type, struct buf *in)
{
	uint8_t head[FRAME_HEAD];
	struct cursor c;
	uint32_t n;
	int err = read_all(fd, head, sizeof(head));

	if (err <= 0)
		return err;
	cursor_init(&c, head, sizeof(head));
	n = cursor_u32(&c);
	*type = cursor_u8(&c);
	if (n > FRAME_DOWN_MAX)
		return -EPROTO;
	in->len = 0;
	err = n ? read_all(fd, buf_add(in, n), n) : 1;
	return err == 0 ? -EPROTO : err;
}

int frame_send(int fd, const struct buf *out)
{
	size_t at = 0;

	while (at < out->len) {
		ssize_t n = send(fd, out->data + at, out->len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += (size_t)n;
	}
	return 0;
}

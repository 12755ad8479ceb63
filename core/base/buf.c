/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

void buf_init(struct buf *b)
{
	*b = (struct buf){0};
}

void buf_done(struct buf *b)
{
	free(b->data);
	buf_init(b);
}

void *buf_add(struct buf *b, size_t n)
{
	if (n > SIZE_MAX / 2 - b->len) {
		fputs("picosnitch: out of memory\n", stderr);
		abort();
	}
	if (!b->data || b->cap - b->len < n) {
		size_t cap = b->cap ? b->cap : 256;

		while (cap - b->len < n)
			cap *= 2;
		b->data = mem_resize(b->data, cap);
		b->cap = cap;
	}
	b->len += n;
	return b->data + b->len - n;
}

void buf_put(struct buf *b, const void *data, size_t n)
{
	if (n)
		memcpy(buf_add(b, n), data, n);
}

static void put_number(struct buf *b, uint64_t v, unsigned n)
{
	uint8_t *p = buf_add(b, n);

	for (unsigned i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

void buf_put_u8(struct buf *b, uint8_t v)
{
	put_number(b, v, 1);
}

void buf_put_u16(struct buf *b, uint16_t v)
{
	put_number(b, v, 2);
}

void buf_put_u32(struct buf *b, uint32_t v)
{
	put_number(b, v, 4);
}

void buf_put_u64(struct buf *b, uint64_t v)
{
	put_number(b, v, 8);
}

void buf_put_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	char *text = NULL;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		abort();
	buf_put(b, text, (size_t)n);
	free(text);
}

void cursor_init(struct cursor *c, const void *data, size_t len)
{
	*c = (struct cursor){.data = data ? data : (const uint8_t *)"", .len = len};
}

const uint8_t *cursor_take(struct cursor *c, size_t n)
{
	const uint8_t *p;

	if (c->bad || c->len - c->at < n) {
		c->bad = 1;
		return NULL;
	}
	p = c->data + c->at;
	c->at += n;
	return p;
}

static uint64_t take_number(struct cursor *c, unsigned n)
{
	const uint8_t *p = cursor_take(c, n);
	uint64_t v = 0;

	for (unsigned i = 0; p && i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

uint8_t cursor_u8(struct cursor *c)
{
	return (uint8_t)take_number(c, 1);
}

uint16_t cursor_u16(struct cursor *c)
{
	return (uint16_t)take_number(c, 2);
}

uint32_t cursor_u32(struct cursor *c)
{
	return (uint32_t)take_number(c, 4);
}

uint64_t cursor_u64(struct cursor *c)
{
	return take_number(c, 8);
}

size_t cursor_left(const struct cursor *c)
{
	return c->bad ? 0 : c->len - c->at;
}

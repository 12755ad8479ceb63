/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/mem.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p)
{
	if (!p) {
		fputs("picosnitch: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_alloc(size_t n)
{
	return checked(calloc(1, n ? n : 1));
}

void *mem_resize(void *old, size_t n)
{
	return checked(realloc(old, n ? n : 1));
}

void *mem_copy(const void *data, size_t n)
{
	void *copy = mem_alloc(n);

	if (n)
		memcpy(copy, data, n);
	return copy;
}

char *mem_strdup(const char *s)
{
	return mem_copy(s, strlen(s) + 1);
}

char *mem_printf(const char *format, ...)
{
	va_list args;
	char *out = NULL;
	int n;

	va_start(args, format);
	n = vasprintf(&out, format, args);
	va_end(args);
	return checked(n < 0 ? NULL : out);
}

struct arena_chunk {
	struct arena_chunk *next;
	size_t len, cap;
	_Alignas(max_align_t) unsigned char data[];
};

#define CHUNK_SIZE 16384

void arena_init(struct arena *a)
{
	a->chunks = NULL;
}

void arena_done(struct arena *a)
{
	struct arena_chunk *c, *next;

	for (c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	a->chunks = NULL;
}

void *arena_alloc(struct arena *a, size_t n)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_chunk *c = a->chunks;
	void *p;

	if (n > SIZE_MAX / 2)
		checked(NULL);
	n = (n + align - 1) / align * align;
	if (!c || c->cap - c->len < n) {
		size_t cap = a->chunks && n > CHUNK_SIZE / 4 ? n : n > CHUNK_SIZE ? n : CHUNK_SIZE;

		c = mem_alloc(sizeof(*c) + cap);
		c->cap = cap;
		/* A block of its own size goes behind the chunk in use, whose rest stays useful. */
		if (a->chunks && n > CHUNK_SIZE / 4) {
			c->next = a->chunks->next;
			a->chunks->next = c;
		} else {
			c->next = a->chunks;
			a->chunks = c;
		}
	}
	p = c->data + c->len;
	c->len += n;
	return p;
}

char *arena_copy(struct arena *a, const void *data, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	if (n)
		memcpy(p, data, n);
	return p;
}

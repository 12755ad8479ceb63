/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Open addressing with linear probing, at most half full, and deletion by moving the run back,
 * so that there are no tombstones. The hash is a keyed multiply-and-fold over eight bytes at a
 * time; the key is random per process, so that nobody outside can prepare collisions.
 */
#include "core/base/table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/mem.h"

struct table_slot {
	uint64_t hash;
	const void *key;
	size_t len;
	void *value; /* NULL: free */
};

static uint64_t secret[2];
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void make_secret(void)
{
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
		secret[0] = (uint64_t)(uintptr_t)&secret;
		secret[1] = (uint64_t)(uintptr_t)&secret_once;
	}
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint64_t table_hash(const void *key, size_t len)
{
	const unsigned char *p = key;
	uint64_t h, last = 0;

	pthread_once(&secret_once, make_secret);
	h = secret[0] ^ len;
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t v;

		memcpy(&v, p, 8);
		h = fold(h ^ v, 0x9e3779b97f4a7c15ULL ^ secret[1]);
	}
	if (len)
		memcpy(&last, p, len);
	return fold(h ^ last, 0xd6e8feb86659fd93ULL ^ secret[1]);
}

void table_init(struct table *t)
{
	*t = (struct table){0};
}

void table_done(struct table *t)
{
	free(t->slots);
	table_init(t);
}

void table_clear(struct table *t)
{
	if (t->n)
		memset(t->slots, 0, t->cap * sizeof(*t->slots));
	t->n = 0;
}

/* The slot of the key, or the free one where it would go. */
static size_t find(const struct table *t, uint64_t hash, const void *key, size_t len)
{
	size_t i = hash & (t->cap - 1);

	for (; t->slots[i].value; i = (i + 1) & (t->cap - 1)) {
		const struct table_slot *s = &t->slots[i];

		if (s->hash == hash && s->len == len && (!len || memcmp(s->key, key, len) == 0))
			break;
	}
	return i;
}

void *table_get(const struct table *t, const void *key, size_t len)
{
	return t->n ? t->slots[find(t, table_hash(key, len), key, len)].value : NULL;
}

static void resize(struct table *t, size_t cap)
{
	struct table_slot *old = t->slots;
	size_t n = t->cap;

	t->slots = mem_alloc(cap * sizeof(*t->slots));
	t->cap = cap;
	for (size_t i = 0; i < n; i++)
		if (old[i].value)
			t->slots[find(t, old[i].hash, old[i].key, old[i].len)] = old[i];
	free(old);
}

void table_add(struct table *t, const void *key, size_t len, void *value)
{
	uint64_t hash = table_hash(key, len);

	if ((t->n + 1) * 2 > t->cap)
		resize(t, t->cap ? t->cap * 2 : 16);
	t->slots[find(t, hash, key, len)] = (struct table_slot){hash, key, len, value};
	t->n++;
}

void *table_remove(struct table *t, const void *key, size_t len)
{
	size_t i, j, mask = t->cap - 1;
	void *value;

	if (!t->n)
		return NULL;
	i = find(t, table_hash(key, len), key, len);
	value = t->slots[i].value;
	if (!value)
		return NULL;
	t->n--;
	/* Move back whatever stands behind it and would not be found across the gap. */
	for (j = (i + 1) & mask; t->slots[j].value; j = (j + 1) & mask) {
		size_t home = t->slots[j].hash & mask;

		if (((j - home) & mask) >= ((j - i) & mask)) {
			t->slots[i] = t->slots[j];
			i = j;
		}
	}
	t->slots[i].value = NULL;
	return value;
}

void *table_next(const struct table *t, size_t *at)
{
	/* Removing an entry moves others of its run towards it. Going backwards from a free slot,
	 * which no removal fills, what moves is what has been seen already. *at: that slot's index
	 * plus one in the upper half, steps taken in the lower. */
	size_t start = *at >> 32, steps = *at & UINT32_MAX;

	if (!t->n)
		return NULL;
	if (!start)
		while (t->slots[start++].value)
			; /* it ends: the table is at most half full */
	while (++steps < t->cap) {
		void *value = t->slots[(start - 1 - steps) & (t->cap - 1)].value;

		if (value) {
			*at = start << 32 | steps;
			return value;
		}
	}
	*at = start << 32 | t->cap;
	return NULL;
}

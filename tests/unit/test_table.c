/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table against a plain array, with removal while walking and runs that wrap around. */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/table.h"
#include "tests/tap.h"

enum { N = 2000 };

struct item {
	uint32_t key;
	int there, seen;
};

static uint32_t next(uint32_t *r)
{
	return (*r = *r * 1664525 + 1013904223) >> 8;
}

static int agrees(const struct table *t, const struct item *items, size_t n)
{
	size_t there = 0;

	for (size_t i = 0; i < n; i++) {
		there += (size_t)items[i].there;
		if ((table_get(t, &items[i].key, sizeof(items[i].key)) != NULL) != items[i].there)
			return 0;
	}
	return there == t->n;
}

static void test_against_array(struct item *items)
{
	struct table t;
	uint32_t r = 1;
	int good = 1;

	table_init(&t);
	ok(!table_get(&t, "x", 1) && !table_remove(&t, "x", 1), "an empty table has nothing");
	for (int step = 0; step < 200000; step++) {
		struct item *it = &items[next(&r) % N];

		if (it->there)
			good &= table_remove(&t, &it->key, sizeof(it->key)) == it;
		else
			table_add(&t, &it->key, sizeof(it->key), it);
		it->there = !it->there;
		if (step % 10000 == 0)
			good &= agrees(&t, items, N);
	}
	ok(good && agrees(&t, items, N), "200,000 additions and removals agree with an array");
	for (size_t i = 0; i < N; i++)
		items[i].there = 0;
	table_done(&t);
}

/* Small tables have runs that wrap: keys are drawn anew until thousands of them have been walked. */
static void test_walk(struct item *items)
{
	uint32_t r = 7;
	int once = 1, left = 1;

	for (int round = 0; round < 20000; round++) {
		size_t n = 1 + next(&r) % 8, at = 0, seen = 0;
		uint32_t keep = next(&r);
		struct table t;
		struct item *it;

		table_init(&t);
		for (size_t i = 0; i < n; i++) {
			items[i] = (struct item){(uint32_t)round * 8 + (uint32_t)i, 1, 0};
			table_add(&t, &items[i].key, sizeof(items[i].key), &items[i]);
		}
		while ((it = table_next(&t, &at))) {
			once &= !it->seen;
			it->seen = 1;
			seen++;
			if (keep >> (it - items) & 1) {
				once &= table_remove(&t, &it->key, sizeof(it->key)) == it;
				it->there = 0;
			}
		}
		once &= seen == n && !table_next(&t, &at);
		left &= agrees(&t, items, n);
		table_done(&t);
	}
	ok(once, "a walk gives each entry once, while some of them are removed");
	ok(left, "and what was not removed is still found");
}

static void test_empty(void)
{
	struct table t;
	int value;

	table_init(&t);
	ok(!table_get(&t, NULL, 0), "there is no empty key yet");
	table_add(&t, NULL, 0, &value);
	ok(table_get(&t, NULL, 0) == &value && table_get(&t, "", 0) == &value, "an empty key is one");
	ok(!table_get(&t, "a", 1), "of its own");
	ok(table_remove(&t, "", 0) == &value && !table_get(&t, NULL, 0), "and can be removed");
	table_done(&t);
}

int main(void)
{
	struct item *items = mem_alloc(N * sizeof(*items));

	for (uint32_t i = 0; i < N; i++)
		items[i].key = i;
	test_against_array(items);
	test_walk(items);
	ok(table_hash("a", 1) != table_hash("a\0", 2) && table_hash("", 0) == table_hash("", 0), "length counts in a hash");
	test_empty();
	free(items);
	return tap_done();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a destination has of the dictionaries, and what it still needs. */
#include <string.h>

#include "core/query/entries.h"
#include "tests/tap.h"

static struct row_entry made(unsigned n)
{
	struct row_entry entry = {.empty = n == 0};

	for (unsigned i = 0; i < 4; i++) /* so that the order of insertion is not that of the keys */
		entry.key[i] = (uint8_t)(n * 2654435761U >> 8 * i);
	return entry;
}

static size_t wanted(struct entries *e, enum row_dictionary d)
{
	size_t n;

	entries_wanted(e, d, &n);
	return n;
}

static void test_once(void)
{
	struct row_entry a = made(1), again = made(1), b = made(2), none = made(0);
	struct entries e;

	entries_init(&e);
	entries_begin(&e);
	entries_want(&e, ROW_DOMAINS, &none);
	is_int(wanted(&e, ROW_DOMAINS), 0, "the empty entry is always there");
	entries_want(&e, ROW_DOMAINS, &a);
	entries_want(&e, ROW_DOMAINS, &again);
	entries_want(&e, ROW_DOMAINS, &b);
	is_int(wanted(&e, ROW_DOMAINS), 2, "each is wanted once");
	is_int(wanted(&e, ROW_PLACES), 0, "in its dictionary");
	entries_begin(&e);
	is_int(wanted(&e, ROW_DOMAINS), 0, "nothing is wanted of the next batch");
	entries_want(&e, ROW_DOMAINS, &a);
	is_int(wanted(&e, ROW_DOMAINS), 1, "what was not stored is wanted again");
	entries_stored(&e);
	entries_begin(&e);
	entries_want(&e, ROW_DOMAINS, &again);
	entries_want(&e, ROW_DOMAINS, &b);
	is_int(wanted(&e, ROW_DOMAINS), 1, "what was stored is not");
	entries_forget(&e);
	entries_begin(&e);
	entries_want(&e, ROW_DOMAINS, &a);
	is_int(wanted(&e, ROW_DOMAINS), 1, "unless it is forgotten");
	entries_done(&e);
}

static void test_order(void)
{
	struct row_entry many[100];
	struct entries e;
	const struct row_entry *const *list;
	size_t n, sorted = 1;

	entries_init(&e);
	for (unsigned i = 0; i < 100; i++) {
		many[i] = made(i + 1);
		entries_want(&e, ROW_ADDRESSES, &many[i]);
	}
	list = entries_wanted(&e, ROW_ADDRESSES, &n);
	while (sorted < n && memcmp(list[sorted - 1]->key, list[sorted]->key, ROW_KEY_SIZE) < 0)
		sorted++;
	is_int(n, 100, "all are there");
	is_int(sorted, n, "sorted by key");
	entries_done(&e);
}

static void test_refused(void)
{
	struct row_entry a = made(1), b = made(2);
	struct entries e;

	entries_init(&e);
	entries_want(&e, ROW_PLACES, &a);
	entries_want(&e, ROW_PLACES, &b);
	entries_refuse(&e, &a);
	entries_refuse(&e, &a);
	ok(entries_refused(&e, &a) && !entries_refused(&e, &b), "one is refused");
	entries_stored(&e);
	ok(entries_refused(&e, &a), "and stays so");
	entries_begin(&e);
	ok(!entries_refused(&e, &a), "for one batch");
	entries_want(&e, ROW_PLACES, &a);
	entries_want(&e, ROW_PLACES, &b);
	is_int(wanted(&e, ROW_PLACES), 1, "then it is tried again");
	entries_done(&e);
}

/* A machine that talks to everybody must not fill the memory. */
static void test_bounded(void)
{
	static struct row_entry many[1000];
	struct entries e;
	size_t most = 0;

	entries_init(&e);
	for (unsigned batch = 0; batch < 100; batch++) {
		entries_begin(&e);
		for (unsigned i = 0; i < 1000; i++) {
			many[i] = made(1 + batch * 1000 + i);
			entries_want(&e, ROW_DOMAINS, &many[i]);
		}
		entries_stored(&e);
		most = e.dict[ROW_DOMAINS].known.n > most ? e.dict[ROW_DOMAINS].known.n : most;
	}
	ok(most < 20000, "of 100,000, no more than %zu were kept at a time", most);
	entries_done(&e);
}

int main(void)
{
	test_once();
	test_order();
	test_refused();
	test_bounded();
	return tap_done();
}

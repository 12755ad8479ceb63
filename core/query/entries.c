/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/entries.h"

#include <stdlib.h>
#include <string.h>

/* Entries that are kept from one batch to the next: a few megabytes in all. */
static const size_t kept[ROW_DICTIONARIES] = {8192, 8192, 16384, 2048};

struct entry_key {
	uint8_t key[ROW_KEY_SIZE];
};

void entries_init(struct entries *e)
{
	*e = (struct entries){0};
}

static void forget(struct entries *e, int d)
{
	table_done(&e->dict[d].known);
	arena_done(&e->dict[d].memory);
	arena_init(&e->dict[d].memory);
}

void entries_forget(struct entries *e)
{
	for (int d = 0; d < ROW_DICTIONARIES; d++)
		forget(e, d);
}

void entries_begin(struct entries *e)
{
	for (int d = 0; d < ROW_DICTIONARIES; d++) {
		table_done(&e->dict[d].wanted);
		free(e->dict[d].list);
		e->dict[d].list = NULL;
		e->dict[d].n = 0;
		if (e->dict[d].known.n > kept[d])
			forget(e, d);
	}
	table_done(&e->refused);
}

void entries_done(struct entries *e)
{
	entries_begin(e);
	entries_forget(e);
}

void entries_want(struct entries *e, enum row_dictionary d, const struct row_entry *entry)
{
	if (entry->empty || table_get(&e->dict[d].known, entry->key, sizeof(entry->key)) ||
	    table_get(&e->dict[d].wanted, entry->key, sizeof(entry->key)))
		return;
	table_add(&e->dict[d].wanted, entry->key, sizeof(entry->key), (void *)(uintptr_t)entry);
}

static int by_key(const void *a, const void *b)
{
	return memcmp((*(const struct row_entry *const *)a)->key, (*(const struct row_entry *const *)b)->key, ROW_KEY_SIZE);
}

const struct row_entry *const *entries_wanted(struct entries *e, enum row_dictionary d, size_t *n)
{
	struct table *wanted = &e->dict[d].wanted;
	const struct row_entry *entry;
	size_t at = 0;

	if (e->dict[d].n != wanted->n) {
		e->dict[d].list = mem_resize(e->dict[d].list, wanted->n * sizeof(*e->dict[d].list));
		e->dict[d].n = 0;
		while ((entry = table_next(wanted, &at)))
			e->dict[d].list[e->dict[d].n++] = entry;
		qsort(e->dict[d].list, e->dict[d].n, sizeof(*e->dict[d].list), by_key);
	}
	*n = e->dict[d].n;
	return e->dict[d].list;
}

void entries_stored(struct entries *e)
{
	for (int d = 0; d < ROW_DICTIONARIES; d++) {
		size_t n;
		const struct row_entry *const *list = entries_wanted(e, (enum row_dictionary)d, &n);

		for (size_t i = 0; i < n; i++) {
			struct entry_key *key;

			if (entries_refused(e, list[i]))
				continue;
			key = arena_alloc(&e->dict[d].memory, sizeof(*key));
			memcpy(key->key, list[i]->key, sizeof(key->key));
			table_add(&e->dict[d].known, key->key, sizeof(key->key), key);
		}
		table_done(&e->dict[d].wanted);
		e->dict[d].n = 0;
	}
}

void entries_refuse(struct entries *e, const struct row_entry *entry)
{
	if (!entries_refused(e, entry))
		table_add(&e->refused, entry->key, sizeof(entry->key), (void *)(uintptr_t)entry);
}

bool entries_refused(const struct entries *e, const struct row_entry *entry)
{
	return e->refused.n && table_get(&e->refused, entry->key, sizeof(entry->key));
}

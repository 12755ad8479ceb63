/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A hash table from a run of bytes to a pointer. Keys are not copied: they live inside what
 * they point to; one may be empty, and NULL. Hashing is keyed with a random value per process (SipHash would be the
 * textbook answer; see table.c for what is used and why). Not thread-safe.
 */
#ifndef PS_BASE_TABLE_H
#define PS_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* What an entry takes, as the table is half full at most and grows to twice its size: for who has to bound that. */
#define TABLE_ENTRY_BYTES 80

struct table {
	struct table_slot *slots;
	size_t n, cap;
};

void table_init(struct table *);
void table_done(struct table *);                                    /* frees the table, not what it holds */
void table_clear(struct table *);                                   /* forgets all, and keeps the room */
void *table_get(const struct table *, const void *key, size_t len); /* NULL: not there */
/* Adds what must not be there yet. key stays the caller's, and must live as long as the entry. */
void table_add(struct table *, const void *key, size_t len, void *value);
void *table_remove(struct table *, const void *key, size_t len); /* what was there, or NULL */

/* for (size_t at = 0; (v = table_next(t, &at));): in no order; the entry just returned may be
 * removed meanwhile, nothing else may change. */
void *table_next(const struct table *, size_t *at);

uint64_t table_hash(const void *key, size_t len);

#endif

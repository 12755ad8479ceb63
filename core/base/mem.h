/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocation that does not return NULL (it aborts with a message: a daemon without memory
 * is restarted by its supervisor, and the journal has all that was closed), and an arena.
 */
#ifndef PS_BASE_MEM_H
#define PS_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n); /* zeroed; n may be 0 */
void *mem_resize(void *old, size_t n);
void *mem_copy(const void *data, size_t n);
char *mem_strdup(const char *);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Blocks that are freed together. Not thread-safe. */
struct arena {
	struct arena_chunk *chunks;
};

void arena_init(struct arena *);
void arena_done(struct arena *);
void *arena_alloc(struct arena *, size_t n);                  /* zeroed, aligned for any type */
char *arena_copy(struct arena *, const void *data, size_t n); /* with a NUL behind it */

#endif

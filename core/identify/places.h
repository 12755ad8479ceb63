/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control groups in which programs run, by their number: named once, as they are made or when
 * a process is first seen in one, and then remembered. Main thread only.
 */
#ifndef PS_IDENTIFY_PLACES_H
#define PS_IDENTIFY_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/value.h"

struct places;

/* What a path says. Interned by the path: equal ones are the same pointer. Held by reference. */
struct place {
	struct ps_place says;
	unsigned refs; /* private, like all that follows */
	char room[];
};

struct places *places_open(void);
void places_close(struct places *);

/* A group was made; an empty path is not known. */
void places_made(struct places *, uint64_t cgroup, struct ps_text path);

/* The place of a group, with a reference. One that nobody told of is looked up in the file system
 * of the kernel's groups, which takes some microseconds and touches no disk; one that cannot be
 * found says nothing. */
struct place *places_of(struct places *, uint64_t cgroup);

/* The place of that path, with a reference; empty: not known. */
struct place *places_at(struct places *, struct ps_text path);

struct place *place_hold(struct place *); /* one more reference */
void place_drop(struct places *, struct place *);

struct places_stats {
	uint64_t groups, places; /* that are remembered */
	uint64_t asked;          /* groups that were looked up */
	uint64_t unknown;        /* of these, not found */
};
void places_get_stats(const struct places *, struct places_stats *);

#endif

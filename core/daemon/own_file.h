/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that picosnitch stands on: which one it is, and what became of it. */
#ifndef PS_DAEMON_OWN_FILE_H
#define PS_DAEMON_OWN_FILE_H

#include <stdint.h>

/* What tells one state of a file from another. */
struct own_state {
	int error; /* -errno: it cannot be looked at; the rest is zero */
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
};

/* Follows symbolic links. Touches the disk. */
void own_state_of(struct own_state *, const char *path);

/* What changed between two states, for a person ("it was replaced by another file"); NULL: nothing. */
const char *own_state_change(const struct own_state *before, const struct own_state *now);

#endif

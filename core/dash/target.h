/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a request asks for: a path, and names with values. No I/O. */
#ifndef PS_DASH_TARGET_H
#define PS_DASH_TARGET_H

#include <stddef.h>

enum { TARGET_MAX = 512 << 10, TARGET_PARAMETERS_MAX = 256 };

struct parameter {
	const char *name, *value; /* UTF-8 without NULs within */
};

struct target {
	const char *path; /* as it was sent: whatever has a % in it is nothing of ours */
	struct parameter *parameters;
	size_t n;
	char *memory;
};

/* Reads "/path?name=value&name=value". 0, or the HTTP status that says what is wrong, with *why (static).
 * target_done() in any case. */
unsigned target_read(struct target *, const char *raw, const char **why);
void target_done(struct target *);

/* The value of the first of that name, or NULL. */
const char *target_value(const struct target *, const char *name);

#endif

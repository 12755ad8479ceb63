/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of the plugin, as libpq wants them. */
#ifndef PS_POSTGRES_PARAMS_H
#define PS_POSTGRES_PARAMS_H

#include <stdbool.h>

#include "core/plugin.h"

#define PARAMS_MAX 24

struct params {
	const char *keywords[PARAMS_MAX + 1], *values[PARAMS_MAX + 1];
	unsigned n;
	char password[1024], seconds[24], milliseconds[24];
	bool remote; /* a host other than this one is named */
};

/* What the options cannot mean, after why(). Looks at files of this machine. */
bool params_check(const struct ps_host *, struct ps_ctx *);

/* Reads the password file anew. writing: only a server that takes writes will do. False after why(). */
bool params_set(struct params *, const struct ps_host *, struct ps_ctx *, bool writing);

/* Leaves no password behind. */
void params_clear(struct params *);

#endif

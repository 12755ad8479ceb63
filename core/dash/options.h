/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How `picosnitch dash` was started: options, then the environment, then [dash] in the configuration. */
#ifndef PS_DASH_OPTIONS_H
#define PS_DASH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config/settings.h"

struct dash_options {
	char *host, *theme, *token, *store, *names;
	unsigned port;    /* 0: any that is free */
	const char *file; /* of argv, or NULL: instead of the store's own */
	bool scroll_zoom;
	char *run;          /* the daemon's folder of sockets */
	char *user, *group; /* whom to become, if this is root */
	int64_t least_step; /* seconds: rows are that far apart */
};

/* 0, or the exit status of the command after saying on stderr what is the matter. */
int dash_options_read(struct dash_options *, const struct settings *, int argc, char **argv);
void dash_options_done(struct dash_options *);

extern const char dash_help[];

#endif

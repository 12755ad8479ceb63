/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon: wires the watch, the journal and the couriers together, and lives until a signal. */
#ifndef PS_DAEMON_DAEMON_H
#define PS_DAEMON_DAEMON_H

#include <sys/types.h>

#include "core/config/settings.h"

struct daemon_options {
	const char *config;  /* the INI file, for reloading */
	const char *program; /* this program's own file, for the sinks' hosts */
	/* Reads the configuration again; NULL, with the mistakes logged, if it is wrong. Any thread. */
	struct settings *(*reload)(const char *config);
	const char *geoip; /* the program picosnitch-geoip, or NULL */
	int ready_fd;      /* gets errors of the start as lines, and a NUL once everything runs; -1: nobody waits */
};

/* Runs until SIGTERM or SIGINT. Takes over the settings. The exit status. */
int daemon_run(struct settings *, const struct daemon_options *);

/* Where the ids of [core] user come from. 0 or -errno, with a message that says what to do. */
int daemon_user(const struct settings *, uid_t *uid, gid_t *gid);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sees to it that a database of countries is fetched once in a while, by a process of its own without rights, which
 * also decides whether it is time: the daemon reads none of it. Main thread only.
 */
#ifndef PS_DAEMON_COUNTRIES_H
#define PS_DAEMON_COUNTRIES_H

#include <jansson.h>
#include <uv.h>

#include "core/config/settings.h"

struct countries;

/* program: picosnitch-geoip, NULL: there is none; uid, gid: who it runs as, if this is root. All live as long. */
struct countries *countries_open(uv_loop_t *, const char *program, uid_t uid, gid_t gid);

/* At the start, and when the configuration has been read again. Nothing is done before [geoip] delay. */
void countries_reload(struct countries *, const struct settings *);

/* For `status`: "state" ("off", "waiting", "fetching", "failed"), "said", "next" (Unix seconds). */
json_t *countries_status(const struct countries *);

/* Ends the process, if there is one. It frees itself while the loop turns. */
void countries_close(struct countries *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who sits at this machine: the users of logind's sessions. Any thread. */
#ifndef PS_DAEMON_PEOPLE_H
#define PS_DAEMON_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PEOPLE_MAX 64

struct person {
	uid_t uid;
	bool active; /* has a session that is in front, and on this machine's own screens */
};

/* Users with a session, from the files of logind (or elogind) in `sessions`, and with a folder of their own in
 * `runtime` (/run/user), where their bus is. Without `sessions`, whoever has such a folder is active. Root is left out:
 * it has no business on anybody's bus. Returns how many. */
size_t people_read(const char *sessions, const char *runtime, struct person[PEOPLE_MAX]);

/* Whether option `user` of a sink for people ("auto", or names) means this person. */
bool people_wanted(const char *users, const struct person *, const char *name);

#endif

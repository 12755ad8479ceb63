/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whom a process may pass for when it opens files. Any thread; no disk is touched. */
#ifndef PS_IDENTIFY_USER_H
#define PS_IDENTIFY_USER_H

#include <sys/types.h>

struct user {
	uid_t uid;
	gid_t gid;
	char *groups; /* "4,24"; "": none */
	int ns;       /* its user namespace, open; -1: ours */
};

/* Effective ids: those by which it may open files. 0, or -errno when the process has gone. In any case user_done() is
 * due. */
int user_of(struct user *, pid_t);
void user_done(struct user *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that a process of its own is to read, or to look for, as somebody else: see reader.h. */
#ifndef PS_IDENTIFY_APART_H
#define PS_IDENTIFY_APART_H

#include <limits.h>
#include <stdbool.h>

#include "core/identify/search.h"
#include "core/identify/user.h"

/* What that process is told. */
struct apart_request {
	bool script;     /* or an executable */
	uint64_t size;   /* of an executable: it must be that */
	struct start by; /* of a script: how its interpreter was started, ... */
	char path[PATH_MAX];
};

struct apart {
	struct user user;
	int file;      /* O_PATH; -1: it is to be looked for, from here: */
	int root, cwd; /* cwd: -1: where it was */
	struct apart_request request;
};

/* As process pid; NULL: it has gone. */
struct apart *apart_new(pid_t pid);
/* As somebody of whom that is all that is known. */
struct apart *apart_of(uid_t, gid_t);
void apart_free(struct apart *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/apart.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"

static struct apart *empty(void)
{
	struct apart *a = mem_alloc(sizeof(*a));

	a->file = a->root = a->cwd = -1;
	return a;
}

struct apart *apart_new(pid_t pid)
{
	struct apart *a = empty();

	if (!user_of(&a->user, pid))
		return a;
	apart_free(a);
	return NULL;
}

struct apart *apart_of(uid_t uid, gid_t gid)
{
	struct apart *a = empty();

	a->user = (struct user){uid, gid, mem_strdup(""), -1};
	return a;
}

void apart_free(struct apart *a)
{
	int fds[] = {a->file, a->root, a->cwd};

	for (size_t i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	user_done(&a->user);
	free(a);
}

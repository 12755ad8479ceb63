/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"

static bool is_other_ns(const char *path)
{
	struct stat ours, theirs;

	return !stat("/proc/self/ns/user", &ours) && !stat(path, &theirs) && ours.st_ino != theirs.st_ino;
}

int user_of(struct user *user, pid_t pid)
{
	char path[32], *line = NULL, *at;
	unsigned id;
	size_t cap = 0;
	unsigned found = 0;
	FILE *in;

	*user = (struct user){.ns = -1};
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	in = fopen(path, "re");
	if (!in)
		return -errno;
	while (getline(&line, &cap, in) > 0) {
		if (sscanf(line, "Uid: %*u %u", &id) == 1) {
			user->uid = id;
			found |= 1;
		} else if (sscanf(line, "Gid: %*u %u", &id) == 1) {
			user->gid = id;
			found |= 2;
		} else if (strncmp(line, "Groups:", 7) == 0 && !user->groups) {
			at = line + 7 + strspn(line + 7, " \t");
			at[strcspn(at, "\n")] = 0;
			for (size_t n = strlen(at); n && at[n - 1] == ' '; n--)
				at[n - 1] = 0;
			for (char *space = at; (space = strchr(space, ' '));)
				*space = ',';
			user->groups = mem_strdup(strlen(at) < 65536 ? at : "");
			found |= 4;
		}
	}
	free(line);
	fclose(in);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	if (is_other_ns(path))
		user->ns = open(path, O_RDONLY | O_CLOEXEC);
	return found == 7 ? 0 : -ESRCH;
}

void user_done(struct user *user)
{
	if (user->ns >= 0)
		close(user->ns);
	free(user->groups);
	*user = (struct user){.ns = -1};
}

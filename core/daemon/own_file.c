/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/own_file.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

#include "core/base/clock.h"

static int64_t ns(struct timespec t)
{
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

void own_state_of(struct own_state *state, const char *path)
{
	struct stat st;

	*state = (struct own_state){0};
	if (stat(path, &st)) {
		state->error = -errno;
		return;
	}
	state->dev = st.st_dev;
	state->ino = st.st_ino;
	state->size = (uint64_t)st.st_size;
	state->mtime_ns = ns(st.st_mtim);
	state->ctime_ns = ns(st.st_ctim);
}

const char *own_state_change(const struct own_state *before, const struct own_state *now)
{
	if (before->error != now->error)
		return !now->error             ? "it is there again"
		       : now->error == -ENOENT ? "it was removed"
		                               : "it can no longer be looked at";
	if (before->dev != now->dev || before->ino != now->ino)
		return "it was replaced by another file";
	if (before->size != now->size || before->mtime_ns != now->mtime_ns)
		return "its content was changed";
	/* Who writes can set the time of writing back, but not this one. */
	if (before->ctime_ns != now->ctime_ns)
		return "its mode, owner or links were changed, or its content and the time of that was set back";
	return NULL;
}

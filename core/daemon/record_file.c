/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/delivery/files.h"
#include "core/ledger/memory_json.h"

enum { TRY_AGAIN_MS = 50 };

/* The folder is locked, as the file itself is replaced by each change. */
int record_lock(const char *folder, int patience_ms)
{
	static const struct timespec pause = {0, TRY_AGAIN_MS * 1000000L};
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	for (; flock(fd, LOCK_EX | LOCK_NB) && (err = errno) == EWOULDBLOCK && patience_ms > 0; patience_ms -= TRY_AGAIN_MS)
		err = 0, nanosleep(&pause, NULL);
	if (err) {
		close(fd);
		return -err;
	}
	return fd;
}

static const char *explain(int err)
{
	switch (err) {
	case -ELOOP:
		return "it is a symbolic link, which is not followed";
	case -EMLINK:
		return "it has more than one link";
	case -EINVAL:
		return "it is not a regular file";
	case -EFBIG:
		return "it is too large";
	default:
		return strerror(-err);
	}
}

int record_load(const char *folder, bool repair, struct memory **memory, char **aside, char why[RECORD_WHY])
{
	char *path = mem_printf("%s/" RECORD_FILE, folder), reason[MEMORY_WHY] = "";
	struct buf text;
	int err, moved;

	*memory = NULL;
	*aside = NULL;
	buf_init(&text);
	err = files_read(path, &text, MEMORY_JSON_MAX);
	if (err && err != -ENOENT)
		snprintf(reason, sizeof(reason), "%s", explain(err));
	else if (!err)
		err = memory_read(memory, text.data, text.len, reason);
	buf_done(&text);
	if (err == -ENOENT) {
		*memory = memory_open();
		err = 0;
	}
	if (err)
		snprintf(why, RECORD_WHY, "%.400s: %s", path, reason);
	if (err && repair) {
		moved = files_move_away(path, NULL, err == -ENOTSUP ? "unknown" : "damaged", aside);
		if (moved) {
			size_t n = strlen(why);

			snprintf(why + n, RECORD_WHY - n, "; nor can it be moved away: %.60s", strerror(-moved));
		}
		*memory = memory_open();
	}
	free(path);
	return err;
}

int record_save(const char *folder, const struct record_owner *owner, const struct memory *memory, char why[RECORD_WHY])
{
	char *path = mem_printf("%s/" RECORD_FILE, folder), reason[TRUST_WHY] = "";
	struct files_set set = {.path = path, .uid = owner->uid, .gid = owner->gid, .mode = owner->mode};
	struct buf text;
	int err;

	buf_init(&text);
	memory_write(memory, &text);
	err = files_replace(&set, text.data, text.len, reason);
	if (err)
		snprintf(why, RECORD_WHY, "%s", reason);
	buf_done(&text);
	free(path);
	return err;
}

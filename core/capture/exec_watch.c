/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/exec_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/table.h"

enum { FAILED_MAX = 1024 }; /* events in one reading whose file cannot be opened */

struct filesystem {
	char device[24]; /* "major:minor" */
	bool marked;
	bool here; /* seen in the last reading of the mounts */
};

struct exec_watch {
	int fan, mounts;
	struct table filesystems; /* device -> struct filesystem */
	struct exec_watch_stats stats;
};

/* File systems that hold no programs of anyone's. */
static bool is_synthetic(const char *type)
{
	static const char *const types[] = {"proc",   "sysfs",       "cgroup",     "cgroup2",   "devpts",
	                                    "mqueue", "bpf",         "tracefs",    "debugfs",   "securityfs",
	                                    "pstore", "configfs",    "fusectl",    "nsfs",      "efivarfs",
	                                    "autofs", "binfmt_misc", "rpc_pipefs", "selinuxfs", "hugetlbfs"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

/* Undoes the octal escapes of mountinfo, in place. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = 0;
}

/* A program's file system (FUSE) says what it likes and takes as long as it likes: an event of it
 * would have to be opened here, in the main thread. */
static bool is_foreign(const char *type)
{
	return strcmp(type, "fuse") == 0 || strncmp(type, "fuse.", 5) == 0 || strcmp(type, "fuseblk") == 0;
}

static int mark_filesystem(struct exec_watch *w, const char *path, bool written)
{
	return fanotify_mark(w->fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC | (written ? FAN_CLOSE_WRITE : 0),
	                     AT_FDCWD, path);
}

static void mark(struct exec_watch *w, const char *device, const char *path, const char *type)
{
	bool written = strcmp(type, "tmpfs") == 0 || strcmp(type, "ramfs") == 0;
	struct filesystem *fs = table_get(&w->filesystems, device, strlen(device));

	if (!fs) {
		fs = mem_alloc(sizeof(*fs));
		snprintf(fs->device, sizeof(fs->device), "%s", device);
		table_add(&w->filesystems, fs->device, strlen(fs->device), fs);
	}
	fs->here = true;
	/* The same file system may be mounted elsewhere too, where it can be marked. */
	if (fs->marked)
		return;
	fs->marked = !is_foreign(type) && !mark_filesystem(w, path, written);
	if (!fs->marked)
		log_debug("%s (%s) cannot be watched for executions: %s", path, type,
		          is_foreign(type) ? "it is a program's" : strerror(errno));
}

void exec_watch_refresh(struct exec_watch *w)
{
	FILE *in = fopen("/proc/self/mountinfo", "re");
	struct filesystem *fs;
	char *line = NULL;
	size_t cap = 0;

	if (!in)
		return;
	for (size_t at = 0; (fs = table_next(&w->filesystems, &at));)
		fs->here = false;
	while (getline(&line, &cap, in) > 0) {
		char device[24], *path = mem_alloc(cap), *dash = strstr(line, " - "), type[64];

		/* 36 35 98:0 /root /mount/point options [fields...] - type source options */
		if (dash && sscanf(line, "%*s %*s %23s %*s %s", device, path) == 2 && sscanf(dash + 3, "%63s", type) == 1 &&
		    !is_synthetic(type)) {
			unescape(path);
			mark(w, device, path, type);
		}
		free(path);
	}
	free(line);
	fclose(in);
	for (size_t at = 0; (fs = table_next(&w->filesystems, &at));)
		if (!fs->here)
			free(table_remove(&w->filesystems, fs->device, strlen(fs->device)));
}

int exec_watch_open(struct exec_watch **out)
{
	struct exec_watch *w = mem_alloc(sizeof(*w));
	int err;

	table_init(&w->filesystems);
	/* The queue is bounded, on purpose: an overflow is told, memory without end is not. */
	w->fan =
	    fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC | O_LARGEFILE | O_NOATIME);
	if (w->fan < 0) {
		err = -errno;
		free(w);
		return err;
	}
	w->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	exec_watch_refresh(w);
	*out = w;
	return 0;
}

void exec_watch_close(struct exec_watch *w)
{
	struct filesystem *fs;

	if (!w)
		return;
	for (size_t at = 0; (fs = table_next(&w->filesystems, &at));)
		free(fs);
	table_done(&w->filesystems);
	close(w->fan);
	if (w->mounts >= 0)
		close(w->mounts);
	free(w);
}

int exec_watch_fd(const struct exec_watch *w)
{
	return w->fan;
}

int exec_watch_mounts_fd(const struct exec_watch *w)
{
	return w->mounts;
}

bool exec_watch_tells_written(uint32_t magic)
{
	return magic == TMPFS_MAGIC || magic == RAMFS_MAGIC;
}

bool exec_watch_is_marked(const struct exec_watch *w, uint32_t dev)
{
	char device[24];
	struct filesystem *fs;

	snprintf(device, sizeof(device), "%u:%u", dev >> 20, dev & 0xfffff);
	fs = table_get(&w->filesystems, device, strlen(device));
	return fs && fs->marked;
}

bool exec_watch_cover(struct exec_watch *w, pid_t pid)
{
	struct statfs fs;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return !statfs(path, &fs) && !mark_filesystem(w, path, exec_watch_tells_written((uint32_t)fs.f_type));
}

void exec_watch_tell_written(struct exec_watch *w, int fd, bool on)
{
	fanotify_mark(w->fan, on ? FAN_MARK_ADD : FAN_MARK_REMOVE, FAN_CLOSE_WRITE, fd, NULL);
}

bool exec_watch_read(struct exec_watch *w, exec_watch_told told, void *arg, unsigned max)
{
	_Alignas(struct fanotify_event_metadata) char data[64 * sizeof(struct fanotify_event_metadata)];

	for (unsigned taken = 0, failed = 0; (!max || taken < max) && failed < FAILED_MAX;) {
		ssize_t n = read(w->fan, data, sizeof(data));
		struct fanotify_event_metadata *m = (void *)data;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN && errno != EBADF) {
			/* The file of one event could not be opened for us, and that event is gone. */
			w->stats.unopened++;
			w->stats.error = errno;
			told(arg, 0, -1, EXEC_OVERFLOW);
			failed++;
			continue;
		}
		if (n <= 0)
			return false;
		for (; FAN_EVENT_OK(m, n); m = FAN_EVENT_NEXT(m, n), taken++) {
			if (m->mask & FAN_Q_OVERFLOW) {
				w->stats.overflows++;
				told(arg, 0, -1, EXEC_OVERFLOW);
			} else if (m->fd >= 0) {
				told(arg, m->pid, m->fd,
				     (m->mask & FAN_OPEN_EXEC ? EXEC_OPENED : 0) | (m->mask & FAN_CLOSE_WRITE ? EXEC_WRITTEN : 0));
			}
		}
	}
	return true;
}

void exec_watch_get_stats(const struct exec_watch *w, struct exec_watch_stats *stats)
{
	struct filesystem *fs;

	*stats = w->stats;
	for (size_t at = 0; (fs = table_next(&w->filesystems, &at));)
		++*(fs->marked ? &stats->marked : &stats->refused);
}

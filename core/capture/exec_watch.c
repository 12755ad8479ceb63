/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/exec_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/table.h"

struct filesystem {
	char device[24]; /* "major:minor" */
	bool marked;
	bool here; /* seen in the last reading of the mounts */
};

struct exec_watch {
	int fan, mounts;
	struct table filesystems; /* device -> struct filesystem */
	uint64_t overflows;
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

static void mark(struct exec_watch *w, const char *device, const char *path, const char *type)
{
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
	fs->marked = !fanotify_mark(w->fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC, AT_FDCWD, path);
	if (!fs->marked)
		log_debug("%s (%s) cannot be watched for executions: %s", path, type, strerror(errno));
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

bool exec_watch_read(struct exec_watch *w, void (*opened)(void *, pid_t, int), void *arg, unsigned max)
{
	_Alignas(struct fanotify_event_metadata) char data[64 * sizeof(struct fanotify_event_metadata)];

	for (unsigned taken = 0; !max || taken < max;) {
		ssize_t n = read(w->fan, data, sizeof(data));
		struct fanotify_event_metadata *m = (void *)data;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		for (; FAN_EVENT_OK(m, n); m = FAN_EVENT_NEXT(m, n), taken++) {
			if (m->mask & FAN_Q_OVERFLOW)
				w->overflows++;
			if (m->fd >= 0)
				opened(arg, m->pid, m->fd);
		}
	}
	return true;
}

uint64_t exec_watch_overflows(const struct exec_watch *w)
{
	return w->overflows;
}

void exec_watch_coverage(const struct exec_watch *w, unsigned *marked, unsigned *refused)
{
	struct filesystem *fs;

	*marked = *refused = 0;
	for (size_t at = 0; (fs = table_next(&w->filesystems, &at));)
		++*(fs->marked ? marked : refused);
}

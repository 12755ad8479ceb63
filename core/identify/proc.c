/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"

void proc_read(struct buf *out, pid_t pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && out->len < PROC_READ_MAX) {
		uint8_t *at = buf_add(out, 4096);
		ssize_t n = read(fd, at, 4096);

		out->len -= 4096 - (n > 0 ? (size_t)n : 0);
		if (n <= 0)
			break;
	}
	if (fd >= 0)
		close(fd);
}

int proc_open(pid_t pid, const char *name)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/%d/%s", pid, name);
	return open(link, O_PATH | O_CLOEXEC);
}

bool proc_is(pid_t pid, uint64_t start)
{
	unsigned long long ticks = 0;
	char *after = NULL;
	struct buf stat;

	buf_init(&stat);
	proc_read(&stat, pid, "stat");
	buf_put_u8(&stat, 0);
	/* The name, in parentheses, may hold anything; the 20th field after it is the start. */
	after = strrchr((char *)stat.data, ')');
	for (int i = 0; after && i < 20; i++)
		after = strchr(after + 1, ' ');
	if (after)
		ticks = strtoull(after, NULL, 10);
	buf_done(&stat);
	return after && ticks == start / (uint64_t)(NS_PER_S / sysconf(_SC_CLK_TCK));
}

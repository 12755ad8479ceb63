/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool server_is_local(const char *name, size_t len)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "::1", "ip6-localhost"};

	if (!len || *name == '/' || *name == '@')
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && strncmp(name, names[i], len) == 0)
			return true;
	return len > 4 && strncmp(name, "127.", 4) == 0 && strspn(name, "0123456789.") >= len;
}

bool server_is_name(const char *name, const char *more)
{
	for (; *name; name++)
		if (!(*name >= 'a' && *name <= 'z') && !(*name >= '0' && *name <= '9') && *name != '_' && !strchr(more, *name))
			return false;
	return true;
}

static ssize_t read_file(const struct ps_host *host, struct ps_ctx *ctx, const char *path, char *out, size_t size)
{
	/* Not to wait for a writer if it is a pipe. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat file;
	ssize_t n = -1;

	if (fd < 0 || fstat(fd, &file) < 0) {
		host->why(ctx, "password_file %s: %s%s", path, strerror(errno),
		          errno == EACCES ? ": it must be readable for the user that sinks run as" : "");
	} else if (!S_ISREG(file.st_mode) || (file.st_mode & S_IRWXO)) {
		host->why(ctx, "password_file %s: it must be a file that others may not read: chmod 640", path);
	} else {
		n = read(fd, out, size - 1);
		if (n <= 0)
			host->why(ctx, "password_file %s is empty", path);
	}
	if (fd >= 0)
		close(fd);
	return n;
}

bool server_password(const struct ps_host *host, struct ps_ctx *ctx, char *out, size_t size)
{
	const char *path = host->text(ctx, "password_file");
	ssize_t n;

	if (!*path) {
		snprintf(out, size, "%s", host->text(ctx, "password"));
		return true;
	}
	n = read_file(host, ctx, path, out, size);
	out[n > 0 ? n : 0] = 0;
	out[strcspn(out, "\r\n")] = 0;
	return n > 0;
}

void server_line(char *out, size_t size, const char *text)
{
	size_t n;

	snprintf(out, size, "%s", text);
	for (n = strlen(out); n && (out[n - 1] == '\n' || out[n - 1] == ' '); n--)
		;
	out[n] = 0;
	for (char *p = out; *p; p++)
		*p = (unsigned char)*p < 0x20 ? ' ' : *p;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/people.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSIONS_MAX 1024

struct people {
	struct person *list;
	size_t n;
};

static void add(struct people *p, uid_t uid, bool active)
{
	if (!uid || uid == (uid_t)-1)
		return;
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].uid == uid) {
			p->list[i].active |= active;
			return;
		}
	if (p->n < PEOPLE_MAX)
		p->list[p->n++] = (struct person){uid, active};
}

/* A whole decimal number that is a user id; else -1. */
static uid_t parse_uid(const char *s)
{
	char *end;
	unsigned long n;

	if (*s < '0' || *s > '9')
		return (uid_t)-1;
	errno = 0;
	n = strtoul(s, &end, 10);
	return errno || *end || n >= (uid_t)-1 ? (uid_t)-1 : (uid_t)n;
}

/* A session's file: lines KEY=VALUE. sd-login reads it likewise; that library is not needed for four keys. */
static void add_session(struct people *p, char *text)
{
	bool active = false, remote = false, person = false;
	uid_t uid = (uid_t)-1;
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "UID=", 4) == 0)
			uid = parse_uid(line + 4);
		else if (strncmp(line, "CLASS=", 6) == 0) /* not greeter, lock-screen, background, manager */
			person = strncmp(line + 6, "user", 4) == 0;
		else if (strcmp(line, "ACTIVE=1") == 0)
			active = true;
		else if (strcmp(line, "REMOTE=1") == 0)
			remote = true;
	}
	if (person)
		add(p, uid, active && !remote);
}

static void read_session(struct people *p, int dir, const char *name)
{
	char text[4096];
	ssize_t n;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);

	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return;
	text[n] = 0;
	add_session(p, text);
}

size_t people_read(const char *sessions, const char *runtime, struct person list[PEOPLE_MAX])
{
	struct people p = {list, 0};
	const struct dirent *e;
	DIR *dir = opendir(sessions);
	bool logind = dir != NULL;

	/* Beside each session's file there is a pipe, NAME.ref. */
	for (int i = 0; dir && i < SESSIONS_MAX && (e = readdir(dir));)
		if (!strchr(e->d_name, '.')) {
			read_session(&p, dirfd(dir), e->d_name);
			i++;
		}
	if (dir)
		closedir(dir);
	/* By their names alone: what a user's folder really is, is his affair. */
	dir = opendir(runtime);
	for (int i = 0; dir && i < SESSIONS_MAX && (e = readdir(dir)); i++)
		add(&p, parse_uid(e->d_name), !logind);
	if (dir)
		closedir(dir);
	return p.n;
}

bool people_wanted(const char *users, const struct person *who, const char *name)
{
	static const char between[] = ", \t";
	size_t len = strlen(name);

	for (const char *s = users; *s;) {
		size_t n = strcspn(s, between);

		if (n == 4 && strncmp(s, "auto", 4) == 0 && who->active)
			return true;
		if (n && n == len && strncmp(s, name, n) == 0)
			return true;
		s += n;
		s += strspn(s, between);
	}
	return false;
}

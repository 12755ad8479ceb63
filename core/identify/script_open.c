/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One script of one process: from a path to an open file that is the right one, to what another may look for, or to a
 * reason. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/identify/file.h"
#include "core/identify/proc.h"
#include "core/identify/scripts.h"

/* "/dev/fd/63", "/proc/self/fd/3", "/dev/stdin": a number of the process's, or -1. */
static int descriptor_of(const char *path)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
	char *end;
	long n;

	if (strcmp(path, "/dev/stdin") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t len = strlen(folders[i]);

		if (strncmp(path, folders[i], len) != 0 || path[len] < '0' || path[len] > '9')
			continue;
		errno = 0;
		n = strtol(path + len, &end, 10);
		return *end || errno || n > 1 << 30 ? -1 : (int)n;
	}
	return -1;
}

static int open_descriptor(const struct start *by, int number, int root, enum ps_hash_state *why)
{
	char name[32];
	int fd;

	*why = PS_HASH_MISMATCH;
	errno = ESTALE;
	if (!search_is_folder(root, &by->root))
		return -1;
	snprintf(name, sizeof(name), "fd/%d", number);
	fd = proc_open(by->pid, name);
	*why = errno == ENOENT || errno == ESRCH ? PS_HASH_GONE : PS_HASH_UNREADABLE;
	return fd;
}

/* ---- where the process is ---- */

/* The root folder of the process; if it has gone, that of another, if it is the same. */
static int open_root(const struct start *by, bool *gone)
{
	int root = proc_open(by->pid, "root");

	*gone = root < 0 || search_is_gone(by);
	if (!*gone)
		return root;
	if (root >= 0)
		close(root);
	return by->like && by->root.ino ? proc_open(by->like, "root") : -1;
}

/* Its working folder; if it has gone, or gone elsewhere, that of its parent, if it is the same. -1: neither. */
static int open_cwd(const struct start *by, bool gone)
{
	pid_t pids[] = {gone ? 0 : by->pid, by->like ? by->parent : 0};

	for (size_t i = 0; by->cwd.ino && i < 2; i++) {
		int cwd = pids[i] ? proc_open(pids[i], "cwd") : -1;

		if (cwd >= 0 && search_is_folder(cwd, &by->cwd) && (pids[i] == by->pid || search_is_sure(cwd)))
			return cwd;
		if (cwd >= 0)
			close(cwd);
	}
	return -1;
}

/* ---- for another ---- */

/* Who it is. If it has gone: with what more its parent may do, if that is of the same user. */
static struct apart *apart_as(const struct start *by)
{
	struct apart *a = apart_new(by->pid);

	if (a && !search_is_gone(by))
		return a;
	if (a)
		apart_free(a);
	if (by->uid == UINT32_MAX || by->gid == UINT32_MAX)
		return NULL;
	a = by->parent ? apart_new(by->parent) : NULL;
	if (a && a->user.uid == by->uid && a->user.gid == by->gid)
		return a;
	if (a)
		apart_free(a);
	return apart_of(by->uid, by->gid);
}

/* What is found, or is to be looked for: who is refused as root need not look as user 0 without capabilities. NULL: by
 * nobody. Takes the descriptors over, and leaves -1. */
static struct apart *hand_over(const struct start *by, const char *path, int *found, int *root, int *cwd)
{
	struct apart *a = apart_as(by);

	if (!a)
		return NULL;
	if (*found < 0 && (!a->user.uid || strlen(path) >= sizeof(a->request.path))) {
		apart_free(a);
		return NULL;
	}
	a->request.script = true;
	a->request.by = *by;
	a->file = *found;
	if (*found < 0) {
		a->root = *root;
		a->cwd = *cwd;
		strcpy(a->request.path, path);
		*root = *cwd = -1;
	}
	*found = -1;
	return a;
}

void script_open(const struct start *by, const char *path, struct opened_script *out)
{
	int number = descriptor_of(path), root, cwd = -1, found = -1;
	enum ps_hash_state *why = &out->why;
	bool gone, refused;

	*out = (struct opened_script){.fd = -1, .why = PS_HASH_GONE};
	root = open_root(by, &gone);
	if (root < 0 || (gone && number >= 0))
		goto out;
	if (number < 0 && *path != '/')
		cwd = open_cwd(by, gone);
	found = number < 0 ? search_find(by, path, root, cwd, why) : open_descriptor(by, number, root, why);
	refused = found < 0 && errno == EACCES;
	if (found >= 0 && file_is_foreign(file_magic(found))) {
		*why = PS_HASH_UNREADABLE;
		refused = true;
	} else if (found >= 0) {
		out->fd = search_open(by, found, &out->st, why);
		refused = out->fd < 0 && errno == EACCES;
	} else if (number < 0 && *path != '/' && cwd < 0 && *why == PS_HASH_GONE && !gone && search_has_folders(by)) {
		*why = PS_HASH_MISMATCH;
	}
	if (refused)
		out->apart = hand_over(by, path, &found, &root, &cwd);
	if (out->fd >= 0)
		out->path = search_path(by, out->fd);
out:
	if (root >= 0)
		close(root);
	if (cwd >= 0)
		close(cwd);
	if (found >= 0)
		close(found);
}

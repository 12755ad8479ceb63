/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Executables that others read: see reader.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/identify/executable_inside.h"
#include "core/identify/file.h"
#include "core/identify/reader.h"

static void set_read(struct executables *x, struct executable *e, enum ps_hash_state state, const uint8_t sha256[32])
{
	e->state = state;
	x->stats.hashed += state == PS_HASH_OK;
	x->stats.failed += state != PS_HASH_OK && state != PS_HASH_LATE;
	if (state == PS_HASH_OK)
		memcpy(e->sha256, sha256, sizeof(e->sha256));
	else
		executable_forget(x, e);
}

static void on_read(void *arg, void *subject, enum ps_hash_state state, const uint8_t sha256[32], const char *path)
{
	(void)path;
	set_read(arg, subject, state, sha256);
	executable_drop(arg, subject);
}

struct reader *executables_reader(struct executables *x)
{
	return x->reader;
}

struct executable *executables_read(struct executables *x, enum ps_hash_state state, const uint8_t sha256[32])
{
	struct executable *e = mem_alloc(sizeof(*e));

	e->refs = 1;
	set_read(x, e, state, sha256);
	return e;
}

/* The file that a process executes, as a path, if it is that one. */
static int open_executed(pid_t pid, const struct wire_file *file)
{
	uint32_t mount;
	uint64_t ino;
	char link[32];
	int fd;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	fd = open(link, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	if (!file_where(fd, &mount, &ino) && (!mount || !file->mount || mount == file->mount) && (!ino || ino == file->ino))
		return fd;
	close(fd);
	return -ESTALE;
}

/* What was read for one process holds for another as long as that one lives: then the file system is still mounted.
 * Later, another one may be there with the same numbers. */
static struct executable *find_apart(struct executables *x, const struct executable_key *key,
                                     const struct wire_file *file)
{
	struct executable *e = table_get(&x->files, key, sizeof(*key));
	int fd;

	if (!e || !e->apart)
		return NULL;
	fd = open_executed(e->apart, file);
	if (fd < 0) {
		executable_forget(x, e);
		return NULL;
	}
	close(fd);
	return executable_hold(e);
}

void executable_read_apart(struct executables *x, pid_t pid, const struct wire_file *file, struct executed *out)
{
	struct stat st = file_executed(file);
	int fd = open_executed(pid, file);
	struct executable_key key;
	struct executable *e;
	struct apart *apart;

	if (fd < 0) {
		out->file = executables_without(x, fd == -ENOENT ? PS_HASH_GONE : PS_HASH_MISMATCH);
		return;
	}
	out->path = file_path_of(fd, file);
	out->flags |= PS_EXE_HASH_UNSURE;
	st.st_dev = makedev(file->dev >> 20, file->dev & 0xfffff);
	key = executable_key_of(&st);
	out->file = find_apart(x, &key, file);
	if (out->file) {
		close(fd);
		return;
	}
	e = mem_alloc(sizeof(*e));
	*e = (struct executable){.state = PS_HASH_LATE, .refs = 2, .key = key, .apart = pid};
	e->in_table = !table_get(&x->files, &key, sizeof(key));
	if (e->in_table)
		table_add(&x->files, &e->key, sizeof(e->key), e);
	out->file = e;
	apart = apart_new(pid);
	if (apart) {
		apart->file = fd;
		apart->request.size = file->size;
	} else {
		close(fd);
	}
	reader_add(x->reader, apart, on_read, x, e);
}

void executables_read_apart(struct executables *x, const char *program)
{
	x->reader = reader_open(x->loop, program);
}

void executables_end(struct executables *x, void (*closed)(void *), void *arg)
{
	struct reader *r = x->reader;

	reader_close(r, closed, arg);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/executable.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/sha256.h"
#include "core/base/table.h"

enum {
	UNUSED_MAX = 8192,  /* files in the cache that nobody holds */
	OPENED_MAX = 8192,  /* openings that wait for their exec */
	WAITING_MAX = 4096, /* open files that wait to be hashed */
};

/* Two changes within one tick of the kernel's clock can leave the same change time: a hash counts
 * as that of the content only when the file had rested for this long. */
#define SETTLE_NS (100 * NS_PER_MS)

/* An opening for execution, found again by who opened what. While it is here, or its event waits
 * in the kernel's queue, the inode is in use and its number means no other file. */
struct opened {
	struct opened_key {
		uint64_t pid, ino;
	} key;
	bool used;
	struct executable *file;
	struct stat st;
	char *path;
};

struct job {
	uv_work_t work;
	struct executables *all;
	struct executable *file;
	int fd;
	struct stat st; /* when it was found */
	enum ps_hash_state state;
	uint8_t sha256[32];
	struct job *next;
};

struct executables {
	uv_loop_t *loop;
	struct table files; /* key -> struct executable */
	struct executable *oldest, *newest;
	size_t unused;
	struct opened opened[OPENED_MAX];
	struct table openings; /* opened_key -> struct opened */
	size_t next_opened;
	struct job *first, *last; /* waiting for a worker */
	unsigned workers, running;
	struct executable *without[PS_HASH_LATE + 1];
	struct executables_stats stats;
	volatile int cancel;
};

static struct executable_key key_of(const struct stat *st)
{
	return (struct executable_key){
	    .dev = st->st_dev,
	    .ino = st->st_ino,
	    .size = (uint64_t)st->st_size,
	    .ctime_s = st->st_ctim.tv_sec,
	    .ctime_ns = st->st_ctim.tv_nsec,
	};
}

static void queue_remove(struct executables *x, struct executable *e)
{
	*(e->older ? &e->older->newer : &x->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &x->newest) = e->older;
	e->older = e->newer = NULL;
	x->unused--;
}

static void forget(struct executables *x, struct executable *e)
{
	if (!e->in_table)
		return;
	table_remove(&x->files, &e->key, sizeof(e->key));
	e->in_table = false;
}

struct executable *executable_hold(struct executable *e)
{
	e->refs++;
	return e;
}

void executable_drop(struct executables *x, struct executable *e)
{
	if (!e || --e->refs)
		return;
	if (!e->in_table) {
		free(e);
		return;
	}
	e->older = x->newest;
	*(x->newest ? &x->newest->newer : &x->oldest) = e;
	x->newest = e;
	if (++x->unused > UNUSED_MAX) {
		e = x->oldest;
		queue_remove(x, e);
		forget(x, e);
		free(e);
	}
}

/* ---- hashing ---- */

/* Whether two looks at one file saw the same content. Deleting it changes its change time, and
 * leaves the content. */
static bool same_content(const struct stat *a, const struct stat *b)
{
	if (a->st_size != b->st_size || a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec)
		return false;
	return !a->st_nlink || !b->st_nlink ||
	       (a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec);
}

static void hash_work(uv_work_t *work)
{
	struct job *job = work->data;
	struct stat st;
	int err = sha256_file(job->fd, job->sha256, &job->all->cancel);

	if (err)
		job->state = PS_HASH_UNREADABLE;
	else if (fstat(job->fd, &st) || !same_content(&st, &job->st))
		job->state = PS_HASH_CHANGED;
	else
		job->state = PS_HASH_OK;
	close(job->fd);
}

static void hash_start(struct executables *x);

static void hash_done(uv_work_t *work, int status)
{
	struct job *job = work->data;
	struct executables *x = job->all;

	(void)status;
	job->file->state = job->state;
	if (job->state == PS_HASH_OK) {
		memcpy(job->file->sha256, job->sha256, sizeof(job->file->sha256));
		x->stats.hashed++;
	} else {
		x->stats.failed++;
		forget(x, job->file); /* another execution tries anew */
	}
	executable_drop(x, job->file);
	free(job);
	x->running--;
	x->stats.waiting--;
	hash_start(x);
}

static void hash_start(struct executables *x)
{
	while (x->running < x->workers && x->first) {
		struct job *job = x->first;

		x->first = job->next;
		if (!x->first)
			x->last = NULL;
		x->running++;
		uv_queue_work(x->loop, &job->work, hash_work, hash_done);
	}
}

/* Takes fd over. */
static void hash_later(struct executables *x, struct executable *e, int fd, const struct stat *st)
{
	struct job *job;

	if (x->stats.waiting >= WAITING_MAX || !S_ISREG(st->st_mode)) {
		x->stats.refused++;
		e->state = PS_HASH_UNREADABLE;
		forget(x, e);
		close(fd);
		return;
	}
	e->settled = clock_wall_ns() - (e->key.ctime_s * NS_PER_S + e->key.ctime_ns) > SETTLE_NS;
	job = mem_alloc(sizeof(*job));
	*job = (struct job){.all = x, .file = executable_hold(e), .fd = fd, .st = *st};
	job->work.data = job;
	*(x->last ? &x->last->next : &x->first) = job;
	x->last = job;
	x->stats.waiting++;
	hash_start(x);
}

/* The entry for an open file; begins to hash it if it must be. Takes fd over, gives a reference. */
static struct executable *lookup(struct executables *x, int fd, const struct stat *st)
{
	struct executable_key key = key_of(st);
	struct executable *e = table_get(&x->files, &key, sizeof(key));

	if (e && e->state == PS_HASH_OK && !e->settled) {
		/* It may have changed again within the same tick. Who holds it, holds what was
		 * executed then. */
		forget(x, e);
		if (!e->refs) {
			queue_remove(x, e);
			free(e);
		}
		e = NULL;
	}
	if (e) {
		close(fd);
		if (!e->refs)
			queue_remove(x, e);
		return executable_hold(e);
	}
	e = mem_alloc(sizeof(*e));
	*e = (struct executable){.state = PS_HASH_LATE, .refs = 1, .key = key, .in_table = true};
	table_add(&x->files, &e->key, sizeof(e->key), e);
	hash_later(x, e, fd, st);
	return e;
}

/* ---- who opened what ---- */

static char *path_of(int fd)
{
	static const char deleted[] = " (deleted)";
	char link[32], path[4096 + sizeof(deleted)];
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return NULL;
	path[n] = 0;
	if ((size_t)n >= sizeof(deleted) && strcmp(path + n - (sizeof(deleted) - 1), deleted) == 0 && !fstat(fd, &st) &&
	    !st.st_nlink)
		path[n - (ssize_t)(sizeof(deleted) - 1)] = 0;
	return mem_strdup(path);
}

static void opened_clear(struct executables *x, struct opened *o)
{
	if (!o->used)
		return;
	/* A later opening by the same process of the same file has taken this one's place. */
	if (table_get(&x->openings, &o->key, sizeof(o->key)) == o)
		table_remove(&x->openings, &o->key, sizeof(o->key));
	executable_drop(x, o->file);
	free(o->path);
	o->used = false;
}

void executables_opened(struct executables *x, pid_t pid, int fd)
{
	struct opened *o = &x->opened[x->next_opened];
	struct opened *earlier;
	struct stat st;

	if (fstat(fd, &st)) {
		close(fd);
		return;
	}
	opened_clear(x, o);
	o->key = (struct opened_key){(uint64_t)pid, st.st_ino};
	earlier = table_get(&x->openings, &o->key, sizeof(o->key));
	if (earlier)
		opened_clear(x, earlier);
	o->st = st;
	o->path = path_of(fd);
	o->file = lookup(x, fd, &st);
	o->used = true;
	table_add(&x->openings, &o->key, sizeof(o->key), o);
	x->next_opened = (x->next_opened + 1) % OPENED_MAX;
}

/* What stat() would have said of the file when it was executed, as far as content goes. */
static struct stat stat_of(const struct wire_file *file)
{
	struct stat st = {.st_ino = file->ino, .st_size = (off_t)file->size, .st_nlink = file->nlink};

	st.st_ctim = (struct timespec){file->ctime_s, file->ctime_ns};
	st.st_mtim = (struct timespec){file->mtime_s, file->mtime_ns};
	return st;
}

struct executable *executables_executed(struct executables *x, pid_t pid, const struct wire_file *file, char **path)
{
	struct opened_key key = {(uint64_t)pid, file->ino};
	struct opened *o = table_get(&x->openings, &key, sizeof(key));
	struct stat executed = stat_of(file);
	struct executable *e;

	if (!o)
		return NULL;
	*path = o->path;
	o->path = NULL;
	e = same_content(&o->st, &executed) ? executable_hold(o->file) : executables_without(x, PS_HASH_CHANGED);
	opened_clear(x, o);
	return e;
}

struct executable *executables_without(struct executables *x, enum ps_hash_state state)
{
	if (!x->without[state]) {
		x->without[state] = mem_alloc(sizeof(struct executable));
		*x->without[state] = (struct executable){.state = state, .refs = 1};
	}
	return executable_hold(x->without[state]);
}

/* File systems whose stat() gives another device number than their super block has. */
static bool has_own_devices(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return false;
	return fs.f_type == BTRFS_SUPER_MAGIC || fs.f_type == OVERLAYFS_SUPER_MAGIC || (uint32_t)fs.f_type == 0xca451a4eU;
}

struct executable *executables_of_process(struct executables *x, pid_t pid, const struct wire_file *file, char **path)
{
	struct stat st, executed;
	char link[32];
	int fd;

	*path = NULL;
	if (!file->ino)
		return executables_without(x, PS_HASH_ABSENT);
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return executables_without(x, errno == ENOENT || errno == ESRCH ? PS_HASH_GONE : PS_HASH_UNREADABLE);
	executed = stat_of(file);
	if (fstat(fd, &st) || st.st_ino != file->ino || !same_content(&st, &executed) ||
	    (!has_own_devices(fd) && makedev(file->dev >> 20, file->dev & 0xfffff) != st.st_dev)) {
		close(fd);
		return executables_without(x, PS_HASH_MISMATCH);
	}
	*path = path_of(fd);
	return lookup(x, fd, &st);
}

/* ---- life ---- */

struct executables *executables_open(uv_loop_t *loop, unsigned workers)
{
	struct executables *x = mem_alloc(sizeof(*x));

	x->loop = loop;
	x->workers = workers;
	return x;
}

void executables_close(struct executables *x)
{
	struct executable *e;

	x->cancel = 1;
	while (x->first) {
		struct job *job = x->first;

		x->first = job->next;
		close(job->fd);
		job->file->state = PS_HASH_LATE;
		executable_drop(x, job->file);
		free(job);
	}
	x->last = NULL;
	while (x->running)
		uv_run(x->loop, UV_RUN_ONCE);
	for (size_t i = 0; i < OPENED_MAX; i++)
		opened_clear(x, &x->opened[i]);
	for (size_t at = 0; (e = table_next(&x->files, &at));)
		free(table_remove(&x->files, &e->key, sizeof(e->key)));
	for (size_t i = 0; i <= PS_HASH_LATE; i++)
		free(x->without[i]);
	table_done(&x->files);
	table_done(&x->openings);
	free(x);
}

void executables_get_stats(const struct executables *x, struct executables_stats *stats)
{
	*stats = x->stats;
	stats->known = x->files.n;
}

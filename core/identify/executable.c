/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/executable_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/identify/file.h"
#include "core/identify/hashing.h"
#include "core/identify/openings.h"
#include "core/identify/reader.h"

enum { UNUSED_MAX = 8192 }; /* files in the cache that nobody holds */

/* A hash counts as that of the content only when the file had rested for this long. Where times
 * come in whole seconds, it must be more than two of them. */
#define SETTLE_NS (100 * NS_PER_MS)
#define SETTLE_SECONDS_NS (2100 * NS_PER_MS)

/* A file of which the end of writing is told: its times may not say that it has changed. */
struct guard {
	struct guard_key {
		uint64_t dev, ino;
	} key;
	unsigned marks; /* hashes under way that asked to be told */
	struct executable *first;
};

struct executable_key executable_key_of(const struct stat *st)
{
	return (struct executable_key){
	    .dev = st->st_dev,
	    .ino = st->st_ino,
	    .size = (uint64_t)st->st_size,
	    .ctime_s = st->st_ctim.tv_sec,
	    .ctime_ns = st->st_ctim.tv_nsec,
	};
}

static int64_t age(const struct executable *e, int64_t at_ns)
{
	return at_ns - (e->key.ctime_s * NS_PER_S + e->key.ctime_ns);
}

static void queue_remove(struct executables *x, struct executable *e)
{
	*(e->older ? &e->older->newer : &x->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &x->newest) = e->older;
	e->older = e->newer = NULL;
	x->unused--;
}

/* ---- guards ---- */

static void guard_enter(struct executables *x, struct executable *e)
{
	struct guard_key key = {e->key.dev, e->key.ino};
	struct guard *g = table_get(&x->guards, &key, sizeof(key));

	if (!g) {
		g = mem_alloc(sizeof(*g));
		g->key = key;
		table_add(&x->guards, &g->key, sizeof(g->key), g);
	}
	e->guard = g;
	e->next_guarded = g->first;
	g->first = e;
}

static void guard_leave(struct executables *x, struct executable *e)
{
	struct guard *g = e->guard;
	struct executable **at;

	if (!g)
		return;
	for (at = &g->first; *at != e;)
		at = &(*at)->next_guarded;
	*at = e->next_guarded;
	e->guard = NULL;
	if (g->first)
		return;
	table_remove(&x->guards, &g->key, sizeof(g->key));
	free(g);
}

/* ---- the cache ---- */

void executable_forget(struct executables *x, struct executable *e)
{
	if (!e->in_table)
		return;
	table_remove(&x->files, &e->key, sizeof(e->key));
	e->in_table = false;
	if (e->state != PS_HASH_LATE)
		guard_leave(x, e);
	if (!e->refs) {
		queue_remove(x, e);
		free(e);
	}
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
	/* When nobody runs it, the next of that key may be another. */
	if (e->apart && e->in_table)
		table_remove(&x->files, &e->key, sizeof(e->key));
	if (e->apart || !e->in_table) {
		free(e);
		return;
	}
	e->older = x->newest;
	*(x->newest ? &x->newest->newer : &x->oldest) = e;
	x->newest = e;
	if (++x->unused > UNUSED_MAX)
		executable_forget(x, x->oldest);
}

static void hashed(struct executables *x, struct executable *e, int fd, enum ps_hash_state state,
                   const uint8_t sha256[32])
{
	if (!e->guarded && x->watch && !--e->guard->marks)
		exec_watch_tell_written(x->watch, fd, false);
	if (e->written && state == PS_HASH_OK)
		state = PS_HASH_CHANGED;
	e->state = state;
	if (state == PS_HASH_OK) {
		memcpy(e->sha256, sha256, sizeof(e->sha256));
		x->stats.hashed++;
	} else if (state != PS_HASH_LATE) {
		x->stats.failed++;
	}
	if (!e->guarded || !e->in_table)
		guard_leave(x, e);
	if (state != PS_HASH_OK)
		executable_forget(x, e); /* another execution tries anew */
}

static void on_hashed(void *arg, void *subject, int fd, enum ps_hash_state state, const uint8_t sha256[32])
{
	struct executables *x = arg;

	/* Whatever was written until it was read has been told by now. */
	if (state != PS_HASH_LATE)
		executables_take(x, 0);
	hashed(x, subject, fd, state, sha256);
	executable_drop(x, subject);
}

/* What was written between the look at a file and its mark is not told. Deleting it hides that. */
static void look_again(struct executable *e, int fd, const struct stat *before)
{
	struct stat now;

	if (fstat(fd, &now) || !file_is_same(&now, before, &e->unsure))
		e->written = true;
}

/* Takes fd over. */
static void hash_later(struct executables *x, struct executable *e, int fd, const struct stat *st)
{
	int64_t rest = age(e, clock_wall_ns());
	bool careful = e->guarded || e->timeless || rest < FILE_TICK_NS;

	e->settled = rest > (e->key.ctime_ns ? SETTLE_NS : SETTLE_SECONDS_NS) && (e->guarded || !e->timeless);
	guard_enter(x, e);
	/* First the mark, then the reading: so that nothing is written in between. */
	if (!e->guarded && x->watch && !e->guard->marks++)
		exec_watch_tell_written(x->watch, fd, true);
	look_again(e, fd, st);
	if (S_ISREG(st->st_mode) && hashing_add(x->hashing, e, fd, st, careful)) {
		executable_hold(e);
		return;
	}
	x->stats.refused++;
	hashed(x, e, fd, PS_HASH_UNREADABLE, NULL);
	close(fd);
}

/* The entry for an open file; begins to hash it if it must be. Takes fd over, gives a reference.
 * told: its file system was marked before the file was opened. */
static struct executable *lookup(struct executables *x, int fd, const struct stat *st, bool told)
{
	struct executable_key key = executable_key_of(st);
	struct executable *e = table_get(&x->files, &key, sizeof(key));
	uint32_t magic;

	/* It may have changed again within the same tick. */
	if (e && e->state == PS_HASH_OK && !e->settled) {
		executable_forget(x, e);
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
	magic = file_magic(fd);
	e->timeless = file_is_timeless(fd, magic);
	e->guarded = told && x->watch && exec_watch_tells_written(magic);
	table_add(&x->files, &e->key, sizeof(e->key), e);
	hash_later(x, e, fd, st);
	return e;
}

/* ---- who opened what ---- */

static void on_written(struct executables *x, const struct stat *st)
{
	struct guard_key key = {st->st_dev, st->st_ino};
	struct guard *g = table_get(&x->guards, &key, sizeof(key));
	struct executable *next;

	for (struct executable *e = g ? g->first : NULL; e; e = next) {
		next = e->next_guarded;
		e->written = true;
		executable_forget(x, e);
	}
}

void executables_opened(struct executables *x, pid_t pid, int fd, unsigned what)
{
	struct opening o = {.written = what & EXEC_WRITTEN};

	if (file_stat(fd, &o.st, &o.key.mount)) {
		close(fd);
		return;
	}
	if (what & EXEC_WRITTEN)
		on_written(x, &o.st);
	if (!(what & EXEC_OPENED)) {
		close(fd);
		return;
	}
	o.key.ino = o.st.st_ino;
	o.key.pid = (uint32_t)pid;
	o.path = file_path(fd);
	o.file = lookup(x, fd, &o.st, true);
	openings_add(x->openings, &o);
}

static void on_told(void *arg, pid_t pid, int fd, unsigned what)
{
	struct executables *x = arg;

	if (what & EXEC_OVERFLOW)
		executables_overflowed(x);
	else
		executables_opened(x, pid, fd, what);
}

void executables_take(struct executables *x, unsigned max)
{
	if (x->watch)
		exec_watch_read(x->watch, on_told, x, max);
}

void executables_overflowed(struct executables *x)
{
	struct guard *g;

	/* A later opening of the same file by the same process may be among what is missing. */
	openings_forget(x->openings);
	/* So may be the end of writing, where that is all that tells of a change. */
	for (size_t at = 0; (g = table_next(&x->guards, &at));) {
		struct executable *next;

		for (struct executable *e = g->first; e; e = next) {
			next = e->next_guarded;
			if (!e->timeless)
				continue;
			e->written = true;
			executable_forget(x, e);
		}
	}
}

/* Whether a file is on a file system that is a program, and not this machine's (virtiofs has the same
 * magic number): such ones are not marked. */
static bool is_foreign(const struct executables *x, const struct wire_file *file)
{
	return file_is_foreign(file->magic) && !(x->watch && exec_watch_is_marked(x->watch, file->dev));
}

static bool is_device(const struct executables *x, uint64_t dev, const struct wire_file *file)
{
	uint64_t mask = x->mask;

	/* What such a file system says of a file is not what its super block has. */
	if (x->mask_auto && file_has_own_devices(file->magic))
		return true;
	return !((dev ^ makedev(file->dev >> 20, file->dev & 0xfffff)) & mask);
}

/* The script whose interpreter was opened after it. */
static void find_script(struct executables *x, const struct opening *o, int64_t exec_ns, const char *asked,
                        struct executed *out)
{
	struct opening *script = openings_script(x->openings, o, asked);

	if (!script)
		return;
	/* The interpreter reads it from now on. */
	if (file_changed_ns(&script->st) > exec_ns)
		out->script = executables_without(x, PS_HASH_CHANGED);
	else
		out->script = executable_hold(script->file);
	out->script_path = openings_take(x->openings, script);
}

bool executables_executed(struct executables *x, pid_t pid, const struct wire_file *file, int64_t exec_ns,
                          const char *asked, struct executed *out)
{
	struct stat executed = file_executed(file);
	bool same, unsure;
	struct opening *o = openings_find(x->openings, pid, file, &same);
	struct executable *e = o ? o->file : NULL;

	/* Nobody can change a file while it is executed. Of one that can have changed since, unseen,
	 * that is asked. */
	if (!o || is_foreign(x, file) || !is_device(x, o->st.st_dev, file))
		return false;
	/* Another execution of what was opened once: only if the file is known to be the same still. */
	if (o->taken && !(same && e->in_table))
		return false;
	*out = (struct executed){0};
	unsure = o->written || e->unsure;
	if (!e->guarded) {
		file_is_same(&o->st, &executed, &unsure);
		unsure |= e->timeless || age(e, exec_ns) < FILE_TICK_NS;
	}
	if (same && unsure && !file_is_run_by(file, pid))
		out->flags |= PS_EXE_HASH_UNSURE;
	out->file = same ? executable_hold(e) : executables_without(x, PS_HASH_CHANGED);
	if (asked)
		find_script(x, o, exec_ns, asked, out);
	out->path = openings_take(x->openings, o);
	return true;
}

struct executable *executables_of_fd(struct executables *x, int fd, const struct stat *found)
{
	struct stat st;
	uint32_t mount;

	if (file_stat(fd, &st, &mount)) {
		close(fd);
		return executables_without(x, PS_HASH_UNREADABLE);
	}
	if (!file_is_same(&st, found, NULL)) {
		close(fd);
		return executables_without(x, PS_HASH_CHANGED);
	}
	return lookup(x, fd, &st, false);
}

struct executable *executables_without(struct executables *x, enum ps_hash_state state)
{
	if (!x->without[state]) {
		x->without[state] = mem_alloc(sizeof(struct executable));
		*x->without[state] = (struct executable){.state = state, .refs = 1};
	}
	return executable_hold(x->without[state]);
}

/* ---- those that live ---- */

void executables_of_process(struct executables *x, pid_t pid, const struct wire_file *file, struct executed *out)
{
	struct stat st, executed = file_executed(file);
	bool told = false;
	uint32_t mount;
	char link[32];
	int fd;

	*out = (struct executed){0};
	if (!file->ino) {
		out->file = executables_without(x, PS_HASH_ABSENT);
		return;
	}
	if (x->reader && is_foreign(x, file)) {
		executable_read_apart(x, pid, file, out);
		return;
	}
	/* What is opened from here on is told; this file is not written to before, as it is executed. */
	if (x->watch && !is_foreign(x, file))
		told = exec_watch_cover(x->watch, pid);
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && x->reader && (errno == EACCES || errno == EPERM)) {
		executable_read_apart(x, pid, file, out);
		return;
	}
	if (fd < 0) {
		out->file = executables_without(x, errno == ENOENT || errno == ESRCH ? PS_HASH_GONE : PS_HASH_UNREADABLE);
		return;
	}
	if (file_stat(fd, &st, &mount) || st.st_ino != file->ino || !file_is_same(&st, &executed, NULL) ||
	    (mount && file->mount && mount != file->mount) || !is_device(x, st.st_dev, file)) {
		close(fd);
		out->file = executables_without(x, PS_HASH_MISMATCH);
		return;
	}
	out->path = file_path(fd);
	out->file = lookup(x, fd, &st, told);
}

/* ---- life ---- */

static void drop_opened(void *arg, void *file)
{
	executable_drop(arg, file);
}

struct executables *executables_open(uv_loop_t *loop, unsigned workers, struct exec_watch *watch)
{
	struct executables *x = mem_alloc(sizeof(*x));

	x->loop = loop;
	x->watch = watch;
	x->openings = openings_new(drop_opened, x);
	x->hashing = hashing_open(loop, workers, on_hashed, x);
	executables_set_mask_auto(x);
	return x;
}

void executables_set_mask(struct executables *x, uint32_t mask)
{
	x->mask = mask;
	x->mask_auto = false;
}

void executables_set_mask_auto(struct executables *x)
{
	x->mask = UINT32_MAX;
	x->mask_auto = true;
}

void executables_close(struct executables *x)
{
	struct executable *e;

	hashing_close(x->hashing);
	openings_free(x->openings);
	for (size_t at = 0; (e = table_next(&x->files, &at));) {
		guard_leave(x, e);
		free(table_remove(&x->files, &e->key, sizeof(e->key)));
	}
	for (size_t i = 0; i <= PS_HASH_LATE; i++)
		free(x->without[i]);
	table_done(&x->files);
	table_done(&x->guards);
	free(x);
}

void executables_get_stats(const struct executables *x, struct executables_stats *stats)
{
	*stats = x->stats;
	stats->waiting = hashing_waiting(x->hashing) + (x->reader ? reader_waiting(x->reader) : 0);
	stats->known = x->files.n;
}

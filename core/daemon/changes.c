/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/identify/proc.h"

enum {
	EVENTS = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF,
	BUSY_MS = 100, /* between two turns while there is something to do */
};
/* From what happens to a file until it is looked at: a package manager, or a copy, does several things to one. */
#define SETTLE_NS (200 * NS_PER_MS)

/* A file that somebody runs. */
struct target {
	const struct executable *file; /* the key */
	struct lineage who;            /* the first that ran it */
	uint32_t uid;
	bool script;
	unsigned runners;
	int watch;                     /* inotify's number; -1: none */
	int64_t touched_ns;            /* when something happened to it that was not looked at; 0: nothing */
	bool looking, gone;            /* its path is being opened; there is nothing under it */
	struct executable *last, *now; /* the content that is known; what lies there, until that is hashed */
};

struct runner {
	struct wire_image image;
	uint32_t uid;
	enum ps_program_role role; /* whether it moves bytes itself, or is above who does */
	bool settled;              /* it is known what it runs; until then its script is being looked for */
	bool above;                /* those above it are runners, too, as far as they live */
	struct target *targets[2]; /* the executable, the script; NULL: none */
};

struct changes {
	struct executables *executables;
	struct processes *processes;
	struct first_seen *first_seen;
	struct losses *losses;
	struct scripts *looks;
	struct table targets; /* struct executable * -> struct target */
	struct table runners; /* wire_image -> struct runner */
	int fd;               /* inotify's; -1: none */
	pid_t home;           /* who sees the files that the machine has */
	bool full, refused;   /* since the last tick */
	bool told_refused;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned handles;
	void (*closed)(void *arg);
	void *arg;
};

/* ---- targets ---- */

static void unwatch(struct changes *c, struct target *t)
{
	struct target *other;
	int watch = t->watch;

	t->watch = -1;
	if (watch < 0)
		return;
	/* One file may be two targets: as it was, and as it is. */
	for (size_t at = 0; (other = table_next(&c->targets, &at));)
		if (other->watch == watch)
			return;
	inotify_rm_watch(c->fd, watch);
}

static void target_free(struct changes *c, struct target *t)
{
	executable_drop(c->executables, t->last);
	executable_drop(c->executables, t->now);
	lineage_drop(c->processes, &t->who);
	free(t);
}

/* What is being looked for is freed when that is found. */
static void target_leave(struct changes *c, struct target *t)
{
	if (!t || --t->runners)
		return;
	table_remove(&c->targets, &t->file, sizeof(t->file));
	unwatch(c, t);
	if (!t->looking)
		target_free(c, t);
}

static struct target *target_enter(struct changes *c, const struct lineage *who, uint32_t uid, bool script)
{
	struct executable *file = script ? who->self->script_file : who->self->file;
	struct ps_text path = script ? who->self->script : who->self->path;
	struct target *t;

	if (!file || !path.len || *path.data != '/' || (file->state != PS_HASH_OK && file->state != PS_HASH_LATE))
		return NULL;
	t = table_get(&c->targets, &file, sizeof(struct executable *));
	if (!t && c->targets.n >= CHANGES_FILES_MAX) {
		c->full = true;
		return NULL;
	}
	if (!t) {
		t = mem_alloc(sizeof(*t));
		*t = (struct target){.file = file, .who = *who, .uid = uid, .script = script, .watch = -1};
		t->last = executable_hold(file);
		t->touched_ns = clock_monotonic_ns();
		lineage_hold(who);
		table_add(&c->targets, &t->file, sizeof(t->file), t);
	}
	t->runners++;
	return t;
}

/* A process that runs it now, and of these one that is next to the traffic; NULL: there is none any more. */
static const struct runner *runner_of(struct changes *c, const struct target *t)
{
	const struct runner *best = NULL;
	struct runner *r;

	for (size_t at = 0; (!best || best->role != PS_ROLE_SELF) && (r = table_next(&c->runners, &at));)
		if ((r->targets[0] == t || r->targets[1] == t) && (!best || r->role < best->role) &&
		    processes_lives(c->processes, &r->image) && proc_is((pid_t)r->image.tgid, r->image.start))
			best = r;
	return best;
}

/* ---- looking ---- */

static void look(struct changes *c, struct target *t)
{
	const struct runner *r = runner_of(c, t);
	const struct program *p = t->who.self;
	struct start from = {.exec_ns = INT64_MAX};

	t->touched_ns = 0;
	if (!r || t->file->state != PS_HASH_OK)
		return;
	/* A path of its own mount namespace is looked up there. Else not: the process may have another root by now. */
	if (p->flags & PS_EXE_PATH_ELSEWHERE) {
		from.pid = (pid_t)r->image.tgid;
		from.process_ns = r->image.start;
	} else {
		from.pid = c->home;
	}
	t->looking = scripts_ask(c->looks, &from, t->script ? p->script : p->path, t);
	if (!t->looking)
		t->touched_ns = clock_monotonic_ns(); /* no room: once more */
}

static void tell(struct changes *c, struct target *t, enum ps_hash_state state, const uint8_t *now)
{
	const struct runner *r = runner_of(c, t);

	if (r)
		first_seen_changed(c->first_seen, &t->who, t->uid, r->role, t->script, state, now);
}

static void on_look(void *arg, void *subject, const struct opened_script *o)
{
	struct target *t = subject;
	struct changes *c = arg;
	char link[32];
	int watch;

	t->looking = false;
	if (o->apart)
		apart_free(o->apart);
	if (!t->runners) {
		if (o->fd >= 0)
			close(o->fd);
		target_free(c, t);
		return;
	}
	if (o->fd < 0) {
		/* What cannot be opened (a FUSE file, say) is not watched. */
		if (o->why == PS_HASH_GONE && !t->gone)
			tell(c, t, o->why, NULL);
		t->gone = o->why == PS_HASH_GONE;
		return;
	}
	t->gone = false;
	/* First the watch, then the reading: so that nothing happens in between. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", o->fd);
	watch = inotify_add_watch(c->fd, link, EVENTS);
	c->refused |= watch < 0;
	if (watch != t->watch)
		unwatch(c, t);
	t->watch = watch;
	t->now = executables_of_fd(c->executables, o->fd, &o->st);
}

static void drop_look(void *arg, void *subject)
{
	struct target *t = subject;

	t->looking = false;
	if (!t->runners)
		target_free(arg, t);
}

static void judge(struct changes *c, struct target *t)
{
	struct executable *now = t->now;

	t->now = NULL;
	if (now->state == PS_HASH_CHANGED)
		t->touched_ns = clock_monotonic_ns(); /* somebody is at it */
	if (now->state != PS_HASH_OK || memcmp(now->sha256, t->last->sha256, sizeof(now->sha256)) == 0) {
		executable_drop(c->executables, now);
		return;
	}
	tell(c, t, PS_HASH_OK, now->sha256);
	executable_drop(c->executables, t->last);
	t->last = now;
}

static void on_timer(uv_timer_t *timer);

/* Does what there is to do, and comes back if there is more. */
static void work(struct changes *c)
{
	int64_t now = clock_monotonic_ns();
	struct target *t;
	bool busy = false;

	if (!first_seen_memory(c->first_seen)) {
		uv_timer_start(&c->timer, on_timer, BUSY_MS, 0);
		return;
	}
	scripts_take(c->looks);
	for (size_t at = 0; (t = table_next(&c->targets, &at));) {
		if (t->now && t->now->state != PS_HASH_LATE)
			judge(c, t);
		if (t->touched_ns && !t->looking && !t->now && t->file->state != PS_HASH_LATE &&
		    now - t->touched_ns >= SETTLE_NS)
			look(c, t);
		busy |= t->touched_ns || t->looking || t->now;
	}
	if (busy)
		uv_timer_start(&c->timer, on_timer, BUSY_MS, 0);
}

/* ---- events ---- */

/* watch: inotify's number; -1: all. */
static void touch(struct changes *c, int watch, bool ended)
{
	struct target *t;

	for (size_t at = 0; (t = table_next(&c->targets, &at));) {
		if (watch >= 0 && t->watch != watch)
			continue;
		if (ended)
			t->watch = -1;
		if (!t->touched_ns)
			t->touched_ns = clock_monotonic_ns();
	}
}

static void read_events(struct changes *c)
{
	_Alignas(struct inotify_event) char data[4096];
	int before = -1;
	ssize_t n;

	while ((n = read(c->fd, data, sizeof(data))) > 0)
		for (char *at = data; at < data + n;) {
			const struct inotify_event *e = (void *)at;

			if (e->wd < 0 || e->wd != before || e->mask & IN_IGNORED)
				touch(c, e->wd, e->mask & IN_IGNORED);
			before = e->wd;
			at += sizeof(*e) + e->len;
		}
}

/* Someone may write to a file without end: after a look at the events there is a pause. */
static void on_events(uv_poll_t *poll, int status, int events)
{
	struct changes *c = poll->data;

	(void)status;
	(void)events;
	uv_poll_stop(poll);
	uv_timer_start(&c->timer, on_timer, BUSY_MS, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct changes *c = timer->data;

	read_events(c);
	uv_poll_start(&c->poll, UV_READABLE, on_events);
	work(c);
}

/* ---- who runs what ---- */

/* As long as its script is being looked for, this is to be done again. */
static void settle(struct changes *c, struct runner *r)
{
	struct lineage who;

	if (processes_find(c->processes, &r->image, &who) && who.self->interned) {
		r->targets[0] = target_enter(c, &who, r->uid, false);
		r->targets[1] = target_enter(c, &who, r->uid, true);
		r->settled = true;
	}
	lineage_drop(c->processes, &who);
}

/* NULL: it has ended, or there is no room. */
static struct runner *runner_enter(struct changes *c, const struct wire_image *image, uint32_t uid,
                                   enum ps_program_role role)
{
	struct runner *r = table_get(&c->runners, image, sizeof(*image));

	if (!r && !processes_lives(c->processes, image))
		return NULL;
	if (!r && c->runners.n >= CHANGES_PROCESSES_MAX) {
		c->full = true;
		return NULL;
	}
	if (!r) {
		r = mem_alloc(sizeof(*r));
		*r = (struct runner){.image = *image, .uid = uid, .role = role};
		table_add(&c->runners, &r->image, sizeof(r->image), r);
		settle(c, r);
	} else if (role < r->role) {
		r->role = role;
	}
	return r;
}

void changes_see(struct changes *c, const struct wire_image *image, uint32_t uid)
{
	struct runner *r = table_get(&c->runners, image, sizeof(*image));
	struct wire_image above[2];

	/* Whoever has those above him moves bytes himself. */
	if (c->fd < 0 || (r && r->above))
		return;
	r = runner_enter(c, image, uid, PS_ROLE_SELF);
	if (!r || !processes_above(c->processes, image, above))
		return;
	runner_enter(c, &above[0], uid, PS_ROLE_PARENT);
	runner_enter(c, &above[1], uid, PS_ROLE_GRANDPARENT);
	r->above = true;
}

static void runner_free(struct changes *c, struct runner *r)
{
	table_remove(&c->runners, &r->image, sizeof(r->image));
	target_leave(c, r->targets[0]);
	target_leave(c, r->targets[1]);
	free(r);
}

void changes_tick(struct changes *c)
{
	struct runner *r;

	if (c->fd < 0)
		return;
	for (size_t at = 0; (r = table_next(&c->runners, &at));)
		if (!processes_lives(c->processes, &r->image))
			runner_free(c, r);
		else if (!r->settled)
			settle(c, r);
	if (c->full)
		losses_add(c->losses, PS_STAGE_MEMORY, 1, 0, 0,
		           "drains with more running programs than %d, or %d processes: whether the files of others change is "
		           "not seen",
		           CHANGES_FILES_MAX, CHANGES_PROCESSES_MAX);
	if (c->refused && !c->told_refused)
		losses_add(c->losses, PS_STAGE_MEMORY, 1, 0, 0,
		           "the kernel gives no more watches (fs.inotify.max_user_watches): whether the files of some running "
		           "programs change is not seen");
	c->told_refused |= c->refused;
	c->full = c->refused = false;
	if (!uv_is_active((uv_handle_t *)&c->timer))
		work(c);
}

/* ---- life ---- */

struct changes *changes_open(uv_loop_t *loop, struct executables *executables, struct processes *processes,
                             struct first_seen *first_seen, struct losses *losses)
{
	struct changes *c = mem_alloc(sizeof(*c));
	int root = open("/proc/1/root", O_PATH | O_CLOEXEC);

	c->executables = executables;
	c->processes = processes;
	c->first_seen = first_seen;
	c->losses = losses;
	/* A unit may have a mount namespace of its own, where less is seen. */
	c->home = root >= 0 ? 1 : getpid();
	if (root >= 0)
		close(root);
	c->looks = scripts_open(loop, on_look, c);
	c->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (c->fd < 0)
		losses_add(losses, PS_STAGE_MEMORY, 1, 0, 0,
		           "inotify cannot be used (%s): whether the files of running programs change is not seen",
		           strerror(errno));
	uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	c->handles = 1;
	if (c->fd >= 0 && !uv_poll_init(loop, &c->poll, c->fd)) {
		c->poll.data = c;
		c->handles++;
		uv_poll_start(&c->poll, UV_READABLE, on_events);
	}
	return c;
}

static void handle_closed(uv_handle_t *handle)
{
	struct changes *c = handle->data;
	void (*closed)(void *) = c->closed;
	void *arg = c->arg;

	if (--c->handles)
		return;
	if (c->fd >= 0)
		close(c->fd);
	free(c);
	closed(arg);
}

void changes_close(struct changes *c, void (*closed)(void *), void *arg)
{
	struct runner *r;

	for (size_t at = 0; (r = table_next(&c->runners, &at));)
		runner_free(c, r);
	scripts_close(c->looks, drop_look, c);
	table_done(&c->runners);
	table_done(&c->targets);
	c->closed = closed;
	c->arg = arg;
	if (c->handles > 1)
		uv_close((uv_handle_t *)&c->poll, handle_closed);
	uv_close((uv_handle_t *)&c->timer, handle_closed);
}

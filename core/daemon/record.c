/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/record.h"

#include <errno.h>
#include <grp.h>
#include <jansson.h>
#include <malloc.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/daemon/record_file.h"
#include "core/ledger/memory_json.h"
#include "core/ledger/memory_order.h"

enum { LOCK_MS = 5000 };
#define SAVE_NS (5 * NS_PER_S)
#define TIMES_NS (600 * NS_PER_S) /* when only the times of the last sighting have changed */

struct record {
	uv_loop_t *loop;
	struct first_seen *first_seen;
	struct losses *losses;
	struct journal *journal;
	void (*loaded)(void *arg);
	void *arg;
	char *folder;
	struct record_owner owner;
	uv_work_t work;
	bool working;
	/* the worker's, while it works */
	int lock; /* -errno: this daemon may not write the file */
	struct memory *memory;
	char *aside, why[RECORD_WHY];
	int err;
	/* what is in the file */
	uint64_t changes, sightings;
	struct memory_stats saving;
	bool failed, urgent;
	int64_t due_ns, times_due_ns;
};

/* ---- loading ---- */

static void load_work(uv_work_t *work)
{
	struct record *r = work->data;

	r->lock = record_lock(r->folder, LOCK_MS);
	r->err = record_load(r->folder, r->lock >= 0, &r->memory, &r->aside, r->why);
}

static void load_done(uv_work_t *work, int status)
{
	struct record *r = work->data;
	struct memory_stats stats;

	(void)status;
	r->working = false;
	if (r->lock < 0)
		losses_add(r->losses, PS_STAGE_MEMORY, 1, 0, 0,
		           "%s/" RECORD_FILE " is in use (%s): what is new is told, but forgotten at the next start", r->folder,
		           strerror(-r->lock));
	if (r->aside)
		losses_add(
		    r->losses, PS_STAGE_MEMORY, 1, 0, 0,
		    "the memory of known programs cannot be used, and was set aside as %s: every program is new again (%s)",
		    r->aside, r->why);
	else if (r->err)
		losses_add(r->losses, PS_STAGE_MEMORY, 1, 0, 0,
		           "the memory of known programs cannot be used: every program is new again (%s)", r->why);
	free(r->aside);
	r->aside = NULL;
	if (!r->memory)
		r->memory = memory_open();
	memory_get_stats(r->memory, &stats);
	r->changes = stats.changes;
	r->sightings = stats.sightings;
	first_seen_loaded(r->first_seen, r->memory);
	r->memory = NULL;
	r->times_due_ns = clock_monotonic_ns() + TIMES_NS;
	malloc_trim(0); /* the file's text, taken apart, was ten times its size */
	r->loaded(r->arg);
}

struct record *record_open(uv_loop_t *loop, const struct settings *s, struct first_seen *first_seen,
                           struct losses *losses, struct journal *journal, void (*loaded)(void *), void *arg)
{
	struct record *r = mem_alloc(sizeof(*r));
	struct passwd *user = getpwnam(s->data.owner);
	struct group *group = getgrnam(s->data.group);

	r->loop = loop;
	r->first_seen = first_seen;
	r->losses = losses;
	r->journal = journal;
	r->loaded = loaded;
	r->arg = arg;
	r->folder = mem_strdup(s->paths.state);
	r->owner = (struct record_owner){geteuid(), getegid(), s->data.mode};
	if (!geteuid() && user)
		r->owner.uid = user->pw_uid;
	if (!geteuid() && group)
		r->owner.gid = group->gr_gid;
	r->work.data = r;
	r->working = true;
	if (uv_queue_work(loop, &r->work, load_work, load_done))
		abort(); /* only without a function to run */
	return r;
}

/* ---- writing ---- */

static void save_work(uv_work_t *work)
{
	struct record *r = work->data;

	r->err = record_save(r->folder, &r->owner, r->memory, r->why);
	memory_close(r->memory);
	r->memory = NULL;
}

static void saved(struct record *r)
{
	int64_t now = clock_monotonic_ns();

	r->due_ns = now + SAVE_NS;
	if (r->err) {
		if (!r->failed)
			losses_add(r->losses, PS_STAGE_MEMORY, 1, 0, 0,
			           "the memory of known programs: %s; it is tried again, and what is new is kept until then",
			           r->why);
		r->failed = true;
		return;
	}
	if (r->failed)
		losses_tell(r->losses, PS_STAGE_MEMORY, 0, 0, "the memory of known programs can be written again");
	r->failed = false;
	r->changes = r->saving.changes;
	r->sightings = r->saving.sightings;
	r->times_due_ns = now + TIMES_NS;
}

static void save_done(uv_work_t *work, int status)
{
	struct record *r = work->data;

	(void)status;
	r->working = false;
	saved(r);
}

/* Whether there is something to write, and it may be. Notes what that is. */
static bool has_news(struct record *r, int64_t now)
{
	const struct memory *memory = first_seen_memory(r->first_seen);

	if (!memory || r->lock < 0)
		return false;
	memory_get_stats(memory, &r->saving);
	return r->saving.changes != r->changes || (r->saving.sightings != r->sightings && now >= r->times_due_ns);
}

void record_tick(struct record *r)
{
	int64_t now = clock_monotonic_ns();

	if (r->working || (now < r->due_ns && !r->urgent) || !has_news(r, now))
		return;
	/* A program that is in the file is not told again: at first it must have been told durably. */
	if (first_seen_waiting_notes(r->first_seen) || journal_queued(r->journal))
		return;
	r->urgent = false;
	r->memory = memory_clone(first_seen_memory(r->first_seen));
	r->working = true;
	if (uv_queue_work(r->loop, &r->work, save_work, save_done))
		abort();
}

void record_close(struct record *r, bool save)
{
	if (!r)
		return;
	while (r->working)
		uv_run(r->loop, UV_RUN_ONCE);
	if (save && has_news(r, INT64_MAX)) {
		r->err = record_save(r->folder, &r->owner, first_seen_memory(r->first_seen), r->why);
		if (r->err)
			log_error("the memory of known programs: %s; what was new in this run is forgotten", r->why);
	}
	if (r->lock >= 0)
		close(r->lock);
	free(r->folder);
	free(r);
}

/* ---- answering ---- */

static char *answer_error(const char *text)
{
	json_t *root = json_pack("{s:s}", "error", text);
	char *line = json_dumps(root, JSON_COMPACT);

	json_decref(root);
	return line;
}

static char *answer_file(const struct memory *memory)
{
	struct buf text;

	buf_init(&text);
	memory_write(memory, &text);
	buf_put_u8(&text, 0);
	return (char *)text.data;
}

char *record_answer(struct record *r, const char *request, bool root)
{
	struct memory *memory = first_seen_memory(r->first_seen);
	struct memory_order order;
	const char *why = NULL;
	struct arena arena;
	long n;

	if (!memory)
		return answer_error("the memory is being loaded: try again");
	if (!*request)
		return answer_file(memory);
	if (!root)
		return answer_error("only root may change what is remembered");
	arena_init(&arena);
	n = memory_order_read(&order, &arena, request);
	if (n)
		why = "the order is not understood: is the daemon of another version?";
	else
		n = memory_obey(memory, &order, &why);
	arena_done(&arena);
	if (n < 0)
		return answer_error(why);
	r->urgent = true;
	record_tick(r);
	return mem_printf("{\"changed\": %ld}", n);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/first_seen.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/table.h"

/* How long a new executable waits for its hash before it is told without. Whether a known one has changed
 * is waited for until its hash is there, or cannot be had. */
#define PATIENCE_NS (3 * NS_PER_S)

struct waiting {
	struct waiting_key {
		struct program *program;
		uint32_t role, script;
	} key;
	struct lineage who;
	uint32_t uid;
	int64_t until_ns; /* 0: it has been told already, only its hash is missing */
	struct waiting *next;
};

struct first_seen {
	struct processes *processes;
	struct losses *losses;
	struct memory *memory;
	struct table index; /* waiting_key -> struct waiting */
	struct waiting *first, **last;
	struct first_note *notes;
	size_t n_notes, room;
	struct first_seen_stats stats;
	struct memory_stats told; /* what it has been said that the memory forgot */
};

struct first_seen *first_seen_open(struct processes *processes, struct losses *losses)
{
	struct first_seen *f = mem_alloc(sizeof(*f));

	f->processes = processes;
	f->losses = losses;
	f->last = &f->first;
	return f;
}

/* ---- notes ---- */

static struct first_note *note_add(struct first_seen *f, const struct lineage *who, uint32_t uid,
                                   enum ps_program_event event, enum ps_program_role role, bool script, bool expected)
{
	struct first_note *note;

	f->stats.told++;
	f->stats.expected += expected;
	if (f->n_notes == FIRST_NOTES_MAX) {
		losses_add(f->losses, PS_STAGE_MEMORY, 1, 0, 0,
		           "new or changed programs that were not told, as the journal has not taken %d others yet",
		           FIRST_NOTES_MAX);
		return NULL;
	}
	if (f->n_notes == f->room) {
		f->room = f->room ? 2 * f->room : 16;
		f->notes = mem_resize(f->notes, f->room * sizeof(*f->notes));
	}
	note = &f->notes[f->n_notes++];
	*note = (struct first_note){
	    .who = *who,
	    .at_ns = clock_wall_ns(),
	    .uid = uid,
	    .event = event,
	    .role = role,
	    .script = script,
	    .expected = expected,
	};
	lineage_hold(&note->who);
	return note;
}

size_t first_seen_waiting_notes(const struct first_seen *f)
{
	return f->n_notes;
}

const struct first_note *first_seen_note(const struct first_seen *f, size_t i)
{
	return &f->notes[i];
}

void first_seen_taken(struct first_seen *f)
{
	for (size_t i = 0; i < f->n_notes; i++)
		lineage_drop(f->processes, &f->notes[i].who);
	free(f->notes);
	f->notes = NULL;
	f->n_notes = f->room = 0;
}

/* ---- asking ---- */

/* The file that is remembered: of the program, or of its script (NULL: it has none). */
static const struct executable *file_of(const struct program *p, bool script)
{
	return script ? p->script_file : p->file;
}

static bool is_late(const struct program *p, bool script)
{
	const struct executable *file = file_of(p, script);

	return file && file->state == PS_HASH_LATE;
}

/* A script has the name of its file. What could not be found is told by an alert. */
static bool describe_script(const struct program *p, enum ps_program_role role, struct memory_sighting *s)
{
	const char *slash = memrchr(p->script.data, '/', p->script.len);

	if (!p->script_file || (!is_late(p, true) && (!slash || slash == p->script.data + p->script.len - 1)))
		return false;
	*s = (struct memory_sighting){.path = p->script, .role = role};
	s->name.data = slash ? slash + 1 : p->script.data;
	s->name.len = (uint32_t)(p->script.data + p->script.len - s->name.data);
	return true;
}

/* False if it is nobody that can be remembered: not known at all, which an alert says. */
static bool describe(const struct program *p, enum ps_program_role role, bool script, struct memory_sighting *s)
{
	const char *slash;

	if (script)
		return describe_script(p, role, s);
	*s = (struct memory_sighting){.path = p->path, .name = p->name, .role = role};
	if (p->path.len)
		return true;
	/* A kernel thread, as one who talks. What follows a slash is a number: kworker/0:1. */
	if (role != PS_ROLE_SELF || !p->name.len || p->file->state != PS_HASH_ABSENT)
		return false;
	slash = memchr(p->name.data, '/', p->name.len);
	if (slash)
		s->name.len = (uint32_t)(slash - p->name.data);
	return true;
}

static void look_up(struct first_seen *f, const struct lineage *who, uint32_t uid, enum ps_program_role role,
                    bool script)
{
	const struct executable *file = file_of(who->self, script);
	struct first_note *note = NULL;
	struct memory_sighting s;
	struct memory_news news;

	if (!describe(who->self, role, script, &s))
		return;
	s.at_s = clock_wall_ns() / NS_PER_S;
	s.sha256 = file->state == PS_HASH_OK ? file->sha256 : NULL;
	if (!memory_see(f->memory, &s, &news))
		return;
	if (news.exe)
		note_add(f, who, uid, PS_PROGRAM_NEW_EXE, role, script, news.exe_expected);
	if (news.name)
		note_add(f, who, uid, PS_PROGRAM_NEW_NAME, role, script, news.name_expected);
	if (news.hash)
		note = note_add(f, who, uid, PS_PROGRAM_NEW_HASH, role, script, news.hash_expected);
	if (note)
		memcpy(note->previous, news.previous, sizeof(note->previous));
}

static void wait_for(struct first_seen *f, const struct lineage *who, uint32_t uid, enum ps_program_role role,
                     bool script)
{
	struct waiting_key key = {who->self, role, script};
	struct waiting *w;

	if (table_get(&f->index, &key, sizeof(key)))
		return;
	if (f->index.n >= FIRST_WAITING_MAX) {
		losses_add(f->losses, PS_STAGE_MEMORY, 1, 0, 0,
		           "programs that could not wait for their SHA-256: whether they have changed is not known");
		if (f->memory)
			look_up(f, who, uid, role, script);
		return;
	}
	w = mem_alloc(sizeof(*w));
	*w = (struct waiting){.key = key, .who = *who, .uid = uid, .until_ns = clock_monotonic_ns() + PATIENCE_NS};
	lineage_hold(&w->who);
	table_add(&f->index, &w->key, sizeof(w->key), w);
	*f->last = w;
	f->last = &w->next;
}

static void ask(struct first_seen *f, struct lineage who, uint32_t uid, enum ps_program_role role, uint32_t window)
{
	struct memory_sighting ignored;
	struct program *p = who.self;

	if (!p || p->asked[role] == window)
		return;
	p->asked[role] = window;
	for (int script = 0; script < 2; script++) {
		if (!describe(p, role, script, &ignored))
			continue;
		if (!f->memory || is_late(p, script))
			wait_for(f, &who, uid, role, script);
		else
			look_up(f, &who, uid, role, script);
	}
}

void first_seen_ask(struct first_seen *f, const struct lineage *l, uint32_t uid, uint32_t window)
{
	ask(f, *l, uid, PS_ROLE_SELF, window);
	ask(f, (struct lineage){l->parent, l->grandparent, NULL, NULL}, uid, PS_ROLE_PARENT, window);
	ask(f, (struct lineage){l->grandparent, NULL, NULL, NULL}, uid, PS_ROLE_GRANDPARENT, window);
}

void first_seen_changed(struct first_seen *f, const struct lineage *who, uint32_t uid, enum ps_program_role role,
                        bool script, enum ps_hash_state state, const uint8_t now[32])
{
	const struct executable *file = file_of(who->self, script);
	struct ps_text path = script ? who->self->script : who->self->path;
	struct memory_exe *e = f->memory ? memory_find(f->memory, path) : NULL;
	struct first_note *note;

	if (!e || !e->roles)
		return;
	note = note_add(f, who, uid, PS_PROGRAM_CHANGED, role, script, e->expected);
	if (!note)
		return;
	note->state = now ? PS_HASH_OK : state;
	if (now)
		memcpy(note->sha256, now, sizeof(note->sha256));
	if (file->state == PS_HASH_OK)
		memcpy(note->previous, file->sha256, sizeof(note->previous));
}

/* ---- those that wait ---- */

/* What was forgotten for want of room will be told as new when it comes again: that is said. */
static void tell_forgotten(struct first_seen *f)
{
	struct memory_stats now;

	memory_get_stats(f->memory, &now);
	if (now.forgot_exes != f->told.forgot_exes)
		losses_add(
		    f->losses, PS_STAGE_MEMORY, now.forgot_exes - f->told.forgot_exes, 0, 0,
		    "executables that were seen longest ago were forgotten, as there is room for %d, or %d MiB: they will "
		    "be new again",
		    MEMORY_EXES_MAX, MEMORY_BYTES_MAX >> 20);
	if (now.forgot_names != f->told.forgot_names)
		losses_add(f->losses, PS_STAGE_MEMORY, now.forgot_names - f->told.forgot_names, 0, 0,
		           "names of executables that have more than %d: they will be new again", MEMORY_NAMES_MAX);
	if (now.forgot_hashes != f->told.forgot_hashes)
		losses_add(f->losses, PS_STAGE_MEMORY, now.forgot_hashes - f->told.forgot_hashes, 0, 0,
		           "SHA-256s of executables that had more than %d: they will be new again", MEMORY_HASHES_MAX);
	f->told = now;
}

bool first_seen_check(struct first_seen *f, int final)
{
	int64_t now = clock_monotonic_ns();
	struct waiting **at = &f->first, *w;
	bool soon = false;

	if (!f->memory)
		return f->first;
	while ((w = *at)) {
		bool late = is_late(w->key.program, w->key.script), due = !late || final || (w->until_ns && now >= w->until_ns);

		if (due) {
			look_up(f, &w->who, w->uid, (enum ps_program_role)w->key.role, w->key.script);
			w->until_ns = 0;
		}
		soon |= late && w->until_ns;
		if (late && !final) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		table_remove(&f->index, &w->key, sizeof(w->key));
		lineage_drop(f->processes, &w->who);
		free(w);
	}
	f->last = at;
	tell_forgotten(f);
	return soon;
}

/* ---- life ---- */

void first_seen_loaded(struct first_seen *f, struct memory *memory)
{
	f->memory = memory;
	memory_get_stats(memory, &f->told);
}

struct memory *first_seen_memory(const struct first_seen *f)
{
	return f->memory;
}

void first_seen_close(struct first_seen *f)
{
	struct waiting *w;

	if (!f)
		return;
	first_seen_taken(f);
	while ((w = f->first)) {
		f->first = w->next;
		lineage_drop(f->processes, &w->who);
		free(w);
	}
	table_done(&f->index);
	memory_close(f->memory);
	free(f);
}

void first_seen_get_stats(const struct first_seen *f, struct first_seen_stats *stats)
{
	*stats = f->stats;
	stats->waiting = f->index.n;
}

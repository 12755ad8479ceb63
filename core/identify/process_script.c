/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From how a process was started to the script that it runs: one of which the kernel says that it was
 * executed, or which stands on the command line of an interpreter. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/identify/process_inside.h"
#include "core/identify/reader.h"
#include "core/identify/script.h"

/* A program that a script names as its interpreter, and that starts the interpreter (env), does so within this
 * time. */
#define HANDED_ON_NS NS_PER_S

/* A script that is being opened. */
struct opening_script {
	struct wire_image image; /* of which the program is what it is */
	struct program *program;
};

/* The word of a command line that is `want`, or begins with it. */
static bool find_word(struct ps_text args, struct ps_text want, bool begins, struct ps_text *word)
{
	const char *at = args.data, *end = args.data + args.len, *stop;

	for (; at < end && (stop = memchr(at, 0, (size_t)(end - at))); at = stop + 1) {
		size_t n = (size_t)(stop - at);

		if ((begins ? n < want.len : n != want.len) || memcmp(at, want.data, want.len) != 0)
			continue;
		*word = (struct ps_text){at, (uint32_t)n};
		return true;
	}
	return false;
}

/* The path of the script that a program was started on, as it was given. asked: what the kernel was given, if it
 * handed that to an interpreter; or "". */
static bool find_script(const struct program *is, const char *asked, struct ps_text *path)
{
	if (!*asked)
		return script_of_args(is->path.data, is->cmdline, !(is->flags & PS_EXE_CMDLINE_CUT), path) == SCRIPT_FOUND;
	*path = text_of(asked);
	/* The kernel tells only its beginning; the interpreter has all of it. */
	if (path->len == WIRE_FILENAME - 1)
		find_word(is->cmdline, *path, true, path);
	return true;
}

/* The program before, if it was started on the same script: "#!/usr/bin/env python3" makes "env python3 PATH", and
 * that "python3 PATH". */
static struct program *handed_on(struct processes *ps, const struct image *image, struct ps_text path)
{
	const struct start *now = image->start, *then;
	struct wire_image id = image->id;
	struct image *before;
	struct ps_text word;

	id.exec_id--;
	before = image_find(ps, &id);
	then = before ? before->start : NULL;
	if (!then || !*then->asked || !before->lineage.self->interned || now->exec_ns - then->exec_ns > HANDED_ON_NS ||
	    memcmp(&now->cwd, &then->cwd, sizeof(now->cwd)) != 0 ||
	    memcmp(&now->root, &then->root, sizeof(now->root)) != 0 ||
	    !find_word(before->lineage.self->cmdline, path, false, &word))
		return NULL;
	return before->lineage.self;
}

struct program *script_find(struct processes *ps, struct image *image, struct program *is)
{
	struct opening_script *o;
	struct program *before;

	if (!find_script(is, image->start->asked, &is->script)) {
		is->script = text_of("");
		free(image->start);
		image->start = NULL;
		return roster_get(ps->roster, is);
	}
	before = *image->start->asked ? NULL : handed_on(ps, image, is->script);
	if (before) {
		is->script = before->script;
		is->script_file = executable_hold(before->script_file);
		is->flags |= before->flags & PS_EXE_SCRIPT_UNSURE;
		return roster_get(ps->roster, is);
	}
	o = mem_alloc(sizeof(*o));
	o->image = image->id;
	if (!scripts_ask(ps->scripts, image->start, is->script, o)) {
		free(o);
		is->script_file = executables_without(ps->executables, PS_HASH_UNREADABLE);
		return roster_get(ps->roster, is);
	}
	is->script_file = executables_without(ps->executables, PS_HASH_LATE);
	o->program = roster_get_apart(ps->roster, is);
	program_hold(o->program);
	return o->program;
}

void script_forget(void *arg, void *subject)
{
	struct opening_script *o = subject;
	struct processes *ps = arg;

	program_drop(ps->roster, o->program);
	free(o);
}

/* path: NULL or "": as it was given. */
static void settle(struct processes *ps, struct opening_script *o, struct executable *file, const char *path,
                   uint8_t flags)
{
	struct program *p = o->program;
	struct image *image;

	roster_settle(ps->roster, p, path && *path ? text_of(path) : p->script, file, flags);
	image = image_find(ps, &o->image);
	if (image && image->lineage.self == p) {
		image->lineage.self = roster_settled(ps->roster, p);
		program_drop(ps->roster, p);
	}
	script_forget(ps, o);
}

static void on_read(void *arg, void *subject, enum ps_hash_state state, const uint8_t sha256[32], const char *path)
{
	struct processes *ps = arg;

	settle(ps, subject, executables_read(ps->executables, state, sha256), path,
	       state == PS_HASH_OK ? PS_EXE_SCRIPT_UNSURE : 0);
}

void script_found(void *arg, void *subject, const struct opened_script *o)
{
	struct processes *ps = arg;
	struct reader *reader = executables_reader(ps->executables);
	struct executable *file;

	if (o->apart && reader) {
		reader_add(reader, o->apart, on_read, ps, subject);
		return;
	}
	if (o->apart)
		apart_free(o->apart);
	file = o->fd < 0 ? executables_without(ps->executables, o->why) : executables_of_fd(ps->executables, o->fd, &o->st);
	settle(ps, subject, file, o->path, 0);
}

void processes_take(struct processes *ps)
{
	scripts_take(ps->scripts);
}

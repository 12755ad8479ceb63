/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/openings.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/identify/file.h"

enum {
	OPENINGS_MAX = 8192,
	SAME_KEY_MAX = 8,
	SCRIPT_MAX = 1024, /* openings, of all processes, between that of a script and that of its interpreter */
};

struct openings {
	struct opening all[OPENINGS_MAX]; /* a ring */
	size_t next;
	struct table by_key; /* opening_key -> the latest struct opening */
	void (*drop)(void *arg, void *file);
	void *arg;
};

/* Takes one out of the chain of its key. */
static void clear(struct openings *os, struct opening *o)
{
	struct opening *latest, *at;

	if (!o->used)
		return;
	latest = table_get(&os->by_key, &o->key, sizeof(o->key));
	if (latest == o) {
		table_remove(&os->by_key, &o->key, sizeof(o->key));
		if (o->earlier)
			table_add(&os->by_key, &o->earlier->key, sizeof(o->key), o->earlier);
	} else {
		for (at = latest; at->earlier != o;)
			at = at->earlier;
		at->earlier = o->earlier;
	}
	os->drop(os->arg, o->file);
	free(o->path);
	*o = (struct opening){0};
}

void openings_add(struct openings *os, const struct opening *added)
{
	struct opening *o = &os->all[os->next], *at, *earlier;
	unsigned n = 0;

	os->next = (os->next + 1) % OPENINGS_MAX;
	clear(os, o);
	/* A later opening by the same process of the same file takes the place of the earlier. */
	for (at = table_get(&os->by_key, &added->key, sizeof(added->key)); at; at = earlier) {
		earlier = at->earlier;
		if (at->st.st_dev == added->st.st_dev || ++n == SAME_KEY_MAX)
			clear(os, at);
	}
	*o = *added;
	o->used = true;
	o->earlier = table_remove(&os->by_key, &o->key, sizeof(o->key));
	table_add(&os->by_key, &o->key, sizeof(o->key), o);
}

struct opening *openings_find(struct openings *os, pid_t pid, const struct wire_file *file, bool *same)
{
	struct opening_key key = {.ino = file->ino, .pid = (uint32_t)pid, .mount = file->mount};
	struct opening *latest = table_get(&os->by_key, &key, sizeof(key));
	struct stat executed = file_executed(file);

	*same = false;
	for (struct opening *o = latest; o; o = o->earlier)
		if (file_is_same(&o->st, &executed, NULL)) {
			*same = true;
			return o;
		}
	return latest;
}

char *openings_take(struct openings *os, struct opening *o)
{
	struct opening *at = table_get(&os->by_key, &o->key, sizeof(o->key)), *earlier;

	for (; at; at = earlier) {
		earlier = at->earlier;
		if (at != o)
			clear(os, at);
	}
	o->taken = true;
	return o->path ? mem_strdup(o->path) : NULL;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_script(const struct opening *o, const struct opening *executed, const char *asked)
{
	return o->used && o->key.pid == executed->key.pid && o->path && strcmp(name_of(o->path), name_of(asked)) == 0;
}

struct opening *openings_script(struct openings *os, const struct opening *executed, const char *asked)
{
	const size_t is = (size_t)(executed - os->all);

	/* Of an interpreter that the process had executed before, with the event of that: the first that follows. */
	for (size_t n = 1, at = is; executed->taken && n < SCRIPT_MAX; n++) {
		at = (at + 1) % OPENINGS_MAX;
		if (at == os->next)
			break;
		if (!os->all[at].taken && is_script(&os->all[at], executed, asked))
			return &os->all[at];
	}
	for (size_t n = 1; n <= SCRIPT_MAX; n++) {
		struct opening *o = &os->all[(is + OPENINGS_MAX - n) % OPENINGS_MAX];

		if (is_script(o, executed, asked))
			return o;
	}
	return NULL;
}

void openings_forget(struct openings *os)
{
	for (size_t i = 0; i < OPENINGS_MAX; i++)
		clear(os, &os->all[i]);
}

struct openings *openings_new(void (*drop)(void *arg, void *file), void *arg)
{
	struct openings *os = mem_alloc(sizeof(*os));

	os->drop = drop;
	os->arg = arg;
	return os;
}

void openings_free(struct openings *os)
{
	openings_forget(os);
	table_done(&os->by_key);
	free(os);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/memory_order.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

static const char *const actions[] = {"show", "forget", "expect", "unexpect"};

/* ---- patterns ---- */

static bool is_glob(const char *pattern)
{
	return strpbrk(pattern, "*?");
}

/* Goes back to the last star only: no pattern takes longer than its length times that of the text. */
static bool glob(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static bool fits_path(const char *pattern, const char *shown)
{
	size_t n = strlen(pattern);

	if (is_glob(pattern))
		return glob(pattern, shown);
	while (n > 1 && pattern[n - 1] == '/')
		n--;
	return strncmp(pattern, shown, n) == 0 && (!shown[n] || shown[n] == '/' || (n == 1 && *pattern == '/'));
}

static bool fits_name(const struct memory_order *o, const struct memory_name *name)
{
	char shown[4 * MEMORY_NAME_MAX + 1];

	text_show(shown, sizeof(shown), name->text, PS_SHOW_PATH);
	for (size_t i = 0; i < o->n_names; i++)
		if (glob(o->names[i], shown))
			return true;
	return false;
}

static bool fits_hash(const struct memory_order *o, const struct memory_hash *hash)
{
	char hex[65];

	text_hex(hex, hash->sha256, 32);
	for (size_t i = 0; i < o->n_hashes; i++)
		if (strncmp(hex, o->hashes[i], strlen(o->hashes[i])) == 0)
			return true;
	return false;
}

static bool fits_exe(const struct memory_order *o, const struct memory_exe *e)
{
	char shown[4 * MEMORY_PATH_MAX + 1];

	if (!o->n_exes)
		return true;
	text_show(shown, sizeof(shown), e->path, PS_SHOW_PATH);
	for (size_t i = 0; i < o->n_exes; i++)
		if (fits_path(o->exes[i], shown))
			return true;
	return false;
}

const char *memory_pattern(struct arena *arena, const char *word)
{
	struct ps_text text = {word, (uint32_t)strlen(word)};
	size_t size = 4 * (size_t)text.len + 1;
	char *bytes = arena_alloc(arena, size), *shown = arena_alloc(arena, size);
	long n = text_unshow(bytes, size, word, text.len);

	if (n >= 0) {
		text_show(shown, size, (struct ps_text){bytes, (uint32_t)n}, PS_SHOW_PATH);
		if (strcmp(shown, word) == 0)
			return shown;
	}
	text_show(shown, size, text, PS_SHOW_PATH);
	return shown;
}

bool memory_meant(const struct memory_order *o, const struct memory_exe *e)
{
	bool name = !o->n_names, hash = !o->n_hashes;

	if ((o->expected > 0 && !e->kept) || (o->expected < 0 && e->kept) || !fits_exe(o, e))
		return false;
	for (size_t i = 0; i < e->n_names && !name; i++)
		name = fits_name(o, &e->names[i]);
	for (size_t i = 0; i < e->n_hashes && !hash; i++)
		hash = fits_hash(o, &e->hashes[i]);
	return name && hash;
}

/* ---- orders ---- */

static long forget(struct memory *m, const struct memory_order *o, struct memory_exe *e)
{
	long n = 0;

	if (!o->n_names && !o->n_hashes) {
		memory_forget(m, e);
		return 1;
	}
	for (size_t i = e->n_names; o->n_names && i-- > 0;)
		if (fits_name(o, &e->names[i])) {
			memory_forget_name(m, e, i);
			n++;
		}
	for (size_t i = e->n_hashes; o->n_hashes && i-- > 0;)
		if (fits_hash(o, &e->hashes[i])) {
			memory_forget_hash(m, e, i);
			n++;
		}
	memory_settle(m, e);
	return n;
}

/* Without names and hashes the executable is marked; that it is not expected goes for all that belongs to it. */
static long mark(struct memory *m, const struct memory_order *o, struct memory_exe *e)
{
	bool expected = o->action == MEMORY_EXPECT, whole = !o->n_names && !o->n_hashes;
	long n = whole;

	if (whole)
		e->expected = expected;
	for (size_t i = 0; i < e->n_names; i++)
		if (whole ? !expected : fits_name(o, &e->names[i])) {
			e->names[i].expected = expected;
			n += !whole;
		}
	for (size_t i = 0; i < e->n_hashes; i++)
		if (whole ? !expected : fits_hash(o, &e->hashes[i])) {
			e->hashes[i].expected = expected;
			n += !whole;
		}
	memory_settle(m, e);
	return n;
}

static bool read_hash(const char *hex, uint8_t out[32])
{
	unsigned byte;

	if (strlen(hex) != 64)
		return false;
	for (size_t i = 0; i < 32; i++) {
		sscanf(hex + 2 * i, "%2x", &byte);
		out[i] = (uint8_t)byte;
	}
	return true;
}

/* What is to be expected before it comes: whatever is named whole. */
static int foresee(struct memory *m, const struct memory_order *o)
{
	char bytes[MEMORY_PATH_MAX];
	uint8_t sha256[32];

	for (size_t i = 0; i < o->n_exes; i++) {
		long n = text_unshow(bytes, sizeof(bytes), o->exes[i], strlen(o->exes[i]));
		struct memory_order this = {.exes = {o->exes[i]}, .n_exes = 1};
		struct memory_exe *e = NULL;

		if (is_glob(o->exes[i]) || n <= 0 || bytes[0] != '/' || bytes[n - 1] == '/')
			continue;
		/* A folder is not meant for an executable. */
		for (e = memory_first(m); e && !fits_exe(&this, e);)
			e = memory_next(m, e);
		if (e && !(e = memory_find(m, (struct ps_text){bytes, (uint32_t)n})))
			continue;
		if (!memory_may_expect(m) || !(e = memory_add(m, (struct ps_text){bytes, (uint32_t)n})))
			return -ENOSPC;
		/* So that it is not forgotten at once, for want of room; mark() settles what it is. */
		for (size_t k = 0; k < o->n_names; k++) {
			char name[MEMORY_NAME_MAX];
			long len = text_unshow(name, sizeof(name), o->names[k], strlen(o->names[k]));

			if (!is_glob(o->names[k]) && len > 0 && !memory_add_name(m, e, (struct ps_text){name, (uint32_t)len}))
				return -ENOSPC;
		}
		for (size_t k = 0; k < o->n_hashes; k++)
			if (read_hash(o->hashes[k], sha256) && !memory_add_hash(m, e, sha256))
				return -ENOSPC;
		mark(m, o, e);
	}
	return 0;
}

static const char *nonsense(const struct memory_order *o)
{
	if (o->action == MEMORY_SHOW)
		return "nothing is to be changed";
	if (!o->all && !o->n_exes && !o->n_names && !o->n_hashes)
		return "which? Name an executable, --name, --sha256, or --all";
	if (o->all && (o->n_exes || o->n_names || o->n_hashes))
		return "--all is everything: it goes with nothing else";
	for (size_t i = 0; i < o->n_exes; i++)
		if (!*o->exes[i])
			return "an executable without a path cannot be named";
	for (size_t i = 0; i < o->n_hashes; i++)
		if (!*o->hashes[i] || strlen(o->hashes[i]) > 64 ||
		    strspn(o->hashes[i], "0123456789abcdef") != strlen(o->hashes[i]))
			return "a SHA-256, or its beginning, is made of at most 64 of 0-9 and a-f";
	return NULL;
}

long memory_obey(struct memory *m, const struct memory_order *o, const char **why)
{
	struct memory_exe **meant;
	size_t n_meant = 0;
	long n = 0;

	*why = nonsense(o);
	if (*why)
		return -EINVAL;
	*why = "no more can be expected: half of the room is for what comes by itself";
	if (o->action == MEMORY_EXPECT && foresee(m, o))
		return -ENOSPC;
	/* At first who, as marking changes the order in which they stand. */
	meant = mem_alloc(MEMORY_EXES_MAX * sizeof(*meant));
	for (struct memory_exe *e = memory_first(m); e; e = memory_next(m, e))
		if (memory_meant(o, e))
			meant[n_meant++] = e;
	for (size_t i = 0; i < n_meant && n >= 0; i++) {
		if (o->action == MEMORY_FORGET)
			n += forget(m, o, meant[i]);
		else if (o->action == MEMORY_EXPECT && !meant[i]->kept && !memory_may_expect(m))
			n = -ENOSPC;
		else
			n += mark(m, o, meant[i]);
	}
	free(meant);
	if (n >= 0)
		*why = NULL;
	return n;
}

/* ---- as a line ---- */

static json_t *words(const char *const *list, size_t n)
{
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(out, json_string(list[i]));
	return out;
}

char *memory_order_write(const struct memory_order *o)
{
	json_t *root =
	    json_pack("{s:s, s:o, s:o, s:o, s:b}", "action", actions[o->action], "exe", words(o->exes, o->n_exes), "name",
	              words(o->names, o->n_names), "sha256", words(o->hashes, o->n_hashes), "all", o->all);
	char *line = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	return line;
}

static int read_words(struct arena *arena, const json_t *root, const char *key, const char **list, size_t *n)
{
	const json_t *words_in = json_object_get(root, key), *word;
	size_t i;

	if (json_array_size(words_in) > MEMORY_PATTERNS_MAX)
		return -EINVAL;
	json_array_foreach(words_in, i, word)
	{
		const char *text = json_string_value(word);

		if (!text)
			return -EINVAL;
		list[(*n)++] = arena_copy(arena, text, strlen(text));
	}
	return 0;
}

int memory_order_read(struct memory_order *o, struct arena *arena, const char *line)
{
	json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const char *action = json_string_value(json_object_get(root, "action"));
	int err = -EINVAL;

	*o = (struct memory_order){0};
	for (size_t i = 1; action && i < sizeof(actions) / sizeof(*actions); i++)
		if (strcmp(action, actions[i]) == 0) {
			o->action = (enum memory_action)i;
			err = 0;
		}
	if (!err && !(err = read_words(arena, root, "exe", o->exes, &o->n_exes)) &&
	    !(err = read_words(arena, root, "name", o->names, &o->n_names)))
		err = read_words(arena, root, "sha256", o->hashes, &o->n_hashes);
	o->all = json_is_true(json_object_get(root, "all"));
	json_decref(root);
	return err;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/memory_json.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

#define VERSION 1

static const char *const exe_maps[MEMORY_ROLES] = {"Executables", "Parent Executables", "Grandparent Executables"};
static const char *const name_maps[MEMORY_ROLES] = {"Names", "Parent Names", "Grandparent Names"};

/* ---- writing ---- */

/* Written by hand, text by text, as a tree of it would take ten times its size. What is shown has no control
 * characters and is UTF-8: two characters are left to be escaped. */
static void put_text(struct buf *out, struct ps_text text)
{
	char shown[4 * MEMORY_PATH_MAX + 1];

	text_show(shown, sizeof(shown), text, PS_SHOW_PATH);
	buf_put_u8(out, '"');
	for (const char *c = shown; *c; c++) {
		if (*c == '"' || *c == '\\')
			buf_put_u8(out, '\\');
		buf_put_u8(out, (uint8_t)*c);
	}
	buf_put_u8(out, '"');
}

/* What stands between one entry and the next, each on a line of its own. */
static void put_comma(struct buf *out, bool *first)
{
	buf_put_str(out, *first ? "\n" : ",\n");
	*first = false;
}

static void put_seen(struct buf *out, int64_t first_s, int64_t last_s, bool expected)
{
	buf_printf(out, "[%" PRId64 ", %" PRId64 "%s]", first_s, last_s, expected ? ", \"expected\"" : "");
}

static void write_exe_map(const struct memory *m, unsigned role, struct buf *out)
{
	bool first = true;

	buf_printf(out, ",\n\"%s\": {", exe_maps[role]);
	for (const struct memory_exe *e = memory_first(m); e; e = memory_next(m, e)) {
		const char *comma = "";

		if (!(e->roles & 1u << role))
			continue;
		put_comma(out, &first);
		put_text(out, e->path);
		buf_put_str(out, ": [");
		for (size_t i = 0; i < e->n_names; i++)
			if (e->names[i].roles & 1u << role) {
				buf_put_str(out, comma);
				put_text(out, e->names[i].text);
				comma = ", ";
			}
		buf_put_u8(out, ']');
	}
	buf_put_u8(out, '}');
}

struct pair {
	struct ps_text name, path;
};

static int compare_texts(struct ps_text a, struct ps_text b)
{
	int c = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *p = a, *q = b;
	int c = compare_texts(p->name, q->name);

	return c ? c : compare_texts(p->path, q->path);
}

static void write_name_map(const struct memory *m, unsigned role, struct buf *out)
{
	struct pair *pairs = NULL;
	size_t n = 0, room = 0;
	bool first = true;

	for (const struct memory_exe *e = memory_first(m); e; e = memory_next(m, e))
		for (size_t i = 0; i < e->n_names; i++) {
			if (!(e->names[i].roles & 1u << role))
				continue;
			if (n == room)
				pairs = mem_resize(pairs, (room = room ? 2 * room : 64) * sizeof(*pairs));
			pairs[n++] = (struct pair){e->names[i].text, e->path};
		}
	if (n)
		qsort(pairs, n, sizeof(*pairs), compare_pairs);
	buf_printf(out, ",\n\"%s\": {", name_maps[role]);
	for (size_t i = 0; i < n; i++) {
		if (i && compare_texts(pairs[i].name, pairs[i - 1].name) == 0) {
			buf_put_str(out, ", ");
		} else {
			if (i)
				buf_put_u8(out, ']');
			put_comma(out, &first);
			put_text(out, pairs[i].name);
			buf_put_str(out, ": [");
		}
		put_text(out, pairs[i].path);
	}
	buf_put_str(out, n ? "]}" : "}");
	free(pairs);
}

static void write_hashes(const struct memory *m, struct buf *out)
{
	bool first = true;
	char hex[65];

	buf_put_str(out, ",\n\"SHA256\": {");
	for (const struct memory_exe *e = memory_first(m); e; e = memory_next(m, e)) {
		const char *comma = "";

		if (!e->n_hashes)
			continue;
		put_comma(out, &first);
		put_text(out, e->path);
		buf_put_str(out, ": {");
		for (size_t i = 0; i < e->n_hashes; i++) {
			const char *verdict = e->hashes[i].verdict;

			buf_printf(out, "%s\"%s\": ", comma, text_hex(hex, e->hashes[i].sha256, 32));
			put_text(out, (struct ps_text){verdict, (uint32_t)strlen(verdict)});
			comma = ", ";
		}
		buf_put_u8(out, '}');
	}
	buf_put_u8(out, '}');
}

static void write_seen(const struct memory *m, struct buf *out)
{
	bool first = true;
	char hex[65];

	buf_put_str(out, ",\n\"Seen\": {");
	for (const struct memory_exe *e = memory_first(m); e; e = memory_next(m, e)) {
		put_comma(out, &first);
		put_text(out, e->path);
		buf_put_str(out, ": {\"seen\": ");
		put_seen(out, e->first_s, e->last_s, e->expected);
		buf_put_str(out, ", \"names\": {");
		for (size_t i = 0; i < e->n_names; i++) {
			buf_put_str(out, i ? ", " : "");
			put_text(out, e->names[i].text);
			buf_put_str(out, ": ");
			put_seen(out, e->names[i].first_s, e->names[i].last_s, e->names[i].expected);
		}
		buf_put_str(out, "}, \"sha256\": {");
		for (size_t i = 0; i < e->n_hashes; i++) {
			buf_printf(out, "%s\"%s\": ", i ? ", " : "", text_hex(hex, e->hashes[i].sha256, 32));
			put_seen(out, e->hashes[i].first_s, e->hashes[i].last_s, e->hashes[i].expected);
		}
		buf_put_str(out, "}}");
	}
	buf_put_u8(out, '}');
}

void memory_write(const struct memory *m, struct buf *out)
{
	buf_printf(out, "{\"version\": %d", VERSION);
	for (unsigned role = 0; role < MEMORY_ROLES; role++) {
		write_exe_map(m, role, out);
		write_name_map(m, role, out);
	}
	write_hashes(m, out);
	write_seen(m, out);
	buf_put_str(out, "}\n");
}

/* ---- reading ---- */

struct reading {
	struct memory *memory;
	char *why;
	bool bad;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct reading *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!r->bad)
		vsnprintf(r->why, MEMORY_WHY, format, args);
	va_end(args);
	r->bad = true;
	return false;
}

/* A text that was shown, as its bytes. */
static bool get_text(struct reading *r, const char *shown, char *bytes, uint32_t most, struct ps_text *out)
{
	long n = text_unshow(bytes, most, shown, strlen(shown));

	if (n < 0)
		return fail(r, "a text is too long, or not as it was written: \"%.80s\"", shown);
	*out = (struct ps_text){bytes, (uint32_t)n};
	return true;
}

static bool get_hash(struct reading *r, const char *hex, uint8_t out[32])
{
	return text_unhex(out, 32, hex, strlen(hex)) || fail(r, "\"%.80s\" is no SHA-256", hex);
}

static json_t *get_object(struct reading *r, const json_t *parent, const char *key)
{
	json_t *object = json_object_get(parent, key);

	if (object && !json_is_object(object))
		fail(r, "\"%s\" is no object", key);
	return r->bad ? NULL : object;
}

static struct memory_exe *get_exe(struct reading *r, const char *shown)
{
	char bytes[MEMORY_PATH_MAX];
	struct memory_exe *e;
	struct ps_text path;

	if (!get_text(r, shown, bytes, sizeof(bytes), &path))
		return NULL;
	e = memory_add(r->memory, path);
	if (!e)
		fail(r, "it has more than there is room for");
	return e;
}

/* [FIRST, LAST] or [FIRST, LAST, "expected"]. */
static bool get_seen(struct reading *r, const json_t *entry, int64_t *first_s, int64_t *last_s, bool *expected)
{
	const json_t *first = json_array_get(entry, 0), *last = json_array_get(entry, 1);
	const char *mark = json_string_value(json_array_get(entry, 2));

	if (!json_is_integer(first) || !json_is_integer(last) || json_integer_value(first) < 0 ||
	    json_integer_value(last) < 0 || json_array_size(entry) > 3 ||
	    (json_array_size(entry) == 3 && (!mark || strcmp(mark, "expected") != 0)))
		return fail(r, "what stands in \"Seen\" is not [FIRST, LAST] or [FIRST, LAST, \"expected\"]");
	*first_s = json_integer_value(first);
	*last_s = json_integer_value(last);
	*expected = mark;
	return true;
}

static void read_seen_parts(struct reading *r, const json_t *entry, struct memory_exe *e)
{
	char bytes[MEMORY_NAME_MAX];
	struct memory_name *name;
	struct memory_hash *hash;
	struct ps_text text;
	uint8_t sha256[32];
	const char *key;
	json_t *value;

	json_object_foreach(get_object(r, entry, "names"), key, value)
	{
		if (!get_text(r, key, bytes, sizeof(bytes), &text))
			return;
		name = memory_add_name(r->memory, e, text);
		if (name && !get_seen(r, value, &name->first_s, &name->last_s, &name->expected))
			return;
	}
	json_object_foreach(get_object(r, entry, "sha256"), key, value)
	{
		if (!get_hash(r, key, sha256))
			return;
		hash = memory_add_hash(r->memory, e, sha256);
		if (hash && !get_seen(r, value, &hash->first_s, &hash->last_s, &hash->expected))
			return;
	}
}

static void read_seen(struct reading *r, const json_t *root)
{
	struct memory_exe *e;
	const char *key;
	json_t *value;

	json_object_foreach(get_object(r, root, "Seen"), key, value)
	{
		e = get_exe(r, key);
		if (!e || !get_seen(r, json_object_get(value, "seen"), &e->first_s, &e->last_s, &e->expected))
			return;
		read_seen_parts(r, value, e);
		if (r->bad)
			return;
		memory_settle(r->memory, e);
	}
}

/* An hour that is not known: before all others, but seen. */
static void unknown_time(const struct memory_exe *e, int64_t *first_s, int64_t *last_s)
{
	if (!*last_s)
		*first_s = *last_s = e->first_s ? e->first_s : 1;
}

static void read_exe_map(struct reading *r, const json_t *root, unsigned role)
{
	char bytes[MEMORY_NAME_MAX];
	struct memory_name *name;
	struct memory_exe *e;
	struct ps_text text;
	json_t *list, *word;
	const char *key;
	size_t i;

	json_object_foreach(get_object(r, root, exe_maps[role]), key, list)
	{
		e = get_exe(r, key);
		if (!e)
			return;
		e->roles |= (uint8_t)(1u << role);
		unknown_time(e, &e->first_s, &e->last_s);
		json_array_foreach(list, i, word)
		{
			if (!json_is_string(word) || !get_text(r, json_string_value(word), bytes, sizeof(bytes), &text))
				break;
			name = memory_add_name(r->memory, e, text);
			if (!name)
				continue;
			name->roles |= (uint8_t)(1u << role);
			unknown_time(e, &name->first_s, &name->last_s);
		}
		if (!json_is_array(list) || i < json_array_size(list)) {
			fail(r, "the names of \"%.80s\" are no list of texts", key);
			return;
		}
	}
}

static void read_hashes(struct reading *r, const json_t *root)
{
	char verdict[MEMORY_VERDICT_MAX + 1];
	struct memory_hash *hash;
	struct memory_exe *e;
	struct ps_text text = {"", 0};
	const char *key, *hex;
	json_t *hashes, *value;
	uint8_t sha256[32];

	json_object_foreach(get_object(r, root, "SHA256"), key, hashes)
	{
		const json_t *seen = json_object_get(json_object_get(json_object_get(root, "Seen"), key), "sha256");

		e = get_exe(r, key);
		if (!e || (!json_is_object(hashes) && !fail(r, "the hashes of \"%.80s\" are no object", key)))
			return;
		json_object_foreach(hashes, hex, value)
		{
			if (!get_hash(r, hex, sha256))
				return;
			if (!json_is_string(value)) {
				fail(r, "the verdict on %s is no text", hex);
				return;
			}
			if (!get_text(r, json_string_value(value), verdict, MEMORY_VERDICT_MAX, &text))
				return;
			verdict[text.len] = 0;
			hash = memory_add_hash(r->memory, e, sha256);
			if (!hash)
				continue;
			if (!json_object_get(seen, hex))
				unknown_time(e, &hash->first_s, &hash->last_s);
			memory_set_verdict(r->memory, e, hash, verdict);
		}
	}
}

int memory_read(struct memory **out, const void *data, size_t len, char why[MEMORY_WHY])
{
	struct reading r = {.why = why};
	const json_t *version;
	json_error_t error;
	json_t *root;
	int err;

	*out = NULL;
	root = json_loadb(data, len, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		snprintf(why, MEMORY_WHY, "line %d: %.150s", error.line, error.text);
		return -EUCLEAN;
	}
	version = json_object_get(root, "version");
	if (json_integer_value(version) != VERSION) {
		snprintf(why, MEMORY_WHY, "%s, and this program knows version %d",
		         version ? "it is of another version" : "it does not say its version", VERSION);
		err = json_is_object(root) ? -ENOTSUP : -EUCLEAN;
		goto out;
	}
	r.memory = memory_open();
	read_seen(&r, root);
	for (unsigned role = 0; role < MEMORY_ROLES; role++)
		read_exe_map(&r, root, role);
	read_hashes(&r, root);
	err = r.bad ? -EUCLEAN : 0;
	if (err)
		memory_close(r.memory);
	else
		*out = r.memory;
out:
	json_decref(root);
	return err;
}

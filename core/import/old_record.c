/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/import/old_record.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

enum { UNKNOWN_S = 1 }; /* a time before all others, but seen */

static const char *const exe_maps[MEMORY_ROLES] = {"Executables", "Parent Executables", "Grandparent Executables"};

struct merge {
	struct memory *memory;
	struct report *report;
};

bool old_record_is(const json_t *root)
{
	return json_object_get(root, "Executables") && json_object_get(root, "SHA256");
}

static void seen_once(int64_t *first_s, int64_t *last_s)
{
	if (!*last_s)
		*first_s = *last_s = UNKNOWN_S;
}

static void count(struct merge *m, bool isnew)
{
	m->report->taken += isnew;
	m->report->present += !isnew;
}

/* NULL, counted, if there is no room. */
static struct memory_exe *add_exe(struct merge *m, const char *path, unsigned role)
{
	struct ps_text text = {path, (uint32_t)strlen(path)};
	bool known = memory_find(m->memory, text);
	struct memory_exe *e = memory_add(m->memory, text);
	uint8_t roles;

	m->report->counts[REPORT_LONG] += text.len > MEMORY_PATH_MAX;
	if (!e) {
		m->report->counts[REPORT_ROOM]++;
		return NULL;
	}
	roles = (uint8_t)(e->roles | 1u << role);
	count(m, !known || roles != e->roles);
	e->roles = roles;
	seen_once(&e->first_s, &e->last_s);
	memory_settle(m->memory, e);
	return e;
}

static void add_name(struct merge *m, struct memory_exe *e, const char *name, unsigned role)
{
	struct ps_text text = {name, (uint32_t)strlen(name)};
	struct memory_name *n = memory_add_name(m->memory, e, text);
	uint8_t roles;

	m->report->counts[REPORT_LONG] += text.len > MEMORY_NAME_MAX;
	if (!n) {
		m->report->counts[REPORT_ROOM]++;
		return;
	}
	roles = (uint8_t)(n->roles | 1u << role);
	count(m, n->roles != roles);
	n->roles = roles;
	seen_once(&n->first_s, &n->last_s);
}

static void merge_names(struct merge *m, const json_t *map, unsigned role)
{
	struct memory_exe *e;
	json_t *names, *name;
	const char *path;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)map, path, names)
	{
		e = add_exe(m, path, role);
		if (!e)
			continue;
		if (!json_is_array(names))
			m->report->counts[REPORT_NAMES]++;
		json_array_foreach(names, i, name)
		{
			if (json_is_string(name))
				add_name(m, e, json_string_value(name), role);
			else
				m->report->counts[REPORT_NAMES]++;
		}
	}
}

/* What VirusTotal said: a text, or whatever Python wrote. */
static void set_verdict(struct merge *m, struct memory_exe *e, struct memory_hash *h, const json_t *value)
{
	char *text = json_is_string(value) ? strdup(json_string_value(value))
	                                   : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	if (!text)
		return;
	if (strlen(text) > MEMORY_VERDICT_MAX) {
		m->report->counts[REPORT_LONG]++;
		text[MEMORY_VERDICT_MAX] = 0;
	}
	if (!*h->verdict && *text)
		memory_set_verdict(m->memory, e, h, text);
	free(text);
}

static void merge_hash(struct merge *m, struct memory_exe *e, const char *hex, const json_t *verdict)
{
	struct memory_hash *h;
	uint8_t sha256[32];
	bool isnew;

	if (!text_unhex(sha256, sizeof(sha256), hex, strlen(hex))) {
		m->report->counts[REPORT_HASH]++;
		return;
	}
	h = memory_add_hash(m->memory, e, sha256);
	if (!h) {
		m->report->counts[REPORT_ROOM]++;
		return;
	}
	isnew = !h->last_s && !h->expected;
	count(m, isnew);
	seen_once(&h->first_s, &h->last_s);
	set_verdict(m, e, h, verdict);
	/* They stand in the order in which they were seen. */
	if (isnew) {
		struct memory_hash first = *h;

		memmove(e->hashes + 1, e->hashes, (size_t)(h - e->hashes) * sizeof(*h));
		e->hashes[0] = first;
	}
}

static void merge_hashes(struct merge *m, const json_t *map)
{
	json_t *hashes, *verdict;
	struct memory_exe *e;
	const char *path, *hex;

	json_object_foreach((json_t *)(uintptr_t)map, path, hashes)
	{
		struct ps_text text = {path, (uint32_t)strlen(path)};

		e = memory_find(m->memory, text);
		if (!e && (e = memory_add(m->memory, text))) {
			/* It was only ever hashed: nothing says in which role. */
			e->roles |= 1u << PS_ROLE_PARENT;
			seen_once(&e->first_s, &e->last_s);
			memory_settle(m->memory, e);
			count(m, true);
		}
		if (!e) {
			m->report->counts[REPORT_ROOM]++;
			continue;
		}
		m->report->counts[REPORT_NAMES] += !json_is_object(hashes);
		json_object_foreach(hashes, hex, verdict) merge_hash(m, e, hex, verdict);
	}
}

static const json_t *map_of(struct merge *m, const json_t *root, const char *key)
{
	const json_t *map = json_object_get(root, key);

	m->report->counts[REPORT_SHAPE] += map && !json_is_object(map);
	return json_is_object(map) ? map : NULL;
}

void old_record_merge(struct memory *memory, const json_t *root, struct report *report)
{
	struct merge m = {memory, report};
	struct memory_stats before, after;

	report->kind =
	    json_object_get(root, "Grandparent Executables") ? "state.json of picosnitch 2" : "record.json of picosnitch 1";
	report->what = "executables, names and hashes";
	memory_get_stats(memory, &before);
	for (unsigned role = 0; role < MEMORY_ROLES; role++)
		merge_names(&m, map_of(&m, root, exe_maps[role]), role);
	merge_hashes(&m, map_of(&m, root, "SHA256"));
	memory_get_stats(memory, &after);
	report->counts[REPORT_ROOM] += after.forgot_exes + after.forgot_names + after.forgot_hashes - before.forgot_exes -
	                               before.forgot_names - before.forgot_hashes;
}

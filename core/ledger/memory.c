/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/memory.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/table.h"

/* Those that may be forgotten, and those that are kept; each from the one that was seen longest ago. */
struct list {
	struct memory_exe *oldest, *newest;
	size_t n, bytes;
};

struct memory {
	struct table exes; /* path -> struct memory_exe */
	struct list lists[2];
	struct memory_stats stats;
};

static struct ps_text cut(struct ps_text text, uint32_t most)
{
	return (struct ps_text){text.data, text.len < most ? text.len : most};
}

static bool same(struct ps_text a, struct ps_text b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static struct ps_text copy(struct ps_text text)
{
	char *data = mem_alloc(text.len + 1);

	memcpy(data, text.data, text.len);
	return (struct ps_text){data, text.len};
}

static void text_free(struct ps_text text)
{
	free((void *)(uintptr_t)text.data);
}

/* ---- the lists ---- */

static void unlink_exe(struct memory *m, struct memory_exe *e)
{
	struct list *l = &m->lists[e->kept];

	*(e->older ? &e->older->newer : &l->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &l->newest) = e->older;
	e->older = e->newer = NULL;
	l->n--;
	l->bytes -= e->bytes;
}

static void link_exe(struct memory *m, struct memory_exe *e)
{
	struct list *l = &m->lists[e->kept];

	e->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = e;
	l->newest = e;
	l->n++;
	l->bytes += e->bytes;
}

static void count_bytes(struct memory *m, struct memory_exe *e, size_t more, size_t less)
{
	e->bytes += more - less;
	m->lists[e->kept].bytes += more - less;
}

static size_t total_bytes(const struct memory *m)
{
	return m->lists[0].bytes + m->lists[1].bytes;
}

/* ---- forgetting ---- */

void memory_forget_name(struct memory *m, struct memory_exe *e, size_t i)
{
	count_bytes(m, e, 0, sizeof(e->names[i]) + e->names[i].text.len);
	text_free(e->names[i].text);
	memmove(e->names + i, e->names + i + 1, (--e->n_names - i) * sizeof(*e->names));
	m->stats.changes++;
}

void memory_forget_hash(struct memory *m, struct memory_exe *e, size_t i)
{
	count_bytes(m, e, 0, sizeof(e->hashes[i]) + strlen(e->hashes[i].verdict));
	free(e->hashes[i].verdict);
	memmove(e->hashes + i, e->hashes + i + 1, (--e->n_hashes - i) * sizeof(*e->hashes));
	m->stats.changes++;
}

void memory_forget(struct memory *m, struct memory_exe *e)
{
	table_remove(&m->exes, e->path.data, e->path.len);
	unlink_exe(m, e);
	for (size_t i = 0; i < e->n_names; i++)
		text_free(e->names[i].text);
	for (size_t i = 0; i < e->n_hashes; i++)
		free(e->hashes[i].verdict);
	free(e->names);
	free(e->hashes);
	text_free(e->path);
	free(e);
	m->stats.changes++;
}

/* Forgets the name that was seen longest ago and is not expected. */
static bool drop_name(struct memory *m, struct memory_exe *e)
{
	for (size_t i = 0; i < e->n_names; i++)
		if (!e->names[i].expected) {
			memory_forget_name(m, e, i);
			m->stats.forgot_names++;
			return true;
		}
	return false;
}

static bool drop_hash(struct memory *m, struct memory_exe *e)
{
	for (size_t i = 0; i < e->n_hashes; i++)
		if (!e->hashes[i].expected) {
			memory_forget_hash(m, e, i);
			m->stats.forgot_hashes++;
			return true;
		}
	return false;
}

/* Makes room for so many bytes and executables more; `but` is not to be forgotten, at most parts of it. */
static bool make_room(struct memory *m, size_t bytes, size_t exes, struct memory_exe *but)
{
	while (m->exes.n + exes > MEMORY_EXES_MAX || total_bytes(m) + bytes > MEMORY_BYTES_MAX) {
		struct memory_exe *oldest = m->lists[0].oldest;

		if (oldest == but && oldest)
			oldest = oldest->newer;
		if (oldest) {
			memory_forget(m, oldest);
			m->stats.forgot_exes++;
		} else if (!but || (!drop_name(m, but) && !drop_hash(m, but))) {
			return false;
		}
	}
	return true;
}

/* ---- adding ---- */

struct memory_exe *memory_find(const struct memory *m, struct ps_text path)
{
	path = cut(path, MEMORY_PATH_MAX);
	return table_get(&m->exes, path.data, path.len);
}

struct memory_exe *memory_add(struct memory *m, struct ps_text path)
{
	struct memory_exe *e = memory_find(m, path);

	if (e)
		return e;
	path = cut(path, MEMORY_PATH_MAX);
	if (!make_room(m, sizeof(*e) + path.len, 1, NULL))
		return NULL;
	e = mem_alloc(sizeof(*e));
	*e = (struct memory_exe){.path = copy(path), .bytes = sizeof(*e) + path.len};
	table_add(&m->exes, e->path.data, e->path.len, e);
	link_exe(m, e);
	m->stats.changes++;
	return e;
}

struct memory_name *memory_add_name(struct memory *m, struct memory_exe *e, struct ps_text name)
{
	name = cut(name, MEMORY_NAME_MAX);
	for (size_t i = 0; i < e->n_names; i++)
		if (same(e->names[i].text, name))
			return &e->names[i];
	if ((e->n_names == MEMORY_NAMES_MAX && !drop_name(m, e)) || !make_room(m, sizeof(*e->names) + name.len, 0, e))
		return NULL;
	e->names = mem_resize(e->names, (e->n_names + 1) * sizeof(*e->names));
	e->names[e->n_names] = (struct memory_name){.text = copy(name)};
	count_bytes(m, e, sizeof(*e->names) + name.len, 0);
	m->stats.changes++;
	return &e->names[e->n_names++];
}

struct memory_hash *memory_add_hash(struct memory *m, struct memory_exe *e, const uint8_t sha256[32])
{
	for (size_t i = 0; i < e->n_hashes; i++)
		if (memcmp(e->hashes[i].sha256, sha256, 32) == 0)
			return &e->hashes[i];
	if ((e->n_hashes == MEMORY_HASHES_MAX && !drop_hash(m, e)) || !make_room(m, sizeof(*e->hashes), 0, e))
		return NULL;
	e->hashes = mem_resize(e->hashes, (e->n_hashes + 1) * sizeof(*e->hashes));
	e->hashes[e->n_hashes] = (struct memory_hash){.verdict = mem_strdup("")};
	memcpy(e->hashes[e->n_hashes].sha256, sha256, 32);
	count_bytes(m, e, sizeof(*e->hashes), 0);
	m->stats.changes++;
	return &e->hashes[e->n_hashes++];
}

static bool is_kept(const struct memory_exe *e)
{
	bool kept = e->expected;

	for (size_t i = 0; i < e->n_names; i++)
		kept |= e->names[i].expected;
	for (size_t i = 0; i < e->n_hashes; i++)
		kept |= e->hashes[i].expected;
	return kept;
}

void memory_settle(struct memory *m, struct memory_exe *e)
{
	bool kept = is_kept(e);

	m->stats.changes++;
	if (kept == e->kept)
		return;
	unlink_exe(m, e);
	e->kept = kept;
	link_exe(m, e);
}

bool memory_may_expect(const struct memory *m)
{
	return m->lists[1].n < MEMORY_EXES_MAX / 2 && m->lists[1].bytes < MEMORY_BYTES_MAX / 2;
}

/* ---- sightings ---- */

/* Those roles in which having been seen makes it known in this one. */
static uint8_t known_in(enum ps_program_role role)
{
	return role == PS_ROLE_SELF ? 1u << PS_ROLE_SELF : (1u << MEMORY_ROLES) - 1;
}

static void seen(int64_t *first, int64_t *last, int64_t at)
{
	if (!*first)
		*first = at;
	if (at > *last)
		*last = at;
}

static void see_name(struct memory *m, struct memory_exe *e, const struct memory_sighting *s, struct memory_news *news)
{
	uint8_t role = (uint8_t)(1u << s->role);
	struct memory_name *name = memory_add_name(m, e, s->name), found;

	if (!name)
		return;
	if (!news->exe && !(name->roles & known_in(s->role))) {
		news->name = true;
		news->name_expected = e->expected || name->expected;
	}
	if (!(name->roles & role))
		m->stats.changes++;
	name->roles |= role;
	seen(&name->first_s, &name->last_s, s->at_s);
	found = *name;
	memmove(name, name + 1, (size_t)(e->names + --e->n_names - name) * sizeof(*name));
	e->names[e->n_names++] = found;
}

static void see_hash(struct memory *m, struct memory_exe *e, const struct memory_sighting *s, struct memory_news *news)
{
	const struct memory_hash *before = NULL;
	struct memory_hash *hash, found;

	for (size_t i = 0; i < e->n_hashes; i++)
		if (e->hashes[i].last_s)
			before = &e->hashes[i];
	if (before)
		memcpy(news->previous, before->sha256, 32);
	news->hash = before;
	hash = memory_add_hash(m, e, s->sha256);
	if (!hash)
		return;
	if (hash->last_s)
		news->hash = false;
	else
		m->stats.changes++;
	news->hash_expected = news->hash && (e->expected || hash->expected);
	seen(&hash->first_s, &hash->last_s, s->at_s);
	found = *hash;
	memmove(hash, hash + 1, (size_t)(e->hashes + --e->n_hashes - hash) * sizeof(*hash));
	e->hashes[e->n_hashes++] = found;
}

bool memory_see(struct memory *m, const struct memory_sighting *s, struct memory_news *news)
{
	uint8_t role = (uint8_t)(1u << s->role);
	struct memory_exe *e = memory_add(m, s->path);

	*news = (struct memory_news){0};
	m->stats.sightings++;
	if (!e) { /* cannot be: half of the room is not for what is expected */
		news->exe = true;
		return true;
	}
	if (!(e->roles & known_in(s->role))) {
		news->exe = true;
		news->exe_expected = e->expected;
	}
	if (!(e->roles & role))
		m->stats.changes++;
	e->roles |= role;
	seen(&e->first_s, &e->last_s, s->at_s);
	unlink_exe(m, e);
	link_exe(m, e);
	if (s->name.len)
		see_name(m, e, s, news);
	if (s->sha256)
		see_hash(m, e, s, news);
	return news->exe || news->name || news->hash;
}

void memory_set_verdict(struct memory *m, struct memory_exe *e, struct memory_hash *h, const char *verdict)
{
	if (strncmp(h->verdict, verdict, MEMORY_VERDICT_MAX) == 0)
		return;
	count_bytes(m, e, strnlen(verdict, MEMORY_VERDICT_MAX), strlen(h->verdict));
	free(h->verdict);
	h->verdict = mem_printf("%.*s", MEMORY_VERDICT_MAX, verdict);
	m->stats.changes++;
}

bool memory_verdict(struct memory *m, const uint8_t sha256[32], const char *verdict)
{
	bool any = false;

	for (struct memory_exe *e = memory_first(m); e; e = memory_next(m, e))
		for (size_t i = 0; i < e->n_hashes; i++) {
			if (memcmp(e->hashes[i].sha256, sha256, 32) != 0)
				continue;
			any = true;
			memory_set_verdict(m, e, &e->hashes[i], verdict);
		}
	return any;
}

const struct memory_exe *memory_find_hash(const struct memory *m, const uint8_t sha256[32],
                                          const struct memory_hash **hash)
{
	const struct memory_exe *found = NULL;

	*hash = NULL;
	for (const struct memory_exe *e = memory_first(m); e; e = memory_next(m, e))
		for (size_t i = 0; i < e->n_hashes; i++)
			if (memcmp(e->hashes[i].sha256, sha256, 32) == 0 && (!found || e->hashes[i].last_s >= (*hash)->last_s)) {
				found = e;
				*hash = &e->hashes[i];
			}
	return found;
}

/* ---- life ---- */

struct memory_exe *memory_first(const struct memory *m)
{
	return m->lists[0].oldest ? m->lists[0].oldest : m->lists[1].oldest;
}

struct memory_exe *memory_next(const struct memory *m, const struct memory_exe *e)
{
	return e->newer || e->kept ? e->newer : m->lists[1].oldest;
}

struct memory *memory_open(void)
{
	return mem_alloc(sizeof(struct memory));
}

void memory_close(struct memory *m)
{
	if (!m)
		return;
	while (memory_first(m))
		memory_forget(m, memory_first(m));
	table_done(&m->exes);
	free(m);
}

struct memory *memory_clone(const struct memory *m)
{
	struct memory *c = memory_open();

	for (const struct memory_exe *from = memory_first(m); from; from = memory_next(m, from)) {
		struct memory_exe *e = mem_alloc(sizeof(*e));

		*e = *from;
		e->path = copy(from->path);
		e->names = mem_copy(from->names, from->n_names * sizeof(*e->names));
		e->hashes = mem_copy(from->hashes, from->n_hashes * sizeof(*e->hashes));
		for (size_t i = 0; i < e->n_names; i++)
			e->names[i].text = copy(from->names[i].text);
		for (size_t i = 0; i < e->n_hashes; i++)
			e->hashes[i].verdict = mem_strdup(from->hashes[i].verdict);
		e->newer = e->older = NULL;
		table_add(&c->exes, e->path.data, e->path.len, e);
		link_exe(c, e);
	}
	c->stats = m->stats;
	return c;
}

void memory_get_stats(const struct memory *m, struct memory_stats *stats)
{
	*stats = m->stats;
	stats->exes = m->exes.n;
	stats->expected = m->lists[1].n;
	stats->bytes = total_bytes(m);
}

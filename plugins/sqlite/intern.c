/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/sqlite/intern.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/query/names.h"

/* `seen` is written ahead of time by a day, so that a row in steady use is touched once a day. */
#define LEAD 86400

static const char *const find_sql[DICTIONARIES] = {
    ("SELECT id, seen FROM executables WHERE key = ?1 AND exe = ?2 AND name = ?3 AND cmdline = ?4 AND script = ?5"
     " AND sha256 = ?6 AND hash_state = ?7 AND flags = ?8 AND script_sha256 = ?9 AND script_state = ?10"),
    "SELECT id, seen FROM domains WHERE domain = ?1",
    "SELECT id, seen FROM addresses WHERE addr = ?1",
    ("SELECT id, seen FROM places WHERE key = ?1 AND cgroup = ?2 AND unit = ?3 AND slice = ?4 AND session = ?5"
     " AND engine = ?6 AND container = ?7 AND pod = ?8 AND owner IS ?9"),
};
static const char *const add_sql[DICTIONARIES] = {
    ("INSERT INTO executables(key, exe, name, cmdline, script, sha256, hash_state, flags, script_sha256, script_state,"
     " seen) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"),
    "INSERT INTO domains(domain, seen) VALUES(?1, ?2)",
    "INSERT INTO addresses(addr, seen) VALUES(?1, ?2)",
    ("INSERT INTO places(key, cgroup, unit, slice, session, engine, container, pod, owner, seen)"
     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
};
static const char *const touch_sql[DICTIONARIES] = {
    "UPDATE executables SET seen = ?1 WHERE id = ?2",
    "UPDATE domains SET seen = ?1 WHERE id = ?2",
    "UPDATE addresses SET seen = ?1 WHERE id = ?2",
    "UPDATE places SET seen = ?1 WHERE id = ?2",
};
/* Entries that are kept from one batch to the next: about a megabyte in all. */
static const size_t kept[DICTIONARIES] = {2048, 2048, 4096, 512};

int intern_init(struct intern *in, sqlite3 *db, const struct ps_host *host)
{
	int rc = SQLITE_OK;

	*in = (struct intern){.host = host, .nothing = {.id = 0, .seen = INT64_MAX}};
	for (int d = 0; d < DICTIONARIES; d++) {
		const char *sql[] = {find_sql[d], add_sql[d], touch_sql[d]};
		sqlite3_stmt **st[] = {&in->dict[d].find, &in->dict[d].add, &in->dict[d].touch};

		for (int i = 0; i < 3 && rc == SQLITE_OK; i++)
			rc = sqlite3_prepare_v3(db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, st[i], NULL);
	}
	return rc;
}

static void forget(struct intern *in, int d)
{
	table_done(&in->dict[d].cache);
	arena_done(&in->dict[d].memory);
	arena_init(&in->dict[d].memory);
}

void intern_forget(struct intern *in)
{
	for (int d = 0; d < DICTIONARIES; d++)
		forget(in, d);
}

void intern_trim(struct intern *in)
{
	for (int d = 0; d < DICTIONARIES; d++)
		if (in->dict[d].cache.n > kept[d])
			forget(in, d);
}

void intern_done(struct intern *in)
{
	intern_forget(in);
	for (int d = 0; d < DICTIONARIES; d++) {
		sqlite3_finalize(in->dict[d].find);
		sqlite3_finalize(in->dict[d].add);
		sqlite3_finalize(in->dict[d].touch);
	}
	for (size_t i = 0; i < sizeof(in->text) / sizeof(*in->text); i++)
		buf_done(&in->text[i]);
	*in = (struct intern){0};
}

int intern_touch(struct intern *in, enum dictionary d, struct interned *row, int64_t contime)
{
	sqlite3_stmt *st = in->dict[d].touch;
	int rc;

	if (row->seen >= contime)
		return SQLITE_OK;
	row->seen = contime + LEAD;
	sqlite3_bind_int64(st, 1, row->seen);
	sqlite3_bind_int64(st, 2, row->id);
	sqlite3_step(st);
	rc = sqlite3_reset(st);
	return rc;
}

/* Looks up what has been bound to `find`, and adds what `add` was given (its last parameter is
 * `seen`). The result goes into the cache. */
static int look_up(struct intern *in, enum dictionary d, const uint8_t key[32], int64_t contime, struct interned **out)
{
	sqlite3_stmt *find = in->dict[d].find, *add = in->dict[d].add;
	struct interned *row = arena_alloc(&in->dict[d].memory, sizeof(*row));
	int rc = sqlite3_step(find);

	if (rc == SQLITE_ROW) {
		row->id = sqlite3_column_int64(find, 0);
		row->seen = sqlite3_column_int64(find, 1);
	}
	if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
		int found = rc == SQLITE_ROW;

		rc = sqlite3_reset(find);
		if (rc == SQLITE_OK && !found) {
			row->seen = contime + LEAD;
			sqlite3_bind_int64(add, sqlite3_bind_parameter_count(add), row->seen);
			sqlite3_step(add);
			rc = sqlite3_reset(add);
			row->id = sqlite3_last_insert_rowid(sqlite3_db_handle(add));
		}
	} else {
		rc = sqlite3_reset(find);
	}
	sqlite3_clear_bindings(find);
	sqlite3_clear_bindings(add);
	if (rc != SQLITE_OK)
		return rc;
	memcpy(row->key, key, sizeof(row->key));
	table_add(&in->dict[d].cache, row->key, sizeof(row->key), row);
	*out = row;
	return SQLITE_OK;
}

/* Binds the shown form of text to both statements, from scratch buffer i. */
static int bind_shown(struct intern *in, enum dictionary d, int i, int at, struct ps_text text, enum ps_show how)
{
	struct buf *b = &in->text[i];
	size_t len;
	int rc;

	for (;;) {
		len = in->host->show((char *)b->data, b->cap, text, how);
		if (len < b->cap)
			break;
		b->len = 0;
		buf_add(b, len + 1);
	}
	rc = sqlite3_bind_text64(in->dict[d].find, at, (char *)b->data, len, SQLITE_STATIC, SQLITE_UTF8);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text64(in->dict[d].add, at, (char *)b->data, len, SQLITE_STATIC, SQLITE_UTF8);
	b->len = len;
	return rc;
}

static void bind_text(struct intern *in, enum dictionary d, int at, const char *text)
{
	sqlite3_bind_text(in->dict[d].find, at, text, -1, SQLITE_STATIC);
	sqlite3_bind_text(in->dict[d].add, at, text, -1, SQLITE_STATIC);
}

static void bind_number(struct intern *in, enum dictionary d, int at, int64_t number)
{
	sqlite3_bind_int64(in->dict[d].find, at, number);
	sqlite3_bind_int64(in->dict[d].add, at, number);
}

static void put_texts(struct buf *out, const struct ps_text *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_put_u32(out, texts[i].len);
		buf_put(out, texts[i].data, texts[i].len);
	}
}

/* Binds texts 2 to n + 1 as they are shown, and text 1: the beginning of a digest over what is
 * stored (different bytes may be shown alike) and the `rest` of the row. */
static int bind_texts(struct intern *in, enum dictionary d, const struct ps_text *texts, const enum ps_show *how, int n,
                      const void *rest, size_t rest_len)
{
	struct ps_text shown[INTERN_TEXTS];
	uint8_t content[32];
	int64_t number;
	struct buf all;

	for (int i = 0; i < n; i++) {
		int rc = bind_shown(in, d, i, i + 2, texts[i], how[i]);

		if (rc != SQLITE_OK)
			return rc;
		shown[i] = (struct ps_text){(char *)in->text[i].data, (uint32_t)in->text[i].len};
	}
	buf_init(&all);
	put_texts(&all, shown, (size_t)n);
	buf_put(&all, rest, rest_len);
	sha256_bytes(all.data, all.len, content);
	buf_done(&all);
	memcpy(&number, content, sizeof(number));
	bind_number(in, d, 1, number);
	return SQLITE_OK;
}

static void bind_hash(struct intern *in, enum dictionary d, int at, uint8_t state, const uint8_t sha256[32])
{
	char hex[2 * 32 + 1] = "";

	if (state == PS_HASH_OK)
		text_hex(hex, sha256, 32);
	sqlite3_bind_text(in->dict[d].find, at, hex, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(in->dict[d].add, at, hex, -1, SQLITE_TRANSIENT);
}

int intern_exe(struct intern *in, const struct ps_exe *exe, int64_t contime, struct interned **out)
{
	const struct ps_text texts[] = {exe->path, exe->name, exe->cmdline, exe->script};
	static const enum ps_show how[] = {PS_SHOW_PATH, PS_SHOW_PATH, PS_SHOW_ARGV, PS_SHOW_PATH};
	enum dictionary d = DICT_EXECUTABLES;
	uint8_t key[32], rest[3 + 2 * 32];
	struct buf all;
	int rc;

	if (!exe->path.len && !exe->name.len && !exe->cmdline.len && !exe->script.len &&
	    exe->hash_state == PS_HASH_ABSENT && !exe->flags) {
		*out = &in->nothing;
		return SQLITE_OK;
	}
	rest[0] = exe->hash_state;
	rest[1] = exe->flags;
	rest[2] = exe->script_state;
	memcpy(rest + 3, exe->sha256, 32);
	memcpy(rest + 35, exe->script_sha256, 32);
	buf_init(&all);
	put_texts(&all, texts, 4);
	buf_put(&all, rest, sizeof(rest));
	sha256_bytes(all.data, all.len, key);
	buf_done(&all);
	*out = table_get(&in->dict[d].cache, key, sizeof(key));
	if (*out)
		return SQLITE_OK;
	rc = bind_texts(in, d, texts, how, 4, rest, sizeof(rest));
	if (rc != SQLITE_OK)
		return rc;
	bind_hash(in, d, 6, exe->hash_state, exe->sha256);
	bind_text(in, d, 7, names_hash_state(exe->hash_state));
	bind_number(in, d, 8, exe->flags);
	bind_hash(in, d, 9, exe->script_state, exe->script_sha256);
	bind_text(in, d, 10, names_hash_state(exe->script_state));
	return look_up(in, d, key, contime, out);
}

int intern_place(struct intern *in, const struct ps_place *place, int64_t contime, struct interned **out)
{
	const struct ps_text texts[INTERN_TEXTS] = {place->cgroup, place->unit,      place->slice, place->session,
	                                            place->engine, place->container, place->pod};
	static const enum ps_show how[INTERN_TEXTS]; /* all PS_SHOW_PATH */
	uint8_t key[32];
	struct buf all;
	int rc;

	if (!place->cgroup.len && !place->unit.len && !place->container.len && place->owner < 0) {
		*out = &in->nothing;
		return SQLITE_OK;
	}
	buf_init(&all);
	put_texts(&all, texts, INTERN_TEXTS);
	buf_put(&all, &place->owner, sizeof(place->owner));
	sha256_bytes(all.data, all.len, key);
	buf_done(&all);
	*out = table_get(&in->dict[DICT_PLACES].cache, key, sizeof(key));
	if (*out)
		return SQLITE_OK;
	rc = bind_texts(in, DICT_PLACES, texts, how, INTERN_TEXTS, &place->owner, sizeof(place->owner));
	if (rc != SQLITE_OK)
		return rc;
	if (place->owner >= 0)
		bind_number(in, DICT_PLACES, 9, place->owner);
	return look_up(in, DICT_PLACES, key, contime, out);
}

int intern_domain(struct intern *in, struct ps_text domain, int64_t contime, struct interned **out)
{
	uint8_t key[32];
	int rc;

	if (!domain.len) {
		*out = &in->nothing;
		return SQLITE_OK;
	}
	sha256_bytes(domain.data, domain.len, key);
	*out = table_get(&in->dict[DICT_DOMAINS].cache, key, sizeof(key));
	if (*out)
		return SQLITE_OK;
	rc = bind_shown(in, DICT_DOMAINS, 0, 1, domain, PS_SHOW_PATH);
	return rc == SQLITE_OK ? look_up(in, DICT_DOMAINS, key, contime, out) : rc;
}

int intern_addr(struct intern *in, const struct ps_addr *addr, int64_t contime, struct interned **out)
{
	uint8_t key[32] = {addr->family};
	char text[TEXT_ADDR_SIZE];

	memcpy(key + 1, addr->bytes, addr->family == AF_INET6 ? 16 : 4);
	if (!addr->family) {
		*out = &in->nothing;
		return SQLITE_OK;
	}
	*out = table_get(&in->dict[DICT_ADDRESSES].cache, key, sizeof(key));
	if (*out)
		return SQLITE_OK;
	bind_text(in, DICT_ADDRESSES, 1, text_addr(text, addr));
	return look_up(in, DICT_ADDRESSES, key, contime, out);
}

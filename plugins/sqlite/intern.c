/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/sqlite/intern.h"

#include <string.h>

#include "core/base/buf.h"
#include "plugins/sqlite/bind.h"

/* `seen` is written ahead of time by a day, so that a row in steady use is touched once a day. */
#define LEAD 86400

/* One row of a dictionary, as the cache knows it. */
struct interned {
	uint8_t key[ROW_KEY_SIZE];
	int64_t id;
	int64_t seen; /* the row may be removed once all connections up to then are gone */
};

/* Rows with many texts are found by the beginning of their key: an index over the texts would hold
 * every command line twice. */
static const bool keyed[ROW_DICTIONARIES] = {[ROW_EXECUTABLES] = true, [ROW_PLACES] = true};

/* Entries that are kept from one batch to the next: about a megabyte in all. */
static const size_t kept[ROW_DICTIONARIES] = {2048, 2048, 4096, 512};

static int prepare(sqlite3 *db, struct buf *sql, sqlite3_stmt **st)
{
	int rc;

	buf_put_u8(sql, 0);
	rc = sqlite3_prepare_v3(db, (const char *)sql->data, -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
	sql->len = 0;
	return rc;
}

/* Parameters: the columns in the order of their shape; then the key, if there is one; then `seen`. */
static int prepare_all(struct intern *in, sqlite3 *db, enum row_dictionary d, struct buf *sql)
{
	const struct row_shape *shape = &row_dictionaries[d];
	int rc;

	buf_printf(sql, "SELECT id, seen FROM %s WHERE ", shape->name);
	if (keyed[d])
		buf_printf(sql, "key = ?%u AND ", shape->n + 1);
	for (unsigned i = 0; i < shape->n; i++)
		buf_printf(sql, "%s%s %s ?%u", i ? " AND " : "", shape->columns[i].name,
		           shape->columns[i].optional ? "IS" : "=", i + 1);
	if ((rc = prepare(db, sql, &in->dict[d].find)))
		return rc;
	buf_printf(sql, "INSERT INTO %s(", shape->name);
	for (unsigned i = 0; i < shape->n; i++)
		buf_printf(sql, "%s, ", shape->columns[i].name);
	buf_printf(sql, "%sseen) VALUES(", keyed[d] ? "key, " : "");
	for (unsigned i = 0; i < shape->n + keyed[d]; i++)
		buf_put_str(sql, "?, ");
	buf_put_str(sql, "?)");
	if ((rc = prepare(db, sql, &in->dict[d].add)))
		return rc;
	buf_printf(sql, "UPDATE %s SET seen = ?1 WHERE id = ?2", shape->name);
	return prepare(db, sql, &in->dict[d].touch);
}

int intern_init(struct intern *in, sqlite3 *db)
{
	int rc = SQLITE_OK;
	struct buf sql;

	*in = (struct intern){0};
	buf_init(&sql);
	for (int d = 0; d < ROW_DICTIONARIES && rc == SQLITE_OK; d++)
		rc = prepare_all(in, db, (enum row_dictionary)d, &sql);
	buf_done(&sql);
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
	for (int d = 0; d < ROW_DICTIONARIES; d++)
		forget(in, d);
}

void intern_trim(struct intern *in)
{
	for (int d = 0; d < ROW_DICTIONARIES; d++)
		if (in->dict[d].cache.n > kept[d])
			forget(in, d);
}

void intern_done(struct intern *in)
{
	intern_forget(in);
	for (int d = 0; d < ROW_DICTIONARIES; d++) {
		sqlite3_finalize(in->dict[d].find);
		sqlite3_finalize(in->dict[d].add);
		sqlite3_finalize(in->dict[d].touch);
	}
	*in = (struct intern){0};
}

static int64_t short_key(const struct row_entry *entry)
{
	int64_t number;

	memcpy(&number, entry->key, sizeof(number));
	return number;
}

static void bind_entry(sqlite3_stmt *st, enum row_dictionary d, const struct row_entry *entry)
{
	unsigned n = row_dictionaries[d].n;

	for (unsigned i = 0; i < n; i++)
		bind_value(st, (int)i + 1, &entry->values[i]);
	if (keyed[d])
		sqlite3_bind_int64(st, (int)n + 1, short_key(entry));
}

static int find(struct intern *in, enum row_dictionary d, const struct row_entry *entry, struct interned *row,
                bool *found)
{
	sqlite3_stmt *st = in->dict[d].find;
	int rc;

	bind_entry(st, d, entry);
	*found = sqlite3_step(st) == SQLITE_ROW;
	if (*found) {
		row->id = sqlite3_column_int64(st, 0);
		row->seen = sqlite3_column_int64(st, 1);
	}
	rc = sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return rc;
}

static int add(struct intern *in, enum row_dictionary d, const struct row_entry *entry, struct interned *row)
{
	sqlite3_stmt *st = in->dict[d].add;
	int rc;

	bind_entry(st, d, entry);
	sqlite3_bind_int64(st, sqlite3_bind_parameter_count(st), row->seen);
	sqlite3_step(st);
	rc = sqlite3_reset(st);
	row->id = sqlite3_last_insert_rowid(sqlite3_db_handle(st));
	sqlite3_clear_bindings(st);
	return rc;
}

static int touch(struct intern *in, enum row_dictionary d, struct interned *row, int64_t contime)
{
	sqlite3_stmt *st = in->dict[d].touch;

	row->seen = contime + LEAD;
	sqlite3_bind_int64(st, 1, row->seen);
	sqlite3_bind_int64(st, 2, row->id);
	sqlite3_step(st);
	return sqlite3_reset(st);
}

int intern_entry(struct intern *in, enum row_dictionary d, struct row_entry *entry, int64_t contime, int64_t *id)
{
	struct interned *row;
	int rc = SQLITE_OK;
	bool found;

	*id = 0; /* the row of the empty entry */
	if (entry->empty)
		return SQLITE_OK;
	row = entry->note ? entry->note : table_get(&in->dict[d].cache, entry->key, sizeof(entry->key));
	if (!row) {
		row = arena_alloc(&in->dict[d].memory, sizeof(*row));
		memcpy(row->key, entry->key, sizeof(row->key));
		rc = find(in, d, entry, row, &found);
		if (rc == SQLITE_OK && !found) {
			row->seen = contime + LEAD;
			rc = add(in, d, entry, row);
		}
		if (rc != SQLITE_OK)
			return rc;
		table_add(&in->dict[d].cache, row->key, sizeof(row->key), row);
	}
	entry->note = row;
	*id = row->id;
	return row->seen < contime ? touch(in, d, row, contime) : SQLITE_OK;
}

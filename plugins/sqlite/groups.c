/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/sqlite/groups.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/count.h"
#include "core/question.h"

/* A key is a number, or the address of a text that is kept: `texts` has its bit then. Texts are few: directions, say.
 */
struct group {
	uint64_t texts;
	int64_t numbers[]; /* keys, then sums */
};

_Static_assert(PS_DIMENSIONS <= 64, "a key is a bit");

static void begin(struct groups *g, unsigned keys, unsigned sums)
{
	*g = (struct groups){.keys = keys, .sums = sums};
	table_init(&g->by_keys);
	table_init(&g->texts);
	arena_init(&g->memory);
}

void groups_begin(struct groups *g, unsigned keys)
{
	begin(g, keys, GROUPS_SUMS);
}

void groups_begin_parts(struct groups *g, unsigned keys, int (*tell)(void *arg), void *arg)
{
	begin(g, keys, GROUPS_CALLS);
	g->tell = tell;
	g->arg = arg;
}

static void forget(struct groups *g)
{
	table_clear(&g->by_keys);
	table_clear(&g->texts);
	arena_done(&g->memory);
	g->n = 0;
	g->bytes = 0;
}

void groups_done(struct groups *g)
{
	table_done(&g->by_keys);
	free(g->list);
	g->list = NULL;
	g->n = 0;
	table_done(&g->texts);
	arena_done(&g->memory);
}

static const struct ps_text *keep(struct groups *g, const void *data, uint32_t len)
{
	struct ps_text *text = table_get(&g->texts, data, len);

	if (text)
		return text;
	text = arena_alloc(&g->memory, sizeof(*text));
	*text = (struct ps_text){arena_copy(&g->memory, data, len), len};
	table_add(&g->texts, text->data, text->len, text);
	g->bytes += sizeof(*text) + len + TABLE_ENTRY_BYTES;
	return text;
}

static void read_key(struct groups *g, sqlite3_value *value, unsigned i, struct group *key)
{
	if (sqlite3_value_type(value) == SQLITE_INTEGER) {
		key->numbers[i] = sqlite3_value_int64(value);
	} else {
		const void *data = sqlite3_value_text(value);

		key->numbers[i] = (int64_t)(uintptr_t)keep(g, data, (uint32_t)sqlite3_value_bytes(value));
		key->texts |= UINT64_C(1) << i;
	}
}

static struct group *group_of(struct groups *g, const struct group *key)
{
	size_t len = sizeof(*key) + g->keys * sizeof(*key->numbers), size = len + g->sums * sizeof(*key->numbers);
	struct group *group = table_get(&g->by_keys, key, len);

	if (group)
		return group;
	group = arena_alloc(&g->memory, size);
	memcpy(group, key, len);
	if (g->sums > GROUPS_FIRST) {
		group->numbers[g->keys + GROUPS_FIRST] = INT64_MAX;
		group->numbers[g->keys + GROUPS_LAST] = INT64_MIN;
	}
	table_add(&g->by_keys, group, len, group);
	if (!(g->n & (g->n - 1)))
		g->list = mem_resize(g->list, (g->n ? g->n * 2 : 1) * sizeof(struct group *));
	g->list[g->n++] = group;
	g->bytes += size + TABLE_ENTRY_BYTES;
	return group;
}

static void count(const struct groups *g, sqlite3_value **values, int64_t *sums)
{
	for (unsigned i = 0; i < g->sums; i++) {
		int64_t n = sqlite3_value_int64(values[i]);

		if (i == GROUPS_FIRST)
			sums[i] = n < sums[i] ? n : sums[i];
		else if (i == GROUPS_LAST)
			sums[i] = n > sums[i] ? n : sums[i];
		else
			sums[i] = count_add_signed(sums[i], n);
	}
}

/* The aggregate's, for each row. That a row is stepped to and its columns are asked for takes longer than all of this.
 */
static void on_row(sqlite3_context *context, int n, sqlite3_value **values)
{
	struct groups *g = sqlite3_user_data(context);
	union {
		struct group group;
		int64_t room[1 + PS_DIMENSIONS];
	} key;

	if ((unsigned)n != g->keys + g->sums) {
		sqlite3_result_error_code(context, SQLITE_MISUSE);
		return;
	}
	key.group.texts = 0;
	for (unsigned i = 0; i < g->keys; i++)
		read_key(g, values[i], i, &key.group);
	count(g, values + g->keys, group_of(g, &key.group)->numbers + g->keys);
	if (!g->tell) {
		g->full = g->bytes > GROUPS_BYTES_MAX;
		if (g->full)
			sqlite3_result_error_code(context, SQLITE_ABORT);
	} else if (g->n == GROUPS_PART || g->bytes > GROUPS_BYTES_MAX) {
		int rc = g->tell(g->arg);

		forget(g);
		if (rc != SQLITE_OK)
			sqlite3_result_error_code(context, rc);
	}
}

static void on_end(sqlite3_context *context)
{
	sqlite3_result_null(context);
}

const struct ps_text *groups_key(const struct groups *g, size_t i, unsigned key, int64_t *number)
{
	const struct group *group = g->list[i];

	if (group->texts >> key & 1)
		return (const struct ps_text *)(uintptr_t)group->numbers[key];
	*number = group->numbers[key];
	return NULL;
}

int64_t groups_sum(const struct groups *g, size_t i, enum groups_sum which)
{
	return g->list[i]->numbers[g->keys + which];
}

/* ---- the table ---- */

struct view {
	sqlite3_vtab base;
	const struct groups *groups;
};

struct walk {
	sqlite3_vtab_cursor base;
	size_t at;
};

static int on_connect(sqlite3 *db, void *groups, int n, const char *const *words, sqlite3_vtab **out, char **error)
{
	struct view *v = sqlite3_malloc(sizeof(*v));
	struct buf columns = {0};
	int rc;

	(void)n;
	(void)words;
	(void)error;
	if (!v)
		return SQLITE_NOMEM;
	*v = (struct view){.groups = groups};
	buf_put_str(&columns, "CREATE TABLE t(sent, received, n, calls, first, last");
	for (unsigned i = 0; i < PS_DIMENSIONS; i++)
		buf_printf(&columns, ", k%u", i);
	buf_put(&columns, ")", 2);
	sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
	rc = sqlite3_declare_vtab(db, (char *)columns.data);
	buf_done(&columns);
	if (rc == SQLITE_OK)
		*out = &v->base;
	else
		sqlite3_free(v);
	return rc;
}

static int on_disconnect(sqlite3_vtab *base)
{
	sqlite3_free(base);
	return SQLITE_OK;
}

static int on_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	size_t n = ((struct view *)base)->groups->n;

	info->estimatedRows = (sqlite3_int64)n;
	info->estimatedCost = (double)n;
	return SQLITE_OK;
}

static int on_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct walk *w = sqlite3_malloc(sizeof(*w));

	(void)base;
	if (!w)
		return SQLITE_NOMEM;
	*w = (struct walk){0};
	*out = &w->base;
	return SQLITE_OK;
}

static int on_close(sqlite3_vtab_cursor *base)
{
	sqlite3_free(base);
	return SQLITE_OK;
}

static const struct groups *groups_of(const sqlite3_vtab_cursor *base)
{
	return ((const struct view *)base->pVtab)->groups;
}

static int on_filter(sqlite3_vtab_cursor *base, int index, const char *words, int n, sqlite3_value **values)
{
	(void)index;
	(void)words;
	(void)n;
	(void)values;
	((struct walk *)base)->at = 0;
	return SQLITE_OK;
}

static int on_next(sqlite3_vtab_cursor *base)
{
	((struct walk *)base)->at++;
	return SQLITE_OK;
}

static int on_eof(sqlite3_vtab_cursor *base)
{
	return ((struct walk *)base)->at >= groups_of(base)->n;
}

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *to, int column)
{
	const struct groups *g = groups_of(base);
	size_t at = ((struct walk *)base)->at;
	unsigned key = (unsigned)column - GROUPS_SUMS;
	const struct ps_text *text;
	int64_t number = 0;

	if (column < GROUPS_SUMS) {
		sqlite3_result_int64(to, groups_sum(g, at, (enum groups_sum)column));
	} else if (key >= g->keys) {
		sqlite3_result_null(to);
	} else if ((text = groups_key(g, at, key, &number))) {
		sqlite3_result_text64(to, text->data, text->len, SQLITE_STATIC, SQLITE_UTF8);
	} else {
		sqlite3_result_int64(to, number);
	}
	return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *id)
{
	*id = (sqlite3_int64)((struct walk *)base)->at;
	return SQLITE_OK;
}

int groups_register(sqlite3 *db, struct groups *g)
{
	static const sqlite3_module module = {
	    .xCreate = on_connect,
	    .xConnect = on_connect,
	    .xBestIndex = on_best_index,
	    .xDisconnect = on_disconnect,
	    .xDestroy = on_disconnect,
	    .xOpen = on_open,
	    .xClose = on_close,
	    .xFilter = on_filter,
	    .xNext = on_next,
	    .xEof = on_eof,
	    .xColumn = on_column,
	    .xRowid = on_rowid,
	};
	int rc =
	    sqlite3_create_function(db, GROUPS_AGGREGATE, -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, g, NULL, on_row, on_end);

	if (rc == SQLITE_OK)
		rc = sqlite3_create_module(db, "groups", &module, g);
	return rc == SQLITE_OK ? sqlite3_exec(db, "CREATE VIRTUAL TABLE " GROUPS_TABLE " USING groups", NULL, NULL, NULL)
	                       : rc;
}

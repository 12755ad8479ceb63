/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/mariadb/bulk.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

#define ARRAY_ROWS 4096
#define ARRAY_BYTES ((size_t)4 << 20)
#define SEVERAL 200 /* rows of a statement without arrays: 65,535 parameters are the most */

void bulk_init(struct bulk *b, const char *table, bool ignore)
{
	*b = (struct bulk){.table = table, .ignore = ignore};
}

void bulk_column(struct bulk *b, const char *name, enum row_type type)
{
	if (b->n_columns == BULK_COLUMNS)
		abort();
	b->columns[b->n_columns++] = (struct bulk_column){.name = name, .type = type};
}

void bulk_done(struct bulk *b)
{
	bulk_forget(b);
	for (unsigned i = 0; i < b->n_columns; i++) {
		free(b->columns[i].numbers);
		free(b->columns[i].texts);
		free(b->columns[i].lengths);
		free(b->columns[i].indicators);
	}
	free(b->sizes);
	buf_done(&b->sql);
}

void bulk_clear(struct bulk *b)
{
	b->n = 0;
}

void bulk_forget(struct bulk *b)
{
	if (b->one)
		mysql_stmt_close(b->one);
	if (b->several)
		mysql_stmt_close(b->several);
	b->one = b->several = NULL;
}

static void grow(struct bulk *b)
{
	b->cap = b->cap ? 2 * b->cap : 256;
	for (unsigned i = 0; i < b->n_columns; i++) {
		struct bulk_column *c = &b->columns[i];

		c->indicators = mem_resize(c->indicators, b->cap);
		if (c->type == ROW_NUMBER) {
			c->numbers = mem_resize(c->numbers, b->cap * sizeof(*c->numbers));
		} else {
			c->texts = mem_resize(c->texts, b->cap * sizeof(*c->texts));
			c->lengths = mem_resize(c->lengths, b->cap * sizeof(*c->lengths));
		}
	}
	b->sizes = mem_resize(b->sizes, b->cap * sizeof(*b->sizes));
}

static void put_null(struct bulk *b, unsigned column)
{
	struct bulk_column *c = &b->columns[column];
	uint32_t row = b->n - 1;

	c->indicators[row] = STMT_INDICATOR_NULL;
	b->sizes[row] += 1;
	if (c->type == ROW_NUMBER) {
		c->numbers[row] = 0;
	} else {
		c->texts[row] = NULL;
		c->lengths[row] = 0;
	}
}

void bulk_row(struct bulk *b)
{
	if (b->n == b->cap)
		grow(b);
	b->sizes[b->n++] = 0;
	for (unsigned i = 0; i < b->n_columns; i++)
		put_null(b, i);
}

void bulk_number(struct bulk *b, unsigned column, int64_t number)
{
	b->columns[column].indicators[b->n - 1] = STMT_INDICATOR_NONE;
	b->columns[column].numbers[b->n - 1] = number;
	b->sizes[b->n - 1] += 8;
}

void bulk_bytes(struct bulk *b, unsigned column, const void *data, size_t len)
{
	struct bulk_column *c = &b->columns[column];

	c->indicators[b->n - 1] = STMT_INDICATOR_NONE;
	/* The library only reads it. */
	c->texts[b->n - 1] = (char *)(uintptr_t)(data ? data : "");
	c->lengths[b->n - 1] = len;
	b->sizes[b->n - 1] += len + 9;
}

void bulk_value(struct bulk *b, unsigned column, const struct row_value *v)
{
	if (v->type == ROW_NUMBER)
		bulk_number(b, column, v->number);
	else if (v->type == ROW_TEXT)
		bulk_bytes(b, column, v->text.data, v->text.len);
	else if (v->type == ROW_ENTRY)
		bulk_bytes(b, column, v->entry->key, RELATION_KEY_SIZE);
}

bool bulk_fits(const struct bulk *b, const struct link *l, uint32_t row)
{
	return b->sizes[row] < l->packet - 4096;
}

static enum trouble prepare(struct bulk *b, struct link *l, MYSQL_STMT **st, uint32_t rows)
{
	if (*st)
		return LINK_FINE;
	b->sql.len = 0;
	buf_printf(&b->sql, "INSERT %sINTO `%s` (", b->ignore ? "IGNORE " : "", b->table);
	for (unsigned i = 0; i < b->n_columns; i++)
		buf_printf(&b->sql, "%s`%s`", i ? ", " : "", b->columns[i].name);
	buf_put_str(&b->sql, ") VALUES ");
	for (uint32_t row = 0; row < rows; row++)
		for (unsigned i = 0; i < b->n_columns; i++)
			buf_put_str(&b->sql, i ? ", ?" : row ? "), (?" : "(?");
	buf_put_str(&b->sql, ")");
	buf_put_u8(&b->sql, 0);
	return link_prepare(l, st, (const char *)b->sql.data);
}

static enum enum_field_types wire_type(enum row_type type)
{
	return type == ROW_NUMBER ? MYSQL_TYPE_LONGLONG : type == ROW_TEXT ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
}

static enum trouble executed(struct bulk *b, struct link *l, MYSQL_STMT *st, uint64_t *inserted)
{
	if (mysql_stmt_execute(st))
		return link_failed(l, st);
	*inserted += mysql_stmt_affected_rows(st);
	return b->ignore && mysql_stmt_warning_count(st) ? link_ignored(l) : LINK_FINE;
}

static enum trouble insert_array(struct bulk *b, struct link *l, uint32_t from, uint32_t to, uint64_t *inserted)
{
	MYSQL_BIND binds[BULK_COLUMNS];
	enum trouble trouble = prepare(b, l, &b->one, 1);
	unsigned rows = to - from;

	if (trouble != LINK_FINE)
		return trouble;
	memset(binds, 0, sizeof(binds));
	for (unsigned i = 0; i < b->n_columns; i++) {
		const struct bulk_column *c = &b->columns[i];

		binds[i].buffer_type = wire_type(c->type);
		binds[i].buffer = c->type == ROW_NUMBER ? (void *)(c->numbers + from) : (void *)(c->texts + from);
		binds[i].length = c->type == ROW_NUMBER ? NULL : c->lengths + from;
		binds[i].u.indicator = c->indicators + from;
	}
	if (mysql_stmt_attr_set(b->one, STMT_ATTR_ARRAY_SIZE, &rows) || mysql_stmt_bind_param(b->one, binds))
		return link_failed(l, b->one);
	return executed(b, l, b->one, inserted);
}

static enum trouble insert_rows(struct bulk *b, struct link *l, uint32_t from, uint32_t to, uint64_t *inserted)
{
	MYSQL_STMT **st = to - from == 1 ? &b->one : &b->several;
	size_t n = (size_t)(to - from) * b->n_columns;
	static my_bool yes = 1;
	enum trouble trouble = prepare(b, l, st, to - from);
	MYSQL_BIND *binds;

	if (trouble != LINK_FINE)
		return trouble;
	binds = mem_alloc(n * sizeof(*binds));
	for (size_t at = 0; at < n; at++) {
		const struct bulk_column *c = &b->columns[at % b->n_columns];
		size_t row = from + at / b->n_columns;

		binds[at].buffer_type = wire_type(c->type);
		if (c->indicators[row] == STMT_INDICATOR_NULL) {
			binds[at].is_null = &yes;
		} else if (c->type == ROW_NUMBER) {
			binds[at].buffer = c->numbers + row;
		} else {
			binds[at].buffer = c->texts[row];
			binds[at].buffer_length = c->lengths[row];
			binds[at].length = &c->lengths[row];
		}
	}
	trouble = mysql_stmt_bind_param(*st, binds) ? link_failed(l, *st) : executed(b, l, *st, inserted);
	free(binds);
	return trouble;
}

/* How many of the rows go into the next statement. */
static uint32_t chunk(const struct bulk *b, const struct link *l, uint32_t from, uint32_t to)
{
	size_t room = l->packet / 2 < ARRAY_BYTES ? l->packet / 2 : ARRAY_BYTES, bytes = 0;
	uint32_t most = l->arrays ? ARRAY_ROWS : SEVERAL, n = 0;

	while (from + n < to && n < most && (!n || bytes + b->sizes[from + n] < room))
		bytes += b->sizes[from + n++];
	/* Without arrays, a statement is prepared for one number of rows. */
	return l->arrays || n == SEVERAL ? n : 1;
}

enum trouble bulk_insert(struct bulk *b, struct link *l, uint32_t from, uint32_t to, uint64_t *inserted)
{
	enum trouble trouble = LINK_FINE;

	for (uint32_t n; from < to && trouble == LINK_FINE; from += n) {
		n = chunk(b, l, from, to);
		trouble = (l->arrays ? insert_array : insert_rows)(b, l, from, from + n, inserted);
	}
	return trouble;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dictionaries: entries are named by their content, so whoever inserts one first has inserted it for all. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "plugins/postgres/store.h"

/* Of one statement. */
#define ROWS 500
#define BYTES ((size_t)4 << 20)

static size_t size_of(const struct row_shape *shape, const struct row_entry *entry)
{
	size_t n = 0;

	for (unsigned i = 0; i < shape->n; i++)
		n += entry->values[i].type == ROW_TEXT ? entry->values[i].text.len : 0;
	return n;
}

static struct link_value value_of(const struct row_value *v, char number[24])
{
	if (v->type == ROW_TEXT)
		return (struct link_value){v->text.data, (int)v->text.len, 1};
	if (v->type != ROW_NUMBER)
		return (struct link_value){0};
	return (struct link_value){number, snprintf(number, 24, "%" PRId64, v->number), 0};
}

/* "INSERT INTO name (key, ...) VALUES ($1, ...), ($10, ...) ON CONFLICT DO NOTHING" */
static void put_insert(struct buf *sql, const char *name, const struct row_shape *shape, size_t n)
{
	unsigned parameter = 1;

	sql->len = 0;
	buf_printf(sql, "INSERT INTO %s (key", name);
	for (unsigned i = 0; i < shape->n; i++)
		buf_printf(sql, ", %s", shape->columns[i].name);
	buf_put_str(sql, ") VALUES ");
	for (size_t row = 0; row < n; row++) {
		for (unsigned i = 0; i <= shape->n; i++)
			buf_printf(sql, "%s$%u", i ? ", " : row ? ", (" : "(", parameter++);
		buf_put_str(sql, ")");
	}
	buf_put_str(sql, " ON CONFLICT DO NOTHING");
	buf_put_u8(sql, 0);
}

static enum trouble insert(struct store *s, enum row_dictionary d, const struct row_entry *const *list, size_t n)
{
	const struct row_shape *shape = &row_dictionaries[d];
	size_t width = shape->n + 1;
	struct link_value *values = mem_alloc(n * width * sizeof(*values));
	char(*numbers)[24] = mem_alloc(n * width * sizeof(*numbers));
	enum trouble trouble;

	for (size_t row = 0; row < n; row++) {
		values[row * width] = (struct link_value){(const char *)list[row]->key, TUPLES_ID, 1};
		for (unsigned i = 0; i < shape->n; i++)
			values[row * width + 1 + i] = value_of(&list[row]->values[i], numbers[row * width + 1 + i]);
	}
	put_insert(&s->sql, s->schema.dictionaries[d], shape, n);
	trouble = link_ask(&s->link, (const char *)s->sql.data, values, (int)(n * width), NULL);
	free(values);
	free(numbers);
	return trouble;
}

/* How many of the list go into the next statement. */
static size_t chunk(enum row_dictionary d, const struct row_entry *const *list, size_t n)
{
	size_t bytes = 0, i = 0;

	while (i < n && i < ROWS && (!i || bytes < BYTES))
		bytes += size_of(&row_dictionaries[d], list[i++]);
	return i;
}

static enum trouble insert_all(struct store *s)
{
	enum trouble trouble = link_run(&s->link, (const char *)s->begin.data);

	for (enum row_dictionary d = 0; d < ROW_DICTIONARIES; d++) {
		size_t n, take;
		const struct row_entry *const *list = entries_wanted(&s->entries, d, &n);

		for (; n && trouble == LINK_FINE; list += take, n -= take) {
			take = chunk(d, list, n);
			trouble = insert(s, d, list, take);
		}
	}
	return trouble == LINK_FINE ? link_run(&s->link, "COMMIT") : trouble;
}

/* One after the other, each on its own. */
static enum trouble insert_each(struct store *s)
{
	for (enum row_dictionary d = 0; d < ROW_DICTIONARIES; d++) {
		size_t n;
		const struct row_entry *const *list = entries_wanted(&s->entries, d, &n);

		for (size_t i = 0; i < n; i++) {
			enum trouble trouble = insert(s, d, &list[i], 1);

			if (trouble == LINK_ROW || trouble == LINK_NOWHERE)
				entries_refuse(&s->entries, list[i]);
			else if (trouble != LINK_FINE)
				return trouble;
		}
	}
	return LINK_FINE;
}

/* The rows that cannot be stored without what was refused. */
static void refuse_rows(struct store *s, struct rows *rows)
{
	const struct ps_batch *b = rows->batch;
	struct row_value values[ROW_COLUMNS_MAX];
	char why[sizeof(s->link.why) + 64];

	snprintf(why, sizeof(why), "what it refers to is refused: %s", s->link.why);
	for (enum row_table table = 0; table < ROW_TABLES; table++) {
		uint32_t row = 0;

		for (uint32_t i = 0; i < b->n_records; i++) {
			if (b->records[i].kind != row_kind(table))
				continue;
			rows_get(rows, table, &b->records[i], values);
			for (unsigned c = 0; c < row_tables[table].n; c++)
				if (row_tables[table].columns[c].type == ROW_ENTRY && entries_refused(&s->entries, values[c].entry)) {
					store_refuse(s, table, row, why);
					break;
				}
			row++;
		}
	}
}

enum trouble store_entries(struct store *s, struct rows *rows)
{
	enum trouble trouble;
	size_t wanted = 0, n;

	for (enum row_dictionary d = 0; d < ROW_DICTIONARIES; d++) {
		entries_wanted(&s->entries, d, &n);
		wanted += n;
	}
	if (!wanted)
		return LINK_FINE;
	trouble = insert_all(s);
	if (trouble == LINK_ROW || trouble == LINK_NOWHERE) {
		trouble = link_run(&s->link, "ROLLBACK");
		if (trouble == LINK_FINE)
			trouble = insert_each(s);
		if (trouble == LINK_FINE)
			refuse_rows(s, rows);
	}
	if (trouble == LINK_FINE)
		entries_stored(&s->entries);
	return trouble;
}

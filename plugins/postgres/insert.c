/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/postgres/insert.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* Of one statement. */
#define ROWS 500
#define BYTES ((size_t)4 << 20)

/* "INSERT INTO name (key, ...) VALUES ($1, ...), ($10, ...) ON CONFLICT DO NOTHING" */
static unsigned put_insert(struct buf *sql, const char *table, unsigned relation, size_t rows)
{
	struct relation_column c;
	unsigned width = 0, parameter = 1;

	sql->len = 0;
	buf_printf(sql, "INSERT INTO %s (", table);
	for (; relation_column(relation, width, &c); width++)
		buf_printf(sql, "%s%s", width ? ", " : "", c.name);
	buf_put_str(sql, ") VALUES ");
	for (size_t row = 0; row < rows; row++) {
		for (unsigned i = 0; i < width; i++)
			buf_printf(sql, "%s$%u", i ? ", " : row ? ", (" : "(", parameter++);
		buf_put_str(sql, ")");
	}
	buf_put_str(sql, " ON CONFLICT DO NOTHING");
	buf_put_u8(sql, 0);
	return width;
}

/* A value as a parameter; numbers need room. */
static struct link_value value_of(const struct row_value *v, uint64_t *number)
{
	if (v->type == ROW_TEXT)
		return (struct link_value){v->text.data, (int)v->text.len, 1};
	if (v->type != ROW_NUMBER)
		return (struct link_value){0};
	*number = htobe64((uint64_t)v->number);
	return (struct link_value){(const char *)number, sizeof(*number), 1};
}

enum trouble insert_ledger(struct link *l, struct buf *sql, const char *table, const struct deposit_batch *batch,
                           bool *is_new)
{
	struct link_value values[LEDGER_COLUMNS];
	uint64_t numbers[LEDGER_COLUMNS];
	PGresult *result = NULL;
	enum trouble trouble;

	put_insert(sql, table, RELATION_BATCHES, 1);
	for (unsigned i = 0; i < LEDGER_COLUMNS; i++)
		values[i] = value_of(&batch->values[i], &numbers[i]);
	trouble = link_ask(l, (const char *)sql->data, values, LEDGER_COLUMNS, &result);
	if (trouble == LINK_FINE) {
		*is_new = strcmp(PQcmdTuples(result), "0") != 0;
		PQclear(result);
	}
	return trouble;
}

static enum trouble insert_some(struct link *l, struct buf *sql, const char *table, enum row_dictionary d,
                                const struct row_entry *const *list, size_t n)
{
	unsigned width = put_insert(sql, table, ROW_TABLES + d, n);
	struct link_value *values = mem_alloc(n * width * sizeof(*values)), *value = values;
	uint64_t *numbers = mem_alloc(n * width * sizeof(*numbers)), *number = numbers;
	enum trouble trouble;

	for (size_t row = 0; row < n; row++) {
		*value++ = (struct link_value){(const char *)list[row]->key, RELATION_KEY_SIZE, 1};
		for (unsigned i = 0; i + 1 < width; i++)
			*value++ = value_of(&list[row]->values[i], number++);
	}
	trouble = link_ask(l, (const char *)sql->data, values, (int)(n * width), NULL);
	free(values);
	free(numbers);
	return trouble;
}

static size_t size_of(const struct row_shape *shape, const struct row_entry *entry)
{
	size_t n = 0;

	for (unsigned i = 0; i < shape->n; i++)
		n += entry->values[i].type == ROW_TEXT ? entry->values[i].text.len : 0;
	return n;
}

/* How many of the list go into the next statement. */
static size_t chunk(enum row_dictionary d, const struct row_entry *const *list, size_t n)
{
	size_t bytes = 0, i = 0;

	while (i < n && i < ROWS && (!i || bytes < BYTES))
		bytes += size_of(&row_dictionaries[d], list[i++]);
	return i;
}

enum trouble insert_dictionary(struct link *l, struct buf *sql, const char *table, enum row_dictionary d,
                               const struct row_entry *const *list, size_t n)
{
	enum trouble trouble = LINK_FINE;

	for (size_t take; n && trouble == LINK_FINE; list += take, n -= take) {
		take = chunk(d, list, n);
		trouble = insert_some(l, sql, table, d, list, take);
	}
	return trouble;
}

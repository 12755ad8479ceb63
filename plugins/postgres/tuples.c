/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/postgres/tuples.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

#define OWN 3 /* host, batch, row */

void tuples_clear(struct tuples *t)
{
	t->data.len = 0;
	t->n = 0;
}

void tuples_done(struct tuples *t)
{
	buf_done(&t->data);
	free(t->ends);
	*t = (struct tuples){0};
}

/* Numbers are in network order. */
static uint8_t *put_u32(uint8_t *to, uint32_t n)
{
	n = htobe32(n);
	memcpy(to, &n, sizeof(n));
	return to + sizeof(n);
}

static uint8_t *put_bytes(uint8_t *to, const void *bytes, uint32_t len)
{
	to = put_u32(to, len);
	memcpy(to, bytes, len);
	return to + len;
}

static uint8_t *put_value(uint8_t *to, const struct row_value *v)
{
	uint64_t number;

	switch (v->type) {
	case ROW_NUMBER:
		number = htobe64((uint64_t)v->number);
		return put_bytes(to, &number, sizeof(number));
	case ROW_TEXT:
		return put_bytes(to, v->text.data, v->text.len);
	case ROW_ENTRY:
		return put_bytes(to, v->entry->key, RELATION_KEY_SIZE);
	default:
		return put_u32(to, UINT32_MAX); /* NULL */
	}
}

void tuples_add(struct tuples *t, const struct row_shape *shape, const struct row_value *values,
                const uint8_t host[RELATION_KEY_SIZE], const uint8_t batch[RELATION_KEY_SIZE], uint32_t row)
{
	uint16_t fields = htobe16((uint16_t)(shape->n + OWN));
	uint32_t number = htobe32(row);
	size_t most = sizeof(fields) + (shape->n + OWN) * (sizeof(uint32_t) + RELATION_KEY_SIZE);
	uint8_t *start, *to;

	for (unsigned i = 0; i < shape->n; i++)
		most += values[i].type == ROW_TEXT ? values[i].text.len : 0;
	to = start = buf_add(&t->data, most);
	memcpy(to, &fields, sizeof(fields));
	to += sizeof(fields);
	for (unsigned i = 0; i < shape->n; i++)
		to = put_value(to, &values[i]);
	to = put_bytes(to, host, RELATION_KEY_SIZE);
	to = put_bytes(to, batch, RELATION_KEY_SIZE);
	to = put_bytes(to, &number, sizeof(number));
	t->data.len -= most - (size_t)(to - start);
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 1024;
		t->ends = mem_resize(t->ends, t->cap * sizeof(*t->ends));
	}
	t->ends[t->n++] = t->data.len;
}

void tuples_copy(struct buf *sql, const char *name, const struct row_shape *shape)
{
	sql->len = 0;
	buf_printf(sql, "COPY %s (", name);
	for (unsigned i = 0; i < shape->n; i++)
		buf_printf(sql, "%s, ", shape->columns[i].name);
	buf_put_str(sql, "host, batch, row) FROM STDIN (FORMAT binary)");
	buf_put_u8(sql, 0);
}

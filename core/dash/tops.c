/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/tops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/count.h"
#include "core/query/names.h"

/* A value, its place in the list and in the table. */
#define VALUE_BYTES (sizeof(struct tops_value) + sizeof(struct tops_value *) + TABLE_ENTRY_BYTES)

void tops_init(struct tops *t, const enum ps_dimension *by, unsigned n)
{
	*t = (struct tops){.n = n, .by = by};
	for (unsigned i = 0; i < n; i++)
		table_init(&t->of[i].by_value);
	arena_init(&t->memory);
}

void tops_done(struct tops *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		table_done(&t->of[i].by_value);
		free(t->of[i].values);
	}
	arena_done(&t->memory);
}

static struct tops_value *value_of(struct tops *t, struct tops_of *of, struct ps_text text)
{
	struct tops_value *v = table_get(&of->by_value, text.data, text.len);

	if (v)
		return v;
	v = arena_alloc(&t->memory, sizeof(*v));
	v->value = (struct ps_text){arena_copy(&t->memory, text.data, text.len), text.len};
	table_add(&of->by_value, v->value.data, v->value.len, v);
	if (of->n == of->room) {
		of->room = of->room ? 2 * of->room : 64;
		of->values = mem_resize(of->values, of->room * sizeof(*of->values));
	}
	of->values[of->n++] = v;
	t->bytes += VALUE_BYTES + text.len;
	return v;
}

int tops_put(struct tops *t, const struct ps_answer_row *row)
{
	for (unsigned i = 0; i < t->n; i++) {
		struct tops_value *v = value_of(t, &t->of[i], row->values[i]);

		v->sent = count_add(v->sent, row->sent);
		v->received = count_add(v->received, row->received);
		v->rows = count_add(v->rows, row->rows);
	}
	t->sent = count_add(t->sent, row->sent);
	t->received = count_add(t->received, row->received);
	t->rows = count_add(t->rows, row->rows);
	return t->bytes > TOPS_BYTES_MAX ? -E2BIG : 0;
}

static int larger_first(const void *one, const void *two)
{
	const struct tops_value *a = *(struct tops_value *const *)one, *b = *(struct tops_value *const *)two;
	uint32_t least = a->value.len < b->value.len ? a->value.len : b->value.len;
	int order;

	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	order = memcmp(a->value.data, b->value.data, least);
	return order ? order : a->value.len < b->value.len ? -1 : a->value.len > b->value.len;
}

void tops_order(struct tops *t, enum ps_order order)
{
	for (unsigned i = 0; i < t->n; i++) {
		struct tops_of *of = &t->of[i];
		int numbers = names_is_number(t->by[i]);

		for (size_t j = 0; j < of->n; j++) {
			struct tops_value *v = of->values[j];

			v->size = order == PS_ORDER_SENT       ? v->sent
			          : order == PS_ORDER_RECEIVED ? v->received
			                                       : count_add(v->sent, v->received);
			v->number = numbers ? strtoll(v->value.data, NULL, 10) : 0;
		}
		if (of->n)
			qsort(of->values, of->n, sizeof(*of->values), larger_first);
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/growth.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

struct group {
	uint64_t sent, received, calls, rows;
	int64_t last;
	size_t len;
	uint8_t key[];
};

void growth_init(struct growth *g, uint32_t n_by)
{
	g->n_by = n_by;
	table_init(&g->groups);
}

/* The group's values, each with its length. */
static void put_key(struct buf *key, uint32_t n, const struct ps_text *values)
{
	for (uint32_t i = 0; i < n; i++) {
		buf_put_u32(key, values[i].len);
		buf_put(key, values[i].data, values[i].len);
	}
}

static struct group *find(struct growth *g, const struct ps_answer_row *row)
{
	struct group *group;
	struct buf key;

	buf_init(&key);
	put_key(&key, g->n_by, row->values);
	group = table_get(&g->groups, key.data, key.len);
	if (!group) {
		group = mem_alloc(sizeof(*group) + key.len);
		group->last = INT64_MIN;
		group->len = key.len;
		if (key.len)
			memcpy(group->key, key.data, key.len);
		table_add(&g->groups, group->key, group->len, group);
	}
	buf_done(&key);
	return group;
}

/* Retention may have taken some away meanwhile. */
static uint64_t more(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

bool growth_row(struct growth *g, struct ps_answer_row *row)
{
	struct group *group = find(g, row), before = *group;

	group->sent = row->sent;
	group->received = row->received;
	group->calls = row->calls;
	group->rows = row->rows;
	group->last = row->last;
	row->sent = more(row->sent, before.sent);
	row->received = more(row->received, before.received);
	row->calls = more(row->calls, before.calls);
	row->rows = more(row->rows, before.rows);
	if (before.last > row->first)
		row->first = before.last;
	return row->rows > 0;
}

void growth_done(struct growth *g)
{
	struct group *group;

	for (size_t at = 0; (group = table_next(&g->groups, &at));)
		free(group);
	table_done(&g->groups);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/sqlite/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/query/sql.h"

#define TEXTS_MAX (16 << 20) /* bytes of them that are kept */

/* The text of an id. */
struct entry {
	int64_t id;
	struct ps_text text; /* data is NULL: the dictionary does not have it */
};

/* What a dimension of the question is told as. */
struct told {
	unsigned key;
	sqlite3_stmt *find; /* gives the text of an id; NULL: it is the key itself */
	struct table by_id;
	const struct entry *last; /* neighbours are often of the same */
	int64_t number;
	char digits[24];
};

struct parts {
	const struct groups *groups;
	const struct ps_question *question;
	const struct ps_answer *answer;
	struct told told[PS_DIMENSIONS];
	struct ps_text values[PS_DIMENSIONS];
	struct arena memory; /* of entries */
	size_t bytes;
	bool enough;
	int rc;
};

int parts_new(struct parts **parts, sqlite3 *db, const struct sql_dialect *dialect, const struct groups *groups,
              const struct ps_question *q, const struct ps_answer *answer)
{
	struct parts *p = mem_alloc(sizeof(*p));

	*p = (struct parts){.groups = groups, .question = q, .answer = answer};
	*parts = p;
	arena_init(&p->memory);
	for (unsigned i = 0; i < q->n_by; i++) {
		struct told *t = &p->told[i];
		struct sql sql;

		t->key = sql_key_of(q, i);
		snprintf(t->digits, sizeof(t->digits), "0");
		table_init(&t->by_id);
		if (p->rc != SQLITE_OK || !sql_build_value(&sql, dialect, q, i))
			continue;
		p->rc = sqlite3_prepare_v2(db, (const char *)sql.text.data, -1, &t->find, NULL);
		sql_done(&sql);
	}
	return p->rc;
}

static void forget_entries(struct parts *p)
{
	for (unsigned i = 0; i < p->question->n_by; i++) {
		p->told[i].last = NULL;
		table_done(&p->told[i].by_id);
	}
	arena_done(&p->memory);
	p->bytes = 0;
}

void parts_free(struct parts *p)
{
	forget_entries(p);
	for (unsigned i = 0; i < p->question->n_by; i++)
		sqlite3_finalize(p->told[i].find);
	free(p);
}

bool parts_enough(const struct parts *p)
{
	return p->enough;
}

/* Asks the dictionary. NULL: SQLite fails. */
static const struct entry *find_entry(struct parts *p, struct told *t, int64_t id)
{
	struct entry *e = arena_alloc(&p->memory, sizeof(*e));
	const char *text = NULL;
	uint32_t len = 0;

	e->id = id;
	sqlite3_bind_int64(t->find, 1, id);
	if (sqlite3_step(t->find) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(t->find, 0);
		len = (uint32_t)sqlite3_column_bytes(t->find, 0);
		e->text = (struct ps_text){arena_copy(&p->memory, text ? text : "", len), len};
	}
	p->rc = sqlite3_reset(t->find);
	if (p->rc != SQLITE_OK)
		return NULL;
	table_add(&t->by_id, &e->id, sizeof(e->id), e);
	p->bytes += sizeof(*e) + len + TABLE_ENTRY_BYTES;
	return e;
}

/* False: the dictionary does not have it, or SQLite fails. */
static bool put_value(struct parts *p, struct told *t, size_t group, struct ps_text *value)
{
	int64_t number = 0;
	const struct ps_text *text = groups_key(p->groups, group, t->key, &number);

	if (t->find) {
		if (!t->last || t->last->id != number)
			t->last = table_get(&t->by_id, &number, sizeof(number));
		if (!t->last)
			t->last = find_entry(p, t, number);
		if (t->last)
			*value = t->last->text;
		return t->last && value->data;
	}
	if (text) {
		*value = *text;
	} else {
		if (number != t->number)
			snprintf(t->digits, sizeof(t->digits), "%lld", (long long)number);
		t->number = number;
		*value = (struct ps_text){t->digits, (uint32_t)strlen(t->digits)};
	}
	return true;
}

static uint64_t count(const struct parts *p, size_t group, enum groups_sum which)
{
	int64_t n = groups_sum(p->groups, group, which);

	return n > 0 ? (uint64_t)n : 0;
}

static void tell(struct parts *p, size_t group)
{
	struct ps_answer_row row = {
	    .values = p->question->n_by ? p->values : NULL,
	    .sent = count(p, group, GROUPS_SENT),
	    .received = count(p, group, GROUPS_RECEIVED),
	    .rows = count(p, group, GROUPS_N),
	};

	for (unsigned i = 0; i < p->question->n_by; i++)
		if (!put_value(p, &p->told[i], group, &p->values[i]))
			return;
	if (!row.rows)
		return;
	p->enough = p->answer->row(p->answer->arg, &row) != 0;
	if (p->enough)
		p->rc = SQLITE_ABORT;
}

int parts_tell(void *arg)
{
	struct parts *p = arg;

	for (size_t i = 0; i < p->groups->n && p->rc == SQLITE_OK; i++) {
		tell(p, i);
		if (p->bytes > TEXTS_MAX)
			forget_entries(p);
	}
	return p->rc;
}

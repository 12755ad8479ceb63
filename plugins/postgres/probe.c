/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which rows of a batch the server will never take: halves of halves, each behind a savepoint. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "plugins/postgres/store.h"

/* A row without a partition is waited for, unless its time is that of a clock that was wrong. */
#define NEAR (366LL * 86400)

void store_refuse(struct store *s, enum row_table table, uint32_t row, const char *why)
{
	struct refused *r = &s->refused;

	if (!r->rows[table])
		r->rows[table] = mem_alloc(s->tuples[table].n * sizeof(bool));
	if (r->rows[table][row])
		return;
	r->rows[table][row] = true;
	if (!r->n++)
		snprintf(r->why, sizeof(r->why), "row %" PRIu32 " of %s: %s", row + 1, row_tables[table].name, why);
}

static enum trouble refuse_one(struct store *s, enum row_table table, uint32_t row, enum trouble trouble)
{
	int64_t now = clock_wall_ns() / NS_PER_S, time = s->tuples[table].times[row];

	if (trouble == LINK_NOWHERE && time > now - NEAR && time < now + NEAR)
		return LINK_NOWHERE;
	store_refuse(s, table, row, s->link.why);
	return LINK_FINE;
}

/* LINK_FINE: those rows that are left of from..to-1 are in now. */
static enum trouble probe(struct store *s, enum row_table table, uint32_t from, uint32_t to)
{
	enum trouble trouble = link_run(&s->link, "SAVEPOINT part"), back;
	uint32_t middle = from + (to - from) / 2;

	if (trouble == LINK_FINE)
		trouble = store_copy(s, table, from, to);
	if (trouble == LINK_FINE)
		return link_run(&s->link, "RELEASE SAVEPOINT part");
	if (trouble != LINK_ROW && trouble != LINK_NOWHERE)
		return trouble;
	if (to - from == 1) {
		trouble = refuse_one(s, table, from, trouble);
		back = link_run(&s->link, "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part");
		return back == LINK_FINE ? trouble : back;
	}
	back = link_run(&s->link, "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part");
	if (back == LINK_FINE)
		back = probe(s, table, from, middle);
	return back == LINK_FINE ? probe(s, table, middle, to) : back;
}

enum trouble store_probe(struct store *s)
{
	enum trouble trouble = link_run(&s->link, (const char *)s->begin.data);

	/* What would be checked at the end is checked at once. */
	if (trouble == LINK_FINE)
		trouble = link_run(&s->link, "SET CONSTRAINTS ALL IMMEDIATE");
	for (enum row_table table = 0; table < ROW_TABLES && trouble == LINK_FINE; table++)
		if (s->tuples[table].n)
			trouble = probe(s, table, 0, s->tuples[table].n);
	if (trouble == LINK_FINE)
		trouble = link_run(&s->link, "ROLLBACK");
	return trouble;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One batch: the dictionaries' new rows first; then, in one transaction, the batch's own row and its rows. If
 * there is a row of that batch already, nothing is done: so what became of a COMMIT that was cut off does not
 * matter. If the server refuses something, what it refuses is looked for, and the rest is stored.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "plugins/mariadb/store.h"

#define LOST_RACES 20

/* What is done for one batch. */
struct work {
	const struct ps_batch *batch;
	struct rows rows;
	struct chain chain;
	struct chain_name name;
	uint8_t key[CHAIN_BATCH_KEY_SIZE];
	bool sealed; /* its digest is that of its rows */
};

enum trouble store_insert(struct store *s, enum row_table table, uint32_t from, uint32_t to)
{
	const bool *refused = s->refused.rows[table];
	enum trouble trouble = LINK_FINE;
	uint64_t inserted = 0;

	if (!refused)
		return bulk_insert(&s->tables[table], &s->link, from, to, &inserted);
	while (from < to && trouble == LINK_FINE) {
		uint32_t end = from;

		while (end < to && !refused[end])
			end++;
		trouble = bulk_insert(&s->tables[table], &s->link, from, end, &inserted);
		from = end + 1;
	}
	return trouble;
}

/* The batch's row. LINK_FINE with *is_new: there was none of that name. */
static enum trouble put_batch(struct store *s, struct work *w, bool *is_new)
{
	const struct ps_batch *b = w->batch;
	struct bulk *row = &s->batches;
	enum trouble trouble;
	uint64_t inserted = 0;
	unsigned i = 0;

	bulk_clear(row);
	bulk_row(row);
	bulk_bytes(row, i++, b->host, sizeof(b->host));
	bulk_bytes(row, i++, b->boot, sizeof(b->boot));
	bulk_number(row, i++, (int64_t)b->seq);
	bulk_bytes(row, i++, w->name.hostname.data, w->name.hostname.len);
	bulk_bytes(row, i++, b->digest, sizeof(b->digest));
	bulk_bytes(row, i++, b->previous, sizeof(b->previous));
	bulk_number(row, i++, w->name.start);
	bulk_number(row, i++, w->name.end);
	bulk_number(row, i++, (int64_t)w->chain.rows);
	bulk_bytes(row, i++, w->key, sizeof(w->key));
	bulk_number(row, i++, s->refused.n);
	if (w->sealed)
		bulk_bytes(row, i, w->chain.marks.data, w->chain.marks.len);
	trouble = bulk_insert(row, &s->link, 0, 1, &inserted);
	*is_new = inserted == 1;
	return trouble;
}

static enum trouble put_all(struct store *s, struct work *w)
{
	enum trouble trouble = link_run(&s->link, "START TRANSACTION");
	bool is_new = false;

	if (trouble == LINK_FINE)
		trouble = put_batch(s, w, &is_new);
	if (trouble == LINK_FINE && !is_new)
		return link_run(&s->link, "ROLLBACK");
	for (enum row_table table = 0; table < ROW_TABLES && trouble == LINK_FINE; table++)
		trouble = store_insert(s, table, 0, s->tables[table].n);
	return trouble == LINK_FINE ? link_run(&s->link, "COMMIT") : trouble;
}

/* After put_all() was refused. LINK_ROW: there is nothing in it that could be left out. */
static enum trouble find_refused(struct store *s)
{
	uint32_t before = s->refused.n;
	char why[sizeof(s->link.why)];
	enum trouble trouble;

	memcpy(why, s->link.why, sizeof(why));
	trouble = link_run(&s->link, "ROLLBACK");
	if (trouble == LINK_FINE)
		trouble = store_probe(s);
	if (trouble == LINK_FINE && s->refused.n == before) {
		memcpy(s->link.why, why, sizeof(why));
		return LINK_ROW;
	}
	return trouble;
}

static void add_row(struct store *s, const struct work *w, enum row_table table, const struct row_value *values)
{
	const struct row_shape *shape = &row_tables[table];
	struct bulk *b = &s->tables[table];
	unsigned i;

	bulk_row(b);
	for (i = 0; i < shape->n; i++) {
		bulk_value(b, i, &values[i]);
		if (shape->columns[i].type == ROW_ENTRY)
			entries_want(&s->entries, shape->columns[i].dictionary, values[i].entry);
		if (strcmp(shape->columns[i].name, schema_time(table)) == 0)
			s->times[table][b->n - 1] = values[i].number;
	}
	bulk_bytes(b, i++, w->batch->host, sizeof(w->batch->host));
	bulk_bytes(b, i++, w->key, sizeof(w->key));
	bulk_number(b, i, b->n - 1);
}

static void prepare(struct store *s, struct work *w, const struct ps_batch *b)
{
	struct row_value values[ROW_COLUMNS_MAX];
	uint8_t digest[PS_DIGEST_SIZE];

	*w = (struct work){.batch = b};
	rows_init(&w->rows, b);
	chain_init(&w->chain);
	chain_batch_key(b->host, b->boot, b->seq, w->key);
	for (enum row_table table = 0; table < ROW_TABLES; table++) {
		bulk_clear(&s->tables[table]);
		s->times[table] = mem_resize(s->times[table], (b->n_records + 1) * sizeof(int64_t));
		for (uint32_t i = 0; i < b->n_records; i++) {
			if (b->records[i].kind != row_kind(table))
				continue;
			rows_get(&w->rows, table, &b->records[i], values);
			chain_add(&w->chain, table, values);
			add_row(s, w, table, values);
		}
	}
	rows_name(&w->rows, &w->name);
	chain_digest(&w->chain, &w->name, digest);
	w->sealed = memcmp(digest, b->digest, sizeof(digest)) == 0;
}

/* What was refused of a batch is known when it comes again. */
static void keep_refused(struct store *s, const struct work *w)
{
	struct refused *r = &s->refused;

	if (r->n && memcmp(r->batch, w->key, sizeof(r->batch)) == 0)
		return;
	for (int i = 0; i < ROW_TABLES; i++) {
		free(r->rows[i]);
		r->rows[i] = NULL;
	}
	r->n = 0;
	memcpy(r->batch, w->key, sizeof(r->batch));
}

/* The entries that the rows refer to, as if the batch had just come. */
static void want_again(struct store *s, struct work *w)
{
	struct row_value values[ROW_COLUMNS_MAX];

	entries_begin(&s->entries);
	for (enum row_table table = 0; table < ROW_TABLES; table++)
		for (uint32_t i = 0; i < w->batch->n_records; i++) {
			if (w->batch->records[i].kind != row_kind(table))
				continue;
			rows_get(&w->rows, table, &w->batch->records[i], values);
			for (unsigned c = 0; c < row_tables[table].n; c++)
				if (row_tables[table].columns[c].type == ROW_ENTRY)
					entries_want(&s->entries, row_tables[table].columns[c].dictionary, values[c].entry);
		}
}

/* Through the server once: all that can be done on this connection. */
static enum trouble put(struct store *s, struct work *w)
{
	enum trouble trouble = LINK_FINE;

	for (int lost = 0; lost < LOST_RACES; lost++) {
		trouble = store_entries(s, &w->rows);
		if (trouble == LINK_FINE)
			trouble = put_all(s, w);
		if (trouble == LINK_ROW || trouble == LINK_NOWHERE) {
			trouble = find_refused(s);
			if (trouble == LINK_FINE)
				trouble = put_all(s, w);
		}
		if (trouble != LINK_AGAIN || s->host->stopping(s->ctx))
			break;
		trouble = link_run(&s->link, "ROLLBACK");
		if (trouble != LINK_FINE)
			break;
		/* Not all losers at the same moment. */
		nanosleep(
		    &(struct timespec){.tv_nsec = 1000000L * (1 + (long)((table_hash(w->key, 16) + (uint64_t)lost * 7) % 50))},
		    NULL);
		trouble = LINK_AGAIN;
	}
	return trouble;
}

static enum ps_verdict verdict(struct store *s, const struct work *w, enum trouble trouble)
{
	if (trouble == LINK_FINE) {
		s->stored++;
		s->records += w->batch->n_records - s->refused.n;
		s->set_aside += s->refused.n;
		if (!s->refused.n)
			return PS_STORED;
		s->host->why(s->ctx, "%u of %u rows are refused by the server, the others are stored; %s", s->refused.n,
		             (unsigned)w->chain.rows, s->refused.why);
		return PS_REJECTED;
	}
	if (trouble == LINK_ROW) {
		s->set_aside += w->chain.rows;
		s->host->why(s->ctx, "the server refuses the batch: %s", s->link.why);
		return PS_REJECTED;
	}
	s->host->why(s->ctx, "%s%s", s->link.why,
	             trouble == LINK_NOWHERE ? ": a partition for the time of the row has to be made" : "");
	return PS_AWAY;
}

enum ps_verdict store_write(struct store *s, const struct ps_batch *b)
{
	bool fresh = !s->link.my;
	enum ps_verdict answer = fresh ? store_connect(s) : PS_STORED;
	enum trouble trouble;
	struct work w;

	if (answer != PS_STORED)
		return answer;
	entries_begin(&s->entries);
	prepare(s, &w, b);
	keep_refused(s, &w);
	trouble = put(s, &w);
	/* Restarted since the last batch, or its tables were changed: another connection may do. */
	if ((trouble == LINK_AWAY || trouble == LINK_WRONG) && !fresh && !s->host->stopping(s->ctx)) {
		answer = store_connect(s);
		if (answer == PS_STORED) {
			want_again(s, &w);
			trouble = put(s, &w);
		}
	}
	if (answer == PS_STORED) {
		answer = verdict(s, &w, trouble);
		/* Ends what was begun, too. */
		if (trouble != LINK_FINE)
			store_disconnect(s);
	}
	entries_begin(&s->entries); /* what it points to ends here */
	chain_done(&w.chain);
	rows_done(&w.rows);
	return answer;
}

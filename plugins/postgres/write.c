/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One batch: the dictionaries' new rows first; then, in one transaction, the batch's own row and its rows. If
 * there is a row of that batch already, nothing is done: so what became of a COMMIT that was cut off does not
 * matter. If the server refuses something, what it refuses is looked for, and the rest is stored.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "plugins/postgres/store.h"

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

enum trouble store_copy(struct store *s, enum row_table table, uint32_t from, uint32_t to)
{
	const struct tuples *t = &s->tuples[table];
	const bool *refused = s->refused.rows[table];
	size_t start = from ? t->ends[from - 1] : 0;
	enum trouble trouble;
	struct buf left;

	if (!refused)
		return link_copy(&s->link, (char *)s->copy[table].data, t->data.data + start, t->ends[to - 1] - start);
	buf_init(&left);
	for (uint32_t i = from; i < to; start = t->ends[i++])
		if (!refused[i])
			buf_put(&left, t->data.data + start, t->ends[i] - start);
	trouble = left.len ? link_copy(&s->link, (char *)s->copy[table].data, left.data, left.len) : LINK_FINE;
	buf_done(&left);
	return trouble;
}

static struct link_value bytes(const void *data, size_t len)
{
	return (struct link_value){data ? data : "", (int)len, 1};
}

static struct link_value number(uint64_t *at, uint64_t n)
{
	*at = htobe64(n);
	return bytes(at, sizeof(*at));
}

/* The batch's row. LINK_FINE with *is_new: there was none of that name. */
static enum trouble put_batch(struct store *s, struct work *w, bool *is_new)
{
	const struct ps_batch *b = w->batch;
	uint64_t numbers[5];
	struct link_value values[] = {
	    bytes(b->host, sizeof(b->host)),
	    bytes(b->boot, sizeof(b->boot)),
	    number(&numbers[0], b->seq),
	    bytes(w->name.hostname.data, w->name.hostname.len),
	    bytes(b->digest, sizeof(b->digest)),
	    bytes(b->previous, sizeof(b->previous)),
	    number(&numbers[1], (uint64_t)w->name.start),
	    number(&numbers[2], (uint64_t)w->name.end),
	    number(&numbers[3], w->chain.rows),
	    bytes(w->key, sizeof(w->key)),
	    number(&numbers[4], s->refused.n),
	    w->sealed ? bytes(w->chain.marks.data, w->chain.marks.len) : (struct link_value){0},
	};
	PGresult *result = NULL;
	enum trouble trouble;

	s->sql.len = 0;
	buf_printf(
	    &s->sql,
	    "INSERT INTO %s (host, boot, seq, hostname, digest, previous, starttime, endtime, rows, batch, set_aside,"
	    " marks) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
	    s->schema.batches);
	buf_put_u8(&s->sql, 0);
	trouble = link_ask(&s->link, (const char *)s->sql.data, values, sizeof(values) / sizeof(*values), &result);
	if (trouble == LINK_FINE) {
		*is_new = strcmp(PQcmdTuples(result), "0") != 0;
		PQclear(result);
	}
	return trouble;
}

static enum trouble commit(struct store *s)
{
	PGresult *result = NULL;
	enum trouble trouble = link_ask(&s->link, "COMMIT", NULL, 0, &result);

	if (trouble != LINK_FINE)
		return trouble;
	/* The answer to COMMIT of a transaction that had failed is ROLLBACK, and no error. */
	if (strcmp(PQcmdStatus(result), "COMMIT") != 0) {
		snprintf(s->link.why, sizeof(s->link.why), "the server rolled the transaction back");
		trouble = LINK_AWAY;
	}
	PQclear(result);
	return trouble;
}

static enum trouble put_all(struct store *s, struct work *w)
{
	enum trouble trouble = link_run(&s->link, (const char *)s->begin.data);
	bool is_new = false;

	if (trouble == LINK_FINE)
		trouble = put_batch(s, w, &is_new);
	if (trouble == LINK_FINE && !is_new)
		return link_run(&s->link, "ROLLBACK");
	for (enum row_table table = 0; table < ROW_TABLES && trouble == LINK_FINE; table++)
		if (s->tuples[table].n)
			trouble = store_copy(s, table, 0, s->tuples[table].n);
	return trouble == LINK_FINE ? commit(s) : trouble;
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

static void prepare(struct store *s, struct work *w, const struct ps_batch *b)
{
	struct row_value values[ROW_COLUMNS_MAX];
	uint8_t digest[PS_DIGEST_SIZE];

	*w = (struct work){.batch = b};
	rows_init(&w->rows, b);
	chain_init(&w->chain);
	chain_batch_key(b->host, b->boot, b->seq, w->key);
	entries_begin(&s->entries);
	for (enum row_table table = 0; table < ROW_TABLES; table++) {
		const struct row_shape *shape = &row_tables[table];

		tuples_clear(&s->tuples[table]);
		for (uint32_t i = 0; i < b->n_records; i++) {
			if (b->records[i].kind != row_kind(table))
				continue;
			rows_get(&w->rows, table, &b->records[i], values);
			chain_add(&w->chain, table, values);
			tuples_add(&s->tuples[table], shape, values, b->host, w->key);
			for (unsigned c = 0; c < shape->n; c++)
				if (shape->columns[c].type == ROW_ENTRY)
					entries_want(&s->entries, shape->columns[c].dictionary, values[c].entry);
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

/* Through the server once: all that can be done on this connection. */
static enum trouble put(struct store *s, struct work *w)
{
	enum trouble trouble = LINK_FINE;

	for (int lost = 0; lost < LOST_RACES; lost++) {
		trouble = store_entries(s, &w->rows);
		if (trouble == LINK_FINE)
			trouble = put_all(s, w);
		while ((trouble == LINK_ROW || trouble == LINK_NOWHERE) && (trouble = find_refused(s)) == LINK_FINE)
			trouble = put_all(s, w);
		if (trouble != LINK_AGAIN || s->host->stopping(s->ctx))
			break;
		trouble = link_run(&s->link, "ROLLBACK");
		if (trouble != LINK_FINE)
			break;
		nanosleep(
		    &(struct timespec){.tv_nsec = 1000000L * (1 + (long)(table_hash(w->key, 16) + (uint64_t)lost * 7) % 50)},
		    NULL);
		trouble = LINK_AGAIN;
	}
	return trouble;
}

static enum ps_verdict verdict(struct store *s, const struct work *w, enum trouble trouble)
{
	if (trouble == LINK_FINE) {
		s->batches++;
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

static void release(struct store *s, struct work *w)
{
	entries_begin(&s->entries); /* what is wanted is the batch's */
	chain_done(&w->chain);
	rows_done(&w->rows);
}

enum ps_verdict store_write(struct store *s, const struct ps_batch *b)
{
	bool fresh = !s->link.conn;
	enum ps_verdict answer;
	enum trouble trouble;
	struct work w;

	link_allow(&s->link, s->host->number(s->ctx, "answer_timeout"));
	answer = fresh ? store_connect(s) : PS_STORED;
	if (answer != PS_STORED)
		return answer;
	prepare(s, &w, b);
	keep_refused(s, &w);
	trouble = put(s, &w);
	/* Restarted since the last batch, or its tables were changed: another connection may do. */
	if ((trouble == LINK_AWAY || trouble == LINK_WRONG) && !fresh && !s->link.late && !s->host->stopping(s->ctx)) {
		link_close(&s->link);
		release(s, &w);
		answer = store_connect(s);
		prepare(s, &w, b);
		if (answer == PS_STORED)
			trouble = put(s, &w);
	}
	if (answer == PS_STORED)
		answer = verdict(s, &w, trouble);
	if (trouble != LINK_FINE && (trouble != LINK_ROW || link_run(&s->link, "ROLLBACK") != LINK_FINE))
		link_close(&s->link);
	release(s, &w);
	return answer;
}

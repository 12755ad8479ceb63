/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/deposit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

#define LOST_RACES 20

/* A row without a partition is waited for, unless its time is that of a clock that was wrong. */
#define NEAR (366LL * 86400)

/* Rows of one batch that the server will never take: known when it comes again. */
struct deposit_refused {
	uint8_t batch[CHAIN_BATCH_KEY_SIZE];
	bool *rows[ROW_TABLES]; /* by their numbers */
	uint32_t n;
	char why[DEPOSIT_WHY + 200]; /* which is the first, and what the server said of it */
};

/* What is done for one batch. */
struct work {
	const struct ps_batch *batch;
	struct rows rows;
	struct chain chain;
	struct chain_name name;
	uint8_t key[CHAIN_BATCH_KEY_SIZE];
	bool sealed; /* its digest is that of its rows */
};

void deposit_init(struct deposit *d, const struct ps_host *host, struct ps_ctx *ctx,
                  const struct deposit_server *server, void *self, char *why)
{
	*d = (struct deposit){.host = host, .ctx = ctx, .server = server, .self = self, .why = why};
	entries_init(&d->entries);
	d->refused = mem_alloc(sizeof(*d->refused));
}

void deposit_done(struct deposit *d)
{
	d->server->disconnect(d->self);
	entries_done(&d->entries);
	for (int i = 0; i < ROW_TABLES; i++) {
		free(d->times[i]);
		free(d->refused->rows[i]);
	}
	free(d->refused);
}

static enum trouble run(struct deposit *d, const char *sql)
{
	return d->server->run(d->self, sql);
}

enum ps_verdict deposit_open(struct deposit *d)
{
	/* Another server than before, perhaps. */
	d->server->disconnect(d->self);
	entries_forget(&d->entries);
	if (d->server->connect(d->self) == LINK_FINE)
		return PS_STORED;
	d->server->disconnect(d->self);
	return PS_AWAY;
}

/* ---- what the server refuses ---- */

static void refuse(struct deposit *d, enum row_table table, uint32_t row, const char *why)
{
	struct deposit_refused *r = d->refused;

	if (!r->rows[table])
		r->rows[table] = mem_alloc(d->n[table] * sizeof(bool));
	if (r->rows[table][row])
		return;
	r->rows[table][row] = true;
	if (!r->n++)
		snprintf(r->why, sizeof(r->why), "row %" PRIu32 " of %s: %s", row + 1, row_tables[table].name, why);
}

static enum trouble refuse_one(struct deposit *d, enum row_table table, uint32_t row, enum trouble trouble)
{
	int64_t now = clock_wall_ns() / NS_PER_S, time = d->times[table][row];

	if (trouble == LINK_NOWHERE && time > now - NEAR && time < now + NEAR)
		return LINK_NOWHERE;
	refuse(d, table, row, d->why);
	return LINK_FINE;
}

/* Rows from..to-1, but for those that were refused. */
static enum trouble insert(struct deposit *d, enum row_table table, uint32_t from, uint32_t to)
{
	const bool *refused = d->refused->rows[table];
	enum trouble trouble = LINK_FINE;

	while (from < to && trouble == LINK_FINE) {
		uint32_t end = from;

		while (end < to && !(refused && refused[end]))
			end++;
		if (from < end)
			trouble = d->server->insert(d->self, table, from, end);
		from = end + 1;
	}
	return trouble;
}

static enum trouble go_back(struct deposit *d)
{
	enum trouble trouble = run(d, "ROLLBACK TO SAVEPOINT part");

	return trouble == LINK_FINE ? run(d, "RELEASE SAVEPOINT part") : trouble;
}

/* LINK_FINE: those rows that are left of from..to-1 are in now. */
static enum trouble probe(struct deposit *d, enum row_table table, uint32_t from, uint32_t to)
{
	enum trouble trouble = run(d, "SAVEPOINT part"), back;
	uint32_t middle = from + (to - from) / 2;

	if (trouble == LINK_FINE)
		trouble = insert(d, table, from, to);
	if (trouble == LINK_FINE)
		return run(d, "RELEASE SAVEPOINT part");
	if (trouble != LINK_ROW && trouble != LINK_NOWHERE)
		return trouble;
	if (to - from == 1) {
		trouble = refuse_one(d, table, from, trouble);
		back = go_back(d);
		return back == LINK_FINE ? trouble : back;
	}
	back = go_back(d);
	if (back == LINK_FINE)
		back = probe(d, table, from, middle);
	return back == LINK_FINE ? probe(d, table, middle, to) : back;
}

static enum trouble probe_tables(struct deposit *d)
{
	enum trouble trouble = LINK_FINE;

	for (enum row_table table = 0; table < ROW_TABLES && trouble == LINK_FINE; table++)
		if (d->n[table])
			trouble = probe(d, table, 0, d->n[table]);
	return trouble;
}

static enum trouble probe_all(struct deposit *d)
{
	enum trouble trouble = d->server->begin(d->self, true);

	if (trouble == LINK_FINE)
		trouble = probe_tables(d);
	return trouble == LINK_FINE ? run(d, "ROLLBACK") : trouble;
}

/* After put_all() was refused. LINK_ROW: there is nothing in it that could be left out. */
static enum trouble find_refused(struct deposit *d)
{
	uint32_t before = d->refused->n;
	char why[DEPOSIT_WHY];
	enum trouble trouble;

	memcpy(why, d->why, sizeof(why));
	trouble = run(d, "ROLLBACK");
	if (trouble == LINK_FINE)
		trouble = probe_all(d);
	if (trouble == LINK_FINE && d->refused->n == before) {
		memcpy(d->why, why, sizeof(why));
		return LINK_ROW;
	}
	return trouble;
}

/* ---- dictionaries ---- */

static enum trouble put_entries(struct deposit *d)
{
	enum trouble trouble = d->server->begin(d->self, false);

	for (enum row_dictionary i = 0; i < ROW_DICTIONARIES && trouble == LINK_FINE; i++) {
		size_t n;
		const struct row_entry *const *list = entries_wanted(&d->entries, i, &n);

		if (n)
			trouble = d->server->insert_entries(d->self, i, list, n);
	}
	return trouble == LINK_FINE ? d->server->commit(d->self) : trouble;
}

/* One after the other, each on its own. */
static enum trouble put_each(struct deposit *d, char *why, size_t size)
{
	for (enum row_dictionary i = 0; i < ROW_DICTIONARIES; i++) {
		size_t n;
		const struct row_entry *const *list = entries_wanted(&d->entries, i, &n);

		for (size_t at = 0; at < n; at++) {
			enum trouble trouble = d->server->insert_entries(d->self, i, &list[at], 1);

			if (trouble == LINK_ROW || trouble == LINK_NOWHERE) {
				entries_refuse(&d->entries, list[at]);
				snprintf(why, size, "what it refers to is refused by %s: %s", row_dictionaries[i].name, d->why);
			} else if (trouble != LINK_FINE) {
				return trouble;
			}
		}
	}
	return LINK_FINE;
}

static bool needs_refused(const struct deposit *d, const struct row_shape *shape, const struct row_value *values)
{
	for (unsigned c = 0; c < shape->n; c++)
		if (shape->columns[c].type == ROW_ENTRY && entries_refused(&d->entries, values[c].entry))
			return true;
	return false;
}

/* The rows that cannot be stored without what was refused. */
static void refuse_rows(struct deposit *d, struct work *w, const char *why)
{
	struct row_value values[ROW_COLUMNS_MAX];

	for (enum row_table table = 0; table < ROW_TABLES; table++) {
		uint32_t row = 0;

		for (uint32_t i = 0; i < w->batch->n_records; i++) {
			if (w->batch->records[i].kind != row_kind(table))
				continue;
			rows_get(&w->rows, table, &w->batch->records[i], values);
			if (needs_refused(d, &row_tables[table], values))
				refuse(d, table, row, why);
			row++;
		}
	}
}

static enum trouble have_entries(struct deposit *d, struct work *w)
{
	char why[DEPOSIT_WHY + 100] = "";
	enum trouble trouble;
	size_t wanted = 0, n;

	for (enum row_dictionary i = 0; i < ROW_DICTIONARIES; i++) {
		entries_wanted(&d->entries, i, &n);
		wanted += n;
	}
	if (!wanted)
		return LINK_FINE;
	trouble = put_entries(d);
	if (trouble == LINK_ROW || trouble == LINK_NOWHERE) {
		trouble = run(d, "ROLLBACK");
		if (trouble == LINK_FINE)
			trouble = put_each(d, why, sizeof(why));
		if (trouble == LINK_FINE)
			refuse_rows(d, w, why);
	}
	if (trouble == LINK_FINE)
		entries_stored(&d->entries);
	return trouble;
}

/* ---- the batch ---- */

static struct row_value bytes(const void *data, size_t len)
{
	return (struct row_value){.type = ROW_TEXT, .text = {data ? data : "", (uint32_t)len}};
}

static struct row_value number(uint64_t n)
{
	return (struct row_value){.type = ROW_NUMBER, .number = (int64_t)n};
}

static enum trouble put_batch(struct deposit *d, const struct work *w, bool *is_new)
{
	const struct ps_batch *b = w->batch;
	struct deposit_batch row = {{
	    [LEDGER_HOST] = bytes(b->host, sizeof(b->host)),
	    [LEDGER_BOOT] = bytes(b->boot, sizeof(b->boot)),
	    [LEDGER_SEQ] = number(b->seq),
	    [LEDGER_HOSTNAME] = bytes(w->name.hostname.data, w->name.hostname.len),
	    [LEDGER_DIGEST] = bytes(b->digest, sizeof(b->digest)),
	    [LEDGER_PREVIOUS] = bytes(b->previous, sizeof(b->previous)),
	    [LEDGER_START] = number((uint64_t)w->name.start),
	    [LEDGER_END] = number((uint64_t)w->name.end),
	    [LEDGER_ROWS] = number(w->chain.rows),
	    [LEDGER_BATCH] = bytes(w->key, sizeof(w->key)),
	    [LEDGER_SET_ASIDE] = number(d->refused->n),
	}};

	if (w->sealed)
		row.values[LEDGER_MARKS] = bytes(w->chain.marks.data, w->chain.marks.len);
	return d->server->insert_batch(d->self, &row, is_new);
}

/* All rows anew, as those of a batch of that key. */
static void add_again(struct deposit *d, struct work *w, const uint8_t *key)
{
	struct row_value values[ROW_COLUMNS_MAX];

	for (enum row_table table = 0; table < ROW_TABLES; table++) {
		uint32_t row = 0;

		d->server->clear(d->self, table);
		for (uint32_t i = 0; i < w->batch->n_records; i++) {
			if (w->batch->records[i].kind != row_kind(table))
				continue;
			rows_get(&w->rows, table, &w->batch->records[i], values);
			d->server->add(d->self, table, values, w->batch->host, key, row++);
		}
	}
}

/* The batch is there already: what was said of it got lost. Which rows were refused then is found out again, with a key
 * that no batch has, so that its own rows are not in the way; and what is undone here makes a COMMIT wait for the
 * servers that such a COMMIT waits for, as that first one may not have. */
static enum trouble probe_again(struct deposit *d, struct work *w)
{
	uint8_t key[CHAIN_BATCH_KEY_SIZE];
	enum trouble trouble;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)~w->key[i];
	add_again(d, w, key);
	trouble = run(d, "ROLLBACK");
	if (trouble == LINK_FINE)
		trouble = d->server->begin(d->self, true);
	if (trouble == LINK_FINE)
		trouble = run(d, "SAVEPOINT again");
	if (trouble == LINK_FINE)
		trouble = probe_tables(d);
	if (trouble == LINK_NOWHERE) /* any more */
		trouble = LINK_FINE;
	if (trouble == LINK_FINE)
		trouble = run(d, "ROLLBACK TO SAVEPOINT again");
	if (trouble == LINK_FINE)
		trouble = d->server->commit(d->self);
	add_again(d, w, w->key);
	return trouble;
}

static enum trouble put_all(struct deposit *d, struct work *w)
{
	enum trouble trouble = d->server->begin(d->self, false);
	bool is_new = false;

	if (trouble == LINK_FINE)
		trouble = put_batch(d, w, &is_new);
	if (trouble == LINK_FINE && !is_new)
		return probe_again(d, w);
	for (enum row_table table = 0; table < ROW_TABLES && trouble == LINK_FINE; table++)
		trouble = insert(d, table, 0, d->n[table]);
	return trouble == LINK_FINE ? d->server->commit(d->self) : trouble;
}

static void add_row(struct deposit *d, const struct work *w, enum row_table table, const struct row_value *values)
{
	const struct row_shape *shape = &row_tables[table];

	for (unsigned c = 0; c < shape->n; c++)
		if (shape->columns[c].type == ROW_ENTRY)
			entries_want(&d->entries, shape->columns[c].dictionary, values[c].entry);
	d->times[table][d->n[table]] = values[0].number; /* a row's time is its first column */
	d->server->add(d->self, table, values, w->batch->host, w->key, d->n[table]++);
}

static void prepare(struct deposit *d, struct work *w, const struct ps_batch *b)
{
	struct row_value values[ROW_COLUMNS_MAX];
	uint8_t digest[PS_DIGEST_SIZE];

	*w = (struct work){.batch = b};
	rows_init(&w->rows, b);
	chain_init(&w->chain);
	chain_batch_key(b->host, b->boot, b->seq, w->key);
	entries_begin(&d->entries);
	for (enum row_table table = 0; table < ROW_TABLES; table++) {
		d->server->clear(d->self, table);
		d->n[table] = 0;
		d->times[table] = mem_resize(d->times[table], (b->n_records + 1) * sizeof(int64_t));
		for (uint32_t i = 0; i < b->n_records; i++) {
			if (b->records[i].kind != row_kind(table))
				continue;
			rows_get(&w->rows, table, &b->records[i], values);
			chain_add(&w->chain, table, values);
			add_row(d, w, table, values);
		}
	}
	rows_name(&w->rows, &w->name);
	chain_digest(&w->chain, &w->name, digest);
	w->sealed = memcmp(digest, b->digest, sizeof(digest)) == 0;
}

static void release(struct deposit *d, struct work *w)
{
	entries_begin(&d->entries); /* what is wanted is the batch's */
	chain_done(&w->chain);
	rows_done(&w->rows);
}

static void keep_refused(struct deposit *d, const struct work *w)
{
	struct deposit_refused *r = d->refused;

	if (r->n && memcmp(r->batch, w->key, sizeof(r->batch)) == 0)
		return;
	for (int i = 0; i < ROW_TABLES; i++) {
		free(r->rows[i]);
		r->rows[i] = NULL;
	}
	r->n = 0;
	memcpy(r->batch, w->key, sizeof(r->batch));
}

/* Not all losers at the same moment. */
static void wait_a_little(const struct work *w, int lost)
{
	long ms = 1 + (long)((table_hash(w->key, sizeof(w->key)) + (uint64_t)lost * 7) % 50);

	nanosleep(&(struct timespec){.tv_nsec = ms * NS_PER_MS}, NULL);
}

/* Through the server once: all that can be done on this connection. */
static enum trouble put(struct deposit *d, struct work *w)
{
	enum trouble trouble = LINK_FINE;

	for (int lost = 0; lost < LOST_RACES; lost++) {
		trouble = have_entries(d, w);
		if (trouble == LINK_FINE)
			trouble = put_all(d, w);
		while ((trouble == LINK_ROW || trouble == LINK_NOWHERE) && (trouble = find_refused(d)) == LINK_FINE)
			trouble = put_all(d, w);
		if (trouble != LINK_AGAIN || d->host->stopping(d->ctx))
			break;
		trouble = run(d, "ROLLBACK");
		if (trouble != LINK_FINE)
			break;
		wait_a_little(w, lost);
		trouble = LINK_AGAIN;
	}
	return trouble;
}

static enum ps_verdict verdict(struct deposit *d, const struct work *w, enum trouble trouble)
{
	if (trouble == LINK_FINE) {
		d->batches++;
		d->records += w->batch->n_records - d->refused->n;
		d->set_aside += d->refused->n;
		if (!d->refused->n)
			return PS_STORED;
		d->host->why(d->ctx, "%u of %u rows are refused by the server, the others are stored; %s", d->refused->n,
		             (unsigned)w->chain.rows, d->refused->why);
		return PS_REJECTED;
	}
	if (trouble == LINK_ROW) {
		d->set_aside += w->chain.rows;
		d->host->why(d->ctx, "the server refuses the batch: %s", d->why);
		return PS_REJECTED;
	}
	d->host->why(d->ctx, "%s%s", d->why,
	             trouble == LINK_NOWHERE ? ": a partition for the time of the row has to be made" : "");
	return PS_AWAY;
}

enum ps_verdict deposit_write(struct deposit *d, const struct ps_batch *b)
{
	bool fresh = !d->server->connected(d->self);
	enum ps_verdict answer = fresh ? deposit_open(d) : PS_STORED;
	enum trouble trouble;
	struct work w;

	if (answer != PS_STORED)
		return answer;
	prepare(d, &w, b);
	keep_refused(d, &w);
	trouble = put(d, &w);
	/* Restarted since the last batch, or its tables were changed: another connection may do. */
	if ((trouble == LINK_AWAY || trouble == LINK_WRONG) && !fresh && !d->host->stopping(d->ctx)) {
		release(d, &w);
		answer = deposit_open(d);
		prepare(d, &w, b);
		if (answer == PS_STORED)
			trouble = put(d, &w);
	}
	if (answer == PS_STORED)
		answer = verdict(d, &w, trouble);
	/* Ends what was begun, too. */
	if (trouble != LINK_FINE && (trouble != LINK_ROW || run(d, "ROLLBACK") != LINK_FINE))
		d->server->disconnect(d->self);
	release(d, &w);
	return answer;
}

int deposit_stats(const struct deposit *d, char *out, size_t size)
{
	int n = snprintf(out, size, "%" PRIu64 " records in %" PRIu64 " batches", d->records, d->batches);

	if (d->set_aside && n > 0 && (size_t)n < size)
		n += snprintf(out + n, size - (size_t)n, ", %" PRIu64 " refused", d->set_aside);
	return n;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A server has no order of its own, and may have more batches than anyone can sort: so the ledger is read a page at
 * a time, host by host, and then the rows of that page's batches, which are kept until they are told in their order.
 * Where those are too many for that, each batch of the page is a page.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/query/source.h"

#define PAGE 128                      /* batches */
#define PAGE_ROWS 200000              /* that are kept, of a table */
#define PAGE_BYTES ((size_t)64 << 20) /* of these, of all tables */
#define HOSTS_MAX ((size_t)1 << 20)   /* more than any database of ours has: somebody else's answer */
#define TOO_MANY 1                    /* what take() answers then */

struct page_batch {
	struct ps_trail_batch batch;
	uint8_t key[RELATION_KEY_SIZE];
	struct kept *rows[ROW_TABLES], **last[ROW_TABLES];
};

/* A row that waits for its turn. */
struct kept {
	struct kept *next;
	struct ps_value values[];
};

struct walk {
	const struct source *source;
	const struct ps_trail *trail;
	uint8_t (*hosts)[RELATION_KEY_SIZE];
	size_t n_hosts;

	/* The page at hand. */
	struct arena memory;
	size_t bytes;
	struct page_batch batches[PAGE];
	unsigned n;

	unsigned relation, rows; /* that the rows are of which come; how many have come */
	bool keep;               /* they wait; else they are told at once */
};

/* ---- statements ---- */

/* A column so that its value can be read from a text. */
static void put_value(struct sql *s, const char *of, const struct relation_column *c)
{
	const struct sql_dialect *d = s->dialect;
	bool key = c->kind == RELATION_KEY, bytes = c->kind == RELATION_DIGEST || c->kind == RELATION_BYTES;

	sql_put(s, key ? d->key_digits_before : bytes ? d->digits_before : "");
	sql_put(s, of);
	sql_put_column(s, c->name);
	sql_put(s, key ? d->key_digits_after : bytes ? d->digits_after : "");
}

/* The first n columns of a relation. */
static void put_values(struct sql *s, const char *of, unsigned relation, unsigned n)
{
	struct relation_column c;

	for (unsigned i = 0; i < n && relation_column(relation, i, &c); i++) {
		sql_put(s, i ? ", " : "");
		put_value(s, of, &c);
	}
}

static void bind_key(struct sql *s, const char digits[2 * RELATION_KEY_SIZE + 1])
{
	sql_put(s, s->dialect->key_before);
	sql_bind_text(s, (struct ps_text){digits, 2 * RELATION_KEY_SIZE});
	sql_put(s, s->dialect->key_after);
}

static int run(struct walk *w, struct sql *s, unsigned n, int (*take)(void *, const struct ps_text *))
{
	int r;

	sql_end(s);
	r = w->source->select(w->source->self, s, n, take, w);
	sql_done(s);
	return r;
}

/* ---- cells ---- */

static int broken(const struct walk *w, const char *what)
{
	w->source->host->why(w->source->ctx, "the server answers with what is no %s", what);
	return -EPROTO;
}

/* An optional value that is NULL has no digits, and is no key of anything. */
static bool take_bytes(uint8_t *out, size_t n, struct ps_text cell)
{
	return text_unhex(out, n, cell.data ? cell.data : "", cell.len);
}

/* The values of a shape. Keys go into `keys`. */
static bool take_values(const struct row_shape *shape, const struct ps_text *cells, struct ps_value *values,
                        uint8_t (*keys)[RELATION_KEY_SIZE])
{
	for (unsigned i = 0; i < shape->n; i++) {
		values[i] = (struct ps_value){.type = PS_VALUE_NULL};
		if (!cells[i].data)
			continue;
		if (shape->columns[i].type == ROW_NUMBER) {
			values[i] = (struct ps_value){.type = PS_VALUE_NUMBER, .number = source_number(cells[i])};
		} else if (shape->columns[i].type == ROW_ENTRY) {
			if (!take_bytes(keys[i], RELATION_KEY_SIZE, cells[i]))
				return false;
			values[i] = (struct ps_value){.type = PS_VALUE_ENTRY, .text = {(const char *)keys[i], RELATION_KEY_SIZE}};
		} else {
			values[i] = (struct ps_value){.type = PS_VALUE_TEXT, .text = cells[i]};
		}
	}
	return true;
}

/* ---- dictionaries ---- */

static int take_entry(void *arg, const struct ps_text *cells)
{
	struct walk *w = arg;
	unsigned dictionary = w->relation - ROW_TABLES;
	const struct row_shape *shape = &row_dictionaries[dictionary];
	struct ps_value values[ROW_ENTRY_COLUMNS_MAX];
	uint8_t keys[ROW_ENTRY_COLUMNS_MAX][RELATION_KEY_SIZE], key[RELATION_KEY_SIZE];

	if (!take_bytes(key, sizeof(key), cells[0]) || !take_values(shape, cells + 1, values, keys))
		return broken(w, "key of a dictionary");
	return w->trail->entry(w->trail->arg, dictionary, (struct ps_text){(const char *)key, sizeof(key)}, values,
	                       shape->n);
}

static int walk_dictionary(struct walk *w, enum row_dictionary dictionary)
{
	unsigned n = row_dictionaries[dictionary].n + 1;
	struct sql s;

	w->relation = ROW_TABLES + dictionary;
	sql_begin(&s, &w->source->dialect);
	sql_put(&s, "SELECT ");
	put_values(&s, "", w->relation, n);
	sql_put(&s, " FROM ");
	sql_put_name(&s, w->relation);
	return run(w, &s, n, take_entry);
}

/* ---- the ledger ---- */

static int take_host(void *arg, const struct ps_text *cells)
{
	struct walk *w = arg;

	if (w->n_hosts == HOSTS_MAX || !take_bytes(w->hosts[w->n_hosts], RELATION_KEY_SIZE, cells[0]))
		return broken(w, "list of hosts");
	w->n_hosts++;
	if ((w->n_hosts & (w->n_hosts - 1)) == 0)
		w->hosts = mem_resize(w->hosts, 2 * w->n_hosts * sizeof(*w->hosts));
	return 0;
}

static int find_hosts(struct walk *w)
{
	struct relation_column host;
	struct sql s;

	relation_column(RELATION_BATCHES, LEDGER_HOST, &host);
	w->hosts = mem_alloc(sizeof(*w->hosts));
	sql_begin(&s, &w->source->dialect);
	sql_put(&s, "SELECT DISTINCT ");
	put_value(&s, "", &host);
	sql_put(&s, " FROM ");
	sql_put_name(&s, RELATION_BATCHES);
	sql_put(&s, " ORDER BY 1");
	return run(w, &s, 1, take_host);
}

static struct ps_text copy(struct walk *w, struct ps_text text)
{
	w->bytes += text.len;
	return (struct ps_text){arena_copy(&w->memory, text.data ? text.data : "", text.len), text.len};
}

static int take_batch(void *arg, const struct ps_text *cells)
{
	struct walk *w = arg;
	struct page_batch *p = &w->batches[w->n];
	struct ps_text marks = cells[LEDGER_MARKS];
	uint8_t *bytes;

	*p = (struct page_batch){0};
	p->batch.seq = (uint64_t)source_number(cells[LEDGER_SEQ]);
	p->batch.hostname = copy(w, cells[LEDGER_HOSTNAME]);
	p->batch.start = source_number(cells[LEDGER_START]);
	p->batch.end = source_number(cells[LEDGER_END]);
	p->batch.rows = (uint64_t)source_number(cells[LEDGER_ROWS]);
	p->batch.set_aside = (uint64_t)source_number(cells[LEDGER_SET_ASIDE]);
	p->batch.has_marks = marks.data != NULL;
	bytes = arena_alloc(&w->memory, marks.len / 2);
	p->batch.marks = (struct ps_text){(const char *)bytes, marks.len / 2};
	w->bytes += marks.len / 2;
	if (!take_bytes(p->batch.host, PS_ID_SIZE, cells[LEDGER_HOST]) ||
	    !take_bytes(p->batch.boot, PS_ID_SIZE, cells[LEDGER_BOOT]) ||
	    !take_bytes(p->key, sizeof(p->key), cells[LEDGER_BATCH]) ||
	    (marks.data && !take_bytes(bytes, marks.len / 2, marks)))
		return broken(w, "batch");
	/* A digest of another length is a wrong one. */
	if (!take_bytes(p->batch.digest, PS_DIGEST_SIZE, cells[LEDGER_DIGEST]))
		memset(p->batch.digest, 0, PS_DIGEST_SIZE);
	if (!take_bytes(p->batch.previous, PS_DIGEST_SIZE, cells[LEDGER_PREVIOUS]))
		memset(p->batch.previous, 0, PS_DIGEST_SIZE);
	for (int i = 0; i < ROW_TABLES; i++)
		p->last[i] = &p->rows[i];
	w->n++;
	return w->n == PAGE || w->bytes > PAGE_BYTES ? TOO_MANY : 0;
}

/* The batches of a host that come after `last` (NULL: from the first on). */
static int read_page(struct walk *w, const uint8_t host[RELATION_KEY_SIZE], const struct ps_trail_batch *last)
{
	char host_digits[2 * PS_ID_SIZE + 1], boot_digits[2 * PS_ID_SIZE + 1];
	struct sql s;
	int r;

	arena_done(&w->memory);
	arena_init(&w->memory);
	w->bytes = 0;
	w->n = 0;
	text_hex(host_digits, host, RELATION_KEY_SIZE);
	sql_begin(&s, &w->source->dialect);
	sql_put(&s, "SELECT ");
	put_values(&s, "", RELATION_BATCHES, LEDGER_COLUMNS);
	sql_put(&s, " FROM ");
	sql_put_name(&s, RELATION_BATCHES);
	sql_put(&s, " WHERE host = ");
	bind_key(&s, host_digits);
	if (last) {
		text_hex(boot_digits, last->boot, PS_ID_SIZE);
		/* The first part alone is what an index can find. */
		sql_put(&s, " AND seq >= ");
		sql_bind_number(&s, (int64_t)last->seq);
		sql_put(&s, " AND (seq > ");
		sql_bind_number(&s, (int64_t)last->seq);
		sql_put(&s, " OR boot > ");
		bind_key(&s, boot_digits);
		sql_put(&s, ")");
	}
	sql_put(&s, " ORDER BY seq, boot LIMIT ");
	sql_bind_number(&s, PAGE);
	r = run(w, &s, LEDGER_COLUMNS, take_batch);
	return r == TOO_MANY ? 0 : r;
}

/* ---- rows ---- */

static struct page_batch *batch_of(struct walk *w, const uint8_t key[RELATION_KEY_SIZE])
{
	for (unsigned i = 0; i < w->n; i++)
		if (memcmp(w->batches[i].key, key, RELATION_KEY_SIZE) == 0)
			return &w->batches[i];
	return NULL;
}

static int keep_row(struct walk *w, struct page_batch *p, const struct row_shape *shape, const struct ps_value *values)
{
	struct kept *kept;

	kept = arena_alloc(&w->memory, sizeof(*kept) + shape->n * sizeof(*values));
	w->bytes += sizeof(*kept) + shape->n * sizeof(*values);
	for (unsigned i = 0; i < shape->n; i++) {
		kept->values[i] = values[i];
		if (values[i].type == PS_VALUE_TEXT || values[i].type == PS_VALUE_ENTRY)
			kept->values[i].text = copy(w, values[i].text);
	}
	*p->last[w->relation] = kept;
	p->last[w->relation] = &kept->next;
	return ++w->rows > PAGE_ROWS || w->bytes > PAGE_BYTES ? TOO_MANY : 0;
}

static int take_row(void *arg, const struct ps_text *cells)
{
	struct walk *w = arg;
	const struct row_shape *shape = &row_tables[w->relation];
	uint8_t keys[ROW_COLUMNS_MAX][RELATION_KEY_SIZE], key[RELATION_KEY_SIZE];
	struct ps_value values[ROW_COLUMNS_MAX];
	struct page_batch *p;
	int64_t time;

	if (!take_values(shape, cells, values, keys) || !take_bytes(key, sizeof(key), cells[shape->n]))
		return broken(w, "row");
	p = batch_of(w, key);
	if (!p)
		return broken(w, "row of a batch that was asked for");
	time = source_number(cells[shape->n + 1]);
	if (time < p->batch.start || time > p->batch.end)
		return 0; /* a stray */
	return w->keep ? keep_row(w, p, shape, values) : w->trail->row(w->trail->arg, w->relation, values, shape->n);
}

/* Of the batches first..end-1 of the page, those rows of a table that lie in their times. */
static int read_rows(struct walk *w, enum row_table table, unsigned first, unsigned end)
{
	char digits[PAGE][2 * RELATION_KEY_SIZE + 1], host[2 * PS_ID_SIZE + 1];
	int64_t from = INT64_MAX, to = INT64_MIN;
	struct relation_column batch;
	struct sql s;

	relation_column(table, row_tables[table].n + 1, &batch);
	for (unsigned i = first; i < end; i++) {
		from = w->batches[i].batch.start < from ? w->batches[i].batch.start : from;
		to = w->batches[i].batch.end > to ? w->batches[i].batch.end : to;
	}
	w->relation = table;
	w->rows = 0;
	text_hex(host, w->batches[first].batch.host, PS_ID_SIZE);
	sql_begin(&s, &w->source->dialect);
	sql_put(&s, "SELECT ");
	put_values(&s, "", table, row_tables[table].n);
	sql_put(&s, ", ");
	put_value(&s, "", &batch);
	sql_put(&s, ", ");
	sql_put_column(&s, relation_time(table));
	sql_put(&s, " FROM ");
	sql_put_name(&s, table);
	sql_put(&s, " WHERE ");
	sql_put_column(&s, relation_time(table));
	sql_put(&s, " >= ");
	sql_bind_number(&s, from);
	sql_put(&s, " AND ");
	sql_put_column(&s, relation_time(table));
	sql_put(&s, " <= ");
	sql_bind_number(&s, to);
	sql_put(&s, " AND host = ");
	bind_key(&s, host);
	sql_put(&s, " AND batch IN (");
	for (unsigned i = first; i < end; i++) {
		sql_put(&s, i > first ? ", " : "");
		bind_key(&s, text_hex(digits[i], w->batches[i].key, RELATION_KEY_SIZE));
	}
	sql_put(&s, ") ORDER BY ");
	sql_put_column(&s, "batch");
	sql_put(&s, ", ");
	sql_put_column(&s, "row");
	if (w->keep) {
		sql_put(&s, " LIMIT ");
		sql_bind_number(&s, PAGE_ROWS + 1);
	}
	return run(w, &s, row_tables[table].n + 2, take_row);
}

/* Rows that are of no batch, or not where their batch's rows are looked for. */
static int take_stray(void *arg, const struct ps_text *cells)
{
	struct walk *w = arg;
	const struct row_shape *shape = &row_tables[w->relation];
	uint8_t keys[ROW_COLUMNS_MAX][RELATION_KEY_SIZE];
	struct ps_value values[ROW_COLUMNS_MAX];

	if (!take_values(shape, cells, values, keys))
		return broken(w, "row");
	return w->trail->stray(w->trail->arg, w->relation, values, shape->n);
}

static int walk_strays(struct walk *w, enum row_table table)
{
	struct sql s;

	w->relation = table;
	sql_begin(&s, &w->source->dialect);
	sql_put(&s, "SELECT ");
	put_values(&s, "t.", table, row_tables[table].n);
	sql_put(&s, " FROM ");
	sql_put_name(&s, table);
	sql_put(&s, " t LEFT JOIN ");
	sql_put_name(&s, RELATION_BATCHES);
	sql_put(&s, " b ON b.host = t.host AND b.batch = t.batch AND b.starttime <= t.");
	sql_put_column(&s, relation_time(table));
	sql_put(&s, " AND b.endtime >= t.");
	sql_put_column(&s, relation_time(table));
	sql_put(&s, " WHERE b.host IS NULL");
	return run(w, &s, row_tables[table].n, take_stray);
}

/* ---- the trail ---- */

static int tell_kept(struct walk *w)
{
	int r = 0;

	for (unsigned i = 0; i < w->n && r == 0; i++) {
		r = w->trail->batch(w->trail->arg, &w->batches[i].batch);
		for (unsigned table = 0; table < ROW_TABLES && r == 0; table++)
			for (const struct kept *row = w->batches[i].rows[table]; row && r == 0; row = row->next)
				r = w->trail->row(w->trail->arg, table, row->values, row_tables[table].n);
	}
	return r;
}

static int tell_each(struct walk *w)
{
	int r = 0;

	w->keep = false;
	for (unsigned i = 0; i < w->n && r == 0; i++) {
		r = w->trail->batch(w->trail->arg, &w->batches[i].batch);
		for (enum row_table table = 0; table < ROW_TABLES && r == 0; table++)
			r = read_rows(w, table, i, i + 1);
	}
	return r;
}

static int walk_page(struct walk *w)
{
	int r = 0;

	w->keep = true;
	for (enum row_table table = 0; table < ROW_TABLES && r == 0; table++)
		r = read_rows(w, table, 0, w->n);
	return r == TOO_MANY ? tell_each(w) : r == 0 ? tell_kept(w) : r;
}

static int walk_host(struct walk *w, const uint8_t host[RELATION_KEY_SIZE])
{
	struct ps_trail_batch last;
	int r = read_page(w, host, NULL);

	while (r == 0 && w->n) {
		last = w->batches[w->n - 1].batch;
		r = walk_page(w);
		if (r == 0)
			r = read_page(w, host, &last);
	}
	return r;
}

static int walk_all(struct walk *w)
{
	int r = w->trail->begin(w->trail->arg, INT64_MIN);

	for (enum row_dictionary d = 0; d < ROW_DICTIONARIES && r == 0; d++)
		r = walk_dictionary(w, d);
	if (r == 0)
		r = find_hosts(w);
	for (size_t i = 0; i < w->n_hosts && r == 0; i++)
		r = walk_host(w, w->hosts[i]);
	for (enum row_table table = 0; table < ROW_TABLES && r == 0; table++)
		r = walk_strays(w, table);
	return r;
}

int source_reader_walk(void *self, const struct ps_trail *trail)
{
	const struct source *source = self;
	struct walk *w = mem_alloc(sizeof(*w));
	int r = source->begin(source->self, SOURCE_WALK_PATIENCE * source->host->number(source->ctx, "query_timeout"));

	w->source = source;
	w->trail = trail;
	arena_init(&w->memory);
	if (r == 0) {
		r = walk_all(w);
		source->end(source->self);
	}
	arena_done(&w->memory);
	free(w->hosts);
	free(w);
	return r;
}

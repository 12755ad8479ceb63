/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/base/text.h"
#include "core/query/chain.h"

#define LABEL_MAX 80
#define ID_MAX 16

/* An entry of a dictionary, by its id. */
struct known {
	uint8_t id[ID_MAX + 1]; /* dictionary, id */
	struct row_entry entry; /* only its key counts */
	const char *label;
};

/* A batch that was walked. */
struct seen {
	uint64_t seq;
	uint8_t boot[PS_ID_SIZE], digest[PS_DIGEST_SIZE];
};

struct chained_host {
	uint8_t id[PS_ID_SIZE];
	struct seen *seen;
	size_t n, room;
};

struct verify {
	struct ps_trail trail;
	void (*fault)(void *arg, const char *text);
	void *arg;
	struct verify_counts counts;
	int64_t from, cutoff; /* what is older may be gone: strays too; rows of batches */
	struct table known, hosts;
	struct arena memory;
	struct buf scratch;

	/* The batch at hand. */
	bool open;
	struct ps_trail_batch batch;
	struct chained_host *host;
	struct chain chain;
	struct buf text; /* hostname and marks of the batch */
	char *odd;       /* what the first row was that does not fit its mark */
	uint64_t odd_at;
	bool unknown; /* a row refers to an entry that is not there */
};

__attribute__((format(printf, 2, 3))) static void fault(struct verify *v, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	v->counts.faults++;
	v->fault(v->arg, text);
	free(text);
}

/* "batch 17 of mail (2026-11-28T08:00:00Z)" */
static const char *name_of(struct verify *v, char out[256])
{
	char time[CLOCK_TEXT_SIZE];
	int most = v->batch.hostname.len > 64 ? 64 : (int)v->batch.hostname.len;

	clock_text(time, v->batch.start > 0 && v->batch.start < INT64_MAX / NS_PER_S ? v->batch.start * NS_PER_S : 0);
	snprintf(out, 256, "batch %" PRIu64 "%s%.*s (%s)", v->batch.seq, most ? " of " : "", most, v->batch.hostname.data,
	         time);
	return out;
}

static char *describe(unsigned table, const struct ps_value *values, const struct row_value *row)
{
	const struct row_shape *shape = &row_tables[table];
	struct buf out;

	buf_init(&out);
	for (unsigned i = 0; i < shape->n; i++) {
		const char *name = shape->columns[i].name;

		if (values[i].type == PS_VALUE_NUMBER)
			buf_printf(&out, " %s=%" PRId64, name, values[i].number);
		else if (values[i].type == PS_VALUE_TEXT && values[i].text.len)
			buf_printf(&out, " %s=%.*s", name, values[i].text.len > LABEL_MAX ? LABEL_MAX : (int)values[i].text.len,
			           values[i].text.data);
		else if (values[i].type == PS_VALUE_ENTRY && row[i].entry && !row[i].entry->empty)
			buf_printf(&out, " %.*s=%s", (int)strlen(name) - 3, name,
			           ((const struct known *)((const char *)row[i].entry - offsetof(struct known, entry)))->label);
	}
	buf_put_u8(&out, 0);
	return (char *)out.data;
}

static int on_begin(void *arg, int64_t cutoff)
{
	struct verify *v = arg;

	v->cutoff = cutoff > v->from ? cutoff : v->from;
	return 0;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	while (n && !*bytes) {
		bytes++;
		n--;
	}
	return !n;
}

/* What the entry that means "not known" has in its columns. */
static bool is_empty(const struct ps_value *values, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (values[i].type == PS_VALUE_NUMBER
		        ? values[i].number != 0
		        : values[i].type == PS_VALUE_TEXT && values[i].text.len &&
		              !(values[i].text.len == 6 && !memcmp(values[i].text.data, "absent", 6)))
			return false;
	return true;
}

static void take(struct row_value *to, const struct ps_value *from)
{
	static const enum row_type types[] = {ROW_NULL, ROW_NUMBER, ROW_TEXT, ROW_ENTRY};

	*to = (struct row_value){.type = types[from->type], .number = from->number, .text = from->text};
}

static int on_entry(void *arg, unsigned dictionary, struct ps_text id, const struct ps_value *values, unsigned n)
{
	struct verify *v = arg;
	struct known *k;

	if (dictionary >= ROW_DICTIONARIES || n != row_dictionaries[dictionary].n || !id.len || id.len > ID_MAX)
		return -EINVAL;
	k = arena_alloc(&v->memory, sizeof(*k));
	k->id[0] = (uint8_t)dictionary;
	memcpy(k->id + 1, id.data, id.len);
	if (table_get(&v->known, k->id, id.len + 1)) {
		fault(v, "%s has two rows of one id", row_dictionaries[dictionary].name);
		return 0;
	}
	k->entry.empty = is_zero(k->id + 1, id.len);
	for (unsigned i = 0; i < n; i++)
		take(&k->entry.values[i], &values[i]);
	chain_entry(&v->scratch, (enum row_dictionary)dictionary, &k->entry);
	if (k->entry.empty && !is_empty(values, n))
		fault(v, "the empty row of %s is not empty", row_dictionaries[dictionary].name);
	/* An id that is a digest has to be that of the row. */
	if (!k->entry.empty && id.len == 16 && memcmp(k->id + 1, k->entry.key, 16) != 0)
		fault(v, "a row of %s is not what its id says: %.*s", row_dictionaries[dictionary].name,
		      values[0].text.len > LABEL_MAX ? LABEL_MAX : (int)values[0].text.len, values[0].text.data);
	k->label = values[0].type == PS_VALUE_TEXT
	               ? arena_copy(&v->memory, values[0].text.data,
	                            values[0].text.len > LABEL_MAX ? LABEL_MAX : values[0].text.len)
	               : "";
	memset(k->entry.values, 0, sizeof(k->entry.values)); /* they do not live on */
	table_add(&v->known, k->id, id.len + 1, k);
	return 0;
}

/* Says what the first row is that does not fit, by what was noted of the rows when they were stored. */
static void name_row(struct verify *v, const char *batch)
{
	const uint8_t *marks = (const uint8_t *)v->batch.marks.data;
	uint64_t had = v->batch.marks.len / CHAIN_MARK_SIZE, has = v->chain.rows, at = v->odd_at;
	const char *table, *row = v->odd ? v->odd : "";

	if (at >= had && at >= has) {
		fault(v, "%s: its name, its times or its digest were changed", batch);
		return;
	}
	table = row_tables[at < had && marks[at * CHAIN_MARK_SIZE] < ROW_TABLES ? marks[at * CHAIN_MARK_SIZE]
	                                                                        : v->chain.marks.data[at * CHAIN_MARK_SIZE]]
	            .name;
	if (has < had)
		fault(v, "%s: %" PRIu64 " of %" PRIu64 " rows were removed; the first was row %" PRIu64 ", of %s", batch,
		      had - has, had, at + 1, table);
	else if (has > had)
		fault(v, "%s: %" PRIu64 " rows were added to its %" PRIu64 "; the first is row %" PRIu64 ", of %s:%s", batch,
		      has - had, had, at + 1, table, row);
	else
		fault(v, "%s: row %" PRIu64 " of %" PRIu64 ", of %s, was changed; it is now:%s", batch, at + 1, had, table,
		      row);
}

static void close_batch(struct verify *v)
{
	const struct ps_trail_batch *b = &v->batch;
	uint8_t digest[PS_DIGEST_SIZE];
	struct chain_name name = {.seq = b->seq, .hostname = b->hostname, .start = b->start, .end = b->end};
	char batch[256];

	if (!v->open)
		return;
	v->open = false;
	name_of(v, batch);
	v->counts.set_aside += b->set_aside;
	if (b->start < v->cutoff) {
		v->counts.retired++;
	} else if (!b->has_marks) {
		v->counts.older++;
	} else {
		memcpy(name.host, b->host, sizeof(name.host));
		memcpy(name.boot, b->boot, sizeof(name.boot));
		memcpy(name.previous, b->previous, sizeof(name.previous));
		chain_digest(&v->chain, &name, digest);
		v->counts.batches++;
		v->counts.rows += v->chain.rows;
		if (v->unknown)
			fault(v, "%s: a row refers to an executable, domain, address or place that is not there", batch);
		if (v->odd_at == UINT64_MAX)
			v->odd_at = v->chain.rows;
		if (b->set_aside)
			; /* it says itself that it is not whole */
		else if (memcmp(digest, b->digest, sizeof(digest)) != 0)
			name_row(v, batch);
		else if (b->marks.len != v->chain.marks.len || v->odd || b->rows != v->chain.rows)
			fault(v, "%s: what was noted of its rows was changed", batch);
	}
	free(v->odd);
	v->odd = NULL;
}

static struct chained_host *host_of(struct verify *v, const uint8_t id[PS_ID_SIZE])
{
	struct chained_host *h = table_get(&v->hosts, id, PS_ID_SIZE);

	if (h)
		return h;
	h = mem_alloc(sizeof(*h));
	memcpy(h->id, id, sizeof(h->id));
	table_add(&v->hosts, h->id, sizeof(h->id), h);
	v->counts.hosts++;
	return h;
}

static void check_link(struct verify *v, struct chained_host *h, const struct ps_trail_batch *b)
{
	const struct seen *last = h->n ? &h->seen[h->n - 1] : NULL;
	char batch[256];

	if (!last)
		return; /* what came before it is not here: retention, or another store */
	name_of(v, batch);
	if (b->seq <= last->seq)
		fault(v, "%s comes after batch %" PRIu64, batch, last->seq);
	else if (b->seq > last->seq + 2)
		fault(v, "batches %" PRIu64 " to %" PRIu64 " are missing before %s", last->seq + 1, b->seq - 1, batch);
	else if (b->seq == last->seq + 2)
		fault(v, "batch %" PRIu64 " is missing before %s", last->seq + 1, batch);
	else if (memcmp(b->previous, last->digest, sizeof(last->digest)) != 0)
		fault(v, "%s does not follow on batch %" PRIu64 ": it was written after another one", batch, last->seq);
}

static int on_batch(void *arg, const struct ps_trail_batch *b)
{
	struct verify *v = arg;
	struct chained_host *h;
	struct seen *seen;

	close_batch(v);
	v->text.len = 0;
	buf_put(&v->text, b->hostname.data, b->hostname.len);
	buf_put(&v->text, b->marks.data, b->marks.len);
	buf_put_u8(&v->text, 0);
	v->batch = *b;
	v->batch.hostname.data = (const char *)v->text.data;
	v->batch.marks.data = (const char *)v->text.data + b->hostname.len;
	v->open = true;
	v->unknown = false;
	v->odd_at = UINT64_MAX;
	chain_clear(&v->chain);
	if (!v->counts.first || b->start < v->counts.first)
		v->counts.first = b->start;
	if (b->end > v->counts.last)
		v->counts.last = b->end;
	v->host = h = host_of(v, b->host);
	check_link(v, h, b);
	if (h->n == h->room) {
		h->room = h->room ? 2 * h->room : 64;
		h->seen = mem_resize(h->seen, h->room * sizeof(*h->seen));
	}
	seen = &h->seen[h->n++];
	seen->seq = b->seq;
	memcpy(seen->boot, b->boot, sizeof(seen->boot));
	memcpy(seen->digest, b->digest, sizeof(seen->digest));
	return 0;
}

static int look_up(struct verify *v, unsigned table, const struct ps_value *values, unsigned n, struct row_value *row)
{
	static struct known missing = {.label = "?"};

	if (table >= ROW_TABLES || n != row_tables[table].n)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		const struct row_column *c = &row_tables[table].columns[i];
		uint8_t id[ID_MAX + 1] = {(uint8_t)c->dictionary};
		struct known *k;

		take(&row[i], &values[i]);
		if (values[i].type != PS_VALUE_ENTRY)
			continue;
		if (values[i].text.len > ID_MAX)
			return -EINVAL;
		memcpy(id + 1, values[i].text.data, values[i].text.len);
		k = table_get(&v->known, id, values[i].text.len + 1);
		row[i].entry = k ? &k->entry : &missing.entry;
		v->unknown |= !k;
	}
	return 0;
}

static int on_row(void *arg, unsigned table, const struct ps_value *values, unsigned n)
{
	struct row_value row[ROW_COLUMNS_MAX];
	struct verify *v = arg;
	uint64_t at = v->chain.rows;
	int r = look_up(v, table, values, n, row);

	if (r < 0)
		return r;
	chain_add(&v->chain, (enum row_table)table, row);
	if (v->odd_at == UINT64_MAX && v->batch.has_marks &&
	    (at * CHAIN_MARK_SIZE >= v->batch.marks.len ||
	     memcmp(v->chain.marks.data + at * CHAIN_MARK_SIZE, v->batch.marks.data + at * CHAIN_MARK_SIZE,
	            CHAIN_MARK_SIZE) != 0)) {
		v->odd_at = at;
		v->odd = describe(table, values, row);
	}
	return 0;
}

static int on_stray(void *arg, unsigned table, const struct ps_value *values, unsigned n)
{
	struct row_value row[ROW_COLUMNS_MAX];
	struct verify *v = arg;
	bool unknown = v->unknown;
	int r = look_up(v, table, values, n, row);
	char *text;

	if (r < 0)
		return r;
	v->unknown = unknown;
	/* A row's time is its first column. */
	if (values[0].type == PS_VALUE_NUMBER && values[0].number < v->from)
		return 0;
	text = describe(table, values, row);
	fault(v, "a row of %s belongs to no batch: it was added, or its batch was removed:%s", row_tables[table].name,
	      text);
	free(text);
	return 0;
}

struct verify *verify_new(void (*on_fault)(void *arg, const char *text), void *arg)
{
	struct verify *v = mem_alloc(sizeof(*v));

	v->trail = (struct ps_trail){
	    .arg = v, .begin = on_begin, .entry = on_entry, .batch = on_batch, .row = on_row, .stray = on_stray};
	v->fault = on_fault;
	v->arg = arg;
	v->from = v->cutoff = INT64_MIN;
	table_init(&v->known);
	table_init(&v->hosts);
	arena_init(&v->memory);
	chain_init(&v->chain);
	return v;
}

void verify_free(struct verify *v)
{
	struct chained_host *h;

	for (size_t at = 0; (h = table_next(&v->hosts, &at));) {
		free(h->seen);
		free(h);
	}
	table_done(&v->known);
	table_done(&v->hosts);
	arena_done(&v->memory);
	chain_done(&v->chain);
	buf_done(&v->scratch);
	buf_done(&v->text);
	free(v->odd);
	free(v);
}

void verify_from(struct verify *v, int64_t from)
{
	v->from = from;
}

const struct ps_trail *verify_trail(struct verify *v)
{
	return &v->trail;
}

void verify_end(struct verify *v, struct verify_counts *counts)
{
	close_batch(v);
	*counts = v->counts;
}

static void compare_host(struct verify *v, const char *name, const struct chained_host *a, const char *other_name,
                         const struct chained_host *b)
{
	size_t i = 0, j = 0;
	/* What is before the first batch that both could have is another retention, not a gap. */
	uint64_t from = a->seen[0].seq > b->seen[0].seq ? a->seen[0].seq : b->seen[0].seq;

	while (i < a->n && a->seen[i].seq < from)
		i++;
	while (j < b->n && b->seen[j].seq < from)
		j++;
	while (i < a->n && j < b->n) {
		const struct seen *x = &a->seen[i], *y = &b->seen[j];

		if (x->seq == y->seq) {
			if (memcmp(x->digest, y->digest, sizeof(x->digest)) != 0) {
				fault(v, "batch %" PRIu64 " is another one in %s than in %s: one of them was changed", x->seq, name,
				      other_name);
				return; /* as will be all that follow */
			}
			i++;
			j++;
		} else if (x->seq < y->seq) {
			fault(v, "batch %" PRIu64 " is missing in %s", x->seq, other_name);
			i++;
		} else {
			fault(v, "batch %" PRIu64 " is missing in %s", y->seq, name);
			j++;
		}
	}
	if (j < b->n)
		fault(v,
		      "%s ends with batch %" PRIu64 ", and %s goes on to batch %" PRIu64
		      ": the end was cut off, or has not arrived",
		      name, a->seen[a->n - 1].seq, other_name, b->seen[b->n - 1].seq);
	if (i < a->n)
		fault(v,
		      "%s ends with batch %" PRIu64 ", and %s goes on to batch %" PRIu64
		      ": the end was cut off, or has not arrived",
		      other_name, b->seen[b->n - 1].seq, name, a->seen[a->n - 1].seq);
}

void verify_compare(struct verify *v, const char *name, const struct verify *other, const char *other_name)
{
	const struct chained_host *a;

	for (size_t at = 0; (a = table_next(&v->hosts, &at));) {
		const struct chained_host *b = table_get(&other->hosts, a->id, sizeof(a->id));
		char id[2 * PS_ID_SIZE + 1];

		if (b)
			compare_host(v, name, a, other_name, b);
		else
			fault(v, "%s has nothing of host %s", other_name, text_hex(id, a->id, sizeof(a->id)));
	}
}

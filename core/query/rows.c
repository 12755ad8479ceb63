/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/rows.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/query/names.h"

void rows_init(struct rows *r, const struct ps_batch *batch)
{
	*r = (struct rows){.batch = batch};
	r->exes = mem_alloc(batch->n_exes * sizeof(struct row_entry *));
	r->domains = mem_alloc(batch->n_texts * sizeof(struct row_entry *));
	r->places = mem_alloc(batch->n_places * sizeof(struct row_entry *));
	table_init(&r->addresses);
	arena_init(&r->memory);
}

void rows_done(struct rows *r)
{
	free(r->exes);
	free(r->domains);
	free(r->places);
	table_done(&r->addresses);
	arena_done(&r->memory);
	buf_done(&r->scratch);
}

int64_t rows_seconds(int64_t ns)
{
	return ns / NS_PER_S - (ns % NS_PER_S < 0);
}

static struct row_value number(int64_t n)
{
	return (struct row_value){.type = ROW_NUMBER, .number = n};
}

static struct row_value count(struct rows *r, uint64_t n)
{
	r->clamped += n > INT64_MAX;
	return number(n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

static struct row_value unless(bool unknown, int64_t n)
{
	return unknown ? (struct row_value){.type = ROW_NULL} : number(n);
}

static struct row_value word(const char *text)
{
	return (struct row_value){.type = ROW_TEXT, .text = {text, (uint32_t)strlen(text)}};
}

static struct row_value shown(struct rows *r, struct ps_text text, enum ps_show how)
{
	size_t len = text_show(NULL, 0, text, how);
	char *out = arena_alloc(&r->memory, len + 1);

	text_show(out, len + 1, text, how);
	return (struct row_value){.type = ROW_TEXT, .text = {out, (uint32_t)len}};
}

static struct row_value hash(struct rows *r, const uint8_t sha256[32], bool known)
{
	char *hex = arena_alloc(&r->memory, 2 * 32 + 1);

	return word(known ? text_hex(hex, sha256, 32) : "");
}

static struct row_value to(struct row_entry *entry)
{
	return (struct row_value){.type = ROW_ENTRY, .entry = entry};
}

static struct row_value exe(struct rows *r, uint32_t at)
{
	const struct ps_exe *e = &r->batch->exes[at];
	struct row_entry *entry = r->exes[at];

	if (entry)
		return to(entry);
	entry = r->exes[at] = arena_alloc(&r->memory, sizeof(*entry));
	entry->empty = !e->path.len && !e->name.len && !e->cmdline.len && !e->script.len &&
	               e->hash_state == PS_HASH_ABSENT && e->script_state == PS_HASH_ABSENT && !e->flags;
	entry->values[0] = shown(r, e->path, PS_SHOW_PATH);
	entry->values[1] = shown(r, e->name, PS_SHOW_PATH);
	entry->values[2] = shown(r, e->cmdline, PS_SHOW_ARGV);
	entry->values[3] = hash(r, e->sha256, e->hash_state == PS_HASH_OK);
	entry->values[4] = word(names_hash_state(e->hash_state));
	entry->values[5] = number(e->flags);
	entry->values[6] = shown(r, e->script, PS_SHOW_PATH);
	entry->values[7] = hash(r, e->script_sha256, e->script_state == PS_HASH_OK);
	entry->values[8] = word(names_hash_state(e->script_state));
	chain_entry(&r->scratch, ROW_EXECUTABLES, entry);
	return to(entry);
}

static struct row_value domain(struct rows *r, uint32_t at)
{
	struct row_entry *entry = r->domains[at];

	if (entry)
		return to(entry);
	entry = r->domains[at] = arena_alloc(&r->memory, sizeof(*entry));
	entry->empty = !r->batch->texts[at].len;
	entry->values[0] = shown(r, r->batch->texts[at], PS_SHOW_PATH);
	chain_entry(&r->scratch, ROW_DOMAINS, entry);
	return to(entry);
}

static struct row_value place(struct rows *r, uint32_t at)
{
	const struct ps_place *p = &r->batch->places[at];
	const struct ps_text texts[] = {p->cgroup, p->unit, p->slice, p->session, p->engine, p->container, p->pod};
	struct row_entry *entry = r->places[at];
	int i = 0;

	if (entry)
		return to(entry);
	entry = r->places[at] = arena_alloc(&r->memory, sizeof(*entry));
	entry->empty = !p->cgroup.len && !p->unit.len && !p->container.len && p->owner < 0;
	for (; i < 7; i++)
		entry->values[i] = shown(r, texts[i], PS_SHOW_PATH);
	entry->values[i] = unless(p->owner < 0, p->owner);
	chain_entry(&r->scratch, ROW_PLACES, entry);
	return to(entry);
}

/* By family and bytes. */
struct address {
	uint8_t bytes[17];
	struct row_entry entry;
};

static struct row_value address(struct rows *r, const struct ps_addr *addr)
{
	char text[TEXT_ADDR_SIZE];
	struct address *a;
	uint8_t bytes[17] = {addr->family};

	if (addr->family)
		memcpy(bytes + 1, addr->bytes, addr->family == AF_INET6 ? 16 : 4);
	a = table_get(&r->addresses, bytes, sizeof(bytes));
	if (a)
		return to(&a->entry);
	a = arena_alloc(&r->memory, sizeof(*a));
	memcpy(a->bytes, bytes, sizeof(bytes));
	text_addr(text, addr);
	a->entry.empty = !*text;
	a->entry.values[0] = word(arena_copy(&r->memory, text, strlen(text)));
	chain_entry(&r->scratch, ROW_ADDRESSES, &a->entry);
	table_add(&r->addresses, a->bytes, sizeof(a->bytes), a);
	return to(&a->entry);
}

static void get_connection(struct rows *r, const struct ps_record *record, struct row_value *v)
{
	const struct ps_traffic *t = &record->traffic;

	*v++ = number(rows_seconds(record->start_ns));
	*v++ = count(r, t->sent);
	*v++ = count(r, t->received);
	*v++ = count(r, t->calls);
	*v++ = exe(r, t->exe);
	*v++ = exe(r, t->parent);
	*v++ = exe(r, t->grandparent);
	*v++ = number(t->uid);
	*v++ = number(t->family);
	*v++ = number(t->protocol);
	*v++ = number(t->lport);
	*v++ = number(t->rport);
	*v++ = address(r, &t->laddr);
	*v++ = address(r, &t->raddr);
	*v++ = domain(r, t->domain);
	*v++ = number(t->netns);
	*v++ = number(rows_seconds(record->end_ns));
	*v++ = place(r, t->place);
	*v++ = number(t->domain_rivals);
	*v++ = word(names_domain_source(t->domain_source));
	*v++ = word(names_direction(t->direction));
	*v++ = unless(!t->opened_ns, rows_seconds(t->opened_ns));
	*v = unless(!t->closed_ns, rows_seconds(t->closed_ns));
}

static void get_program(struct rows *r, const struct ps_record *record, struct row_value *v)
{
	static const uint8_t none[32];
	const struct ps_program *g = &record->program;

	*v++ = number(rows_seconds(record->end_ns));
	*v++ = exe(r, g->exe);
	*v++ = exe(r, g->parent);
	*v++ = exe(r, g->grandparent);
	*v++ = place(r, g->place);
	*v++ = number(g->uid);
	*v++ = number(g->expected);
	*v++ = word(names_program_event(g->event));
	*v++ = word(names_program_role(g->role));
	*v++ = hash(r, g->previous, memcmp(g->previous, none, sizeof(none)) != 0);
	*v = shown(r, r->batch->texts[g->text], PS_SHOW_PATH);
}

static void get_loss(struct rows *r, const struct ps_record *record, struct row_value *v)
{
	const struct ps_alert *a = &record->alert;

	*v++ = number(rows_seconds(record->start_ns));
	*v++ = number(rows_seconds(record->end_ns));
	*v++ = word(names_stage(a->stage));
	*v++ = count(r, a->count);
	*v++ = count(r, a->sent);
	*v++ = count(r, a->received);
	*v = shown(r, r->batch->texts[a->text], PS_SHOW_PATH);
}

static void get_audit(struct rows *r, const struct ps_record *record, struct row_value *v)
{
	const struct ps_audit *a = &record->audit;
	const uint64_t counts[] = {
	    a->sent,          a->received,  a->packets_sent, a->packets_received, a->errors,
	    a->retransmitted, a->forwarded, a->own_sent,     a->own_received,     a->own_calls,
	};

	*v++ = number(rows_seconds(record->start_ns));
	*v++ = number(rows_seconds(record->end_ns));
	*v++ = number(a->netns);
	*v++ = word(names_layer(a->layer));
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		*v++ = count(r, counts[i]);
	*v++ = number(a->rest_sent);
	*v++ = number(a->rest_received);
	*v = number(a->rest_packets);
}

static void get_verdict(struct rows *r, const struct ps_record *record, struct row_value *v)
{
	const struct ps_finding *f = &record->finding;
	const struct ps_text *texts = r->batch->texts;

	*v++ = number(rows_seconds(record->end_ns));
	*v++ = hash(r, f->sha256, true);
	*v++ = word(names_finding(f->state));
	*v++ = word(names_finding(f->previous));
	*v++ = shown(r, texts[f->service], PS_SHOW_PATH);
	*v++ = number(f->malicious);
	*v++ = number(f->suspicious);
	*v++ = number(f->harmless);
	*v++ = number(f->undetected);
	*v++ = unless(!f->asked_ns, rows_seconds(f->asked_ns));
	*v++ = unless(!f->analysed_ns, rows_seconds(f->analysed_ns));
	*v++ = shown(r, texts[f->path], PS_SHOW_PATH);
	*v++ = shown(r, texts[f->text], PS_SHOW_PATH);
	*v = shown(r, texts[f->link], PS_SHOW_PATH);
}

void rows_get(struct rows *r, enum row_table table, const struct ps_record *record, struct row_value *values)
{
	static void (*const get[ROW_TABLES])(struct rows *, const struct ps_record *, struct row_value *) = {
	    [ROW_CONNECTIONS] = get_connection,
	    [ROW_PROGRAMS] = get_program,
	    [ROW_LOSSES] = get_loss,
	    [ROW_AUDIT] = get_audit,
	    [ROW_VERDICTS] = get_verdict,
	};

	get[table](r, record, values);
}

void rows_name(struct rows *r, struct chain_name *name)
{
	const struct ps_batch *b = r->batch;

	memset(name, 0, sizeof(*name));
	memcpy(name->host, b->host, sizeof(name->host));
	memcpy(name->boot, b->boot, sizeof(name->boot));
	name->seq = b->seq;
	memcpy(name->previous, b->previous, sizeof(name->previous));
	name->hostname = shown(r, b->hostname, PS_SHOW_PATH).text;
	for (uint32_t i = 0; i < b->n_records; i++) {
		int64_t start = rows_seconds(b->records[i].start_ns), end = rows_seconds(b->records[i].end_ns);

		name->start = !i || start < name->start ? start : name->start;
		name->end = !i || end > name->end ? end : name->end;
	}
}

void rows_chain(struct rows *r, struct chain *c)
{
	struct row_value values[ROW_COLUMNS_MAX];

	for (int table = 0; table < ROW_TABLES; table++)
		for (uint32_t i = 0; i < r->batch->n_records; i++)
			if (r->batch->records[i].kind == row_kind((enum row_table)table)) {
				rows_get(r, (enum row_table)table, &r->batch->records[i], values);
				chain_add(c, (enum row_table)table, values);
			}
}

void rows_digest(const struct ps_batch *batch, uint8_t digest[PS_DIGEST_SIZE])
{
	struct chain_name name;
	struct chain chain;
	struct rows rows;

	rows_init(&rows, batch);
	chain_init(&chain);
	rows_name(&rows, &name);
	rows_chain(&rows, &chain);
	chain_digest(&chain, &name, digest);
	chain_done(&chain);
	rows_done(&rows);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One batch into the store, in one transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/query/names.h"
#include "plugins/sqlite/store.h"

/* What a batch's indexes have turned out to be: NULL until first used. */
struct writing {
	struct store *store;
	const struct ps_batch *batch;
	struct interned **exes, **domains, **places;
	int64_t batch_id;
};

struct failure {
	enum ps_verdict verdict;
	bool damage, moved; /* the file is broken; it is not the one at its path any more */
	char text[128];
};

static int64_t seconds(int64_t ns)
{
	return ns / NS_PER_S - (ns % NS_PER_S < 0);
}

/* NULL when it is not known. */
static void bind_time(sqlite3_stmt *st, int at, int64_t ns)
{
	if (ns)
		sqlite3_bind_int64(st, at, seconds(ns));
	else
		sqlite3_bind_null(st, at);
}

static int64_t clamp(struct store *s, uint64_t value)
{
	if (value <= INT64_MAX)
		return (int64_t)value;
	if (!s->clamped)
		s->host->log(s->ctx, PS_WARNING, "a count of %llu is more than SQLite can hold: stored as %lld",
		             (unsigned long long)value, (long long)INT64_MAX);
	s->clamped = true;
	return INT64_MAX;
}

static int exe_of(struct writing *w, uint32_t at, int64_t contime, int64_t *id)
{
	int rc = SQLITE_OK;

	if (!w->exes[at])
		rc = intern_exe(&w->store->intern, &w->batch->exes[at], contime, &w->exes[at]);
	if (rc == SQLITE_OK) {
		*id = w->exes[at]->id;
		rc = intern_touch(&w->store->intern, DICT_EXECUTABLES, w->exes[at], contime);
	}
	return rc;
}

static int domain_of(struct writing *w, uint32_t at, int64_t contime, int64_t *id)
{
	int rc = SQLITE_OK;

	if (!w->domains[at])
		rc = intern_domain(&w->store->intern, w->batch->texts[at], contime, &w->domains[at]);
	if (rc == SQLITE_OK) {
		*id = w->domains[at]->id;
		rc = intern_touch(&w->store->intern, DICT_DOMAINS, w->domains[at], contime);
	}
	return rc;
}

static int place_of(struct writing *w, uint32_t at, int64_t contime, int64_t *id)
{
	int rc = SQLITE_OK;

	if (!w->places[at])
		rc = intern_place(&w->store->intern, &w->batch->places[at], contime, &w->places[at]);
	if (rc == SQLITE_OK) {
		*id = w->places[at]->id;
		rc = intern_touch(&w->store->intern, DICT_PLACES, w->places[at], contime);
	}
	return rc;
}

static int addr_of(struct writing *w, const struct ps_addr *addr, int64_t contime, int64_t *id)
{
	struct interned *row;
	int rc = intern_addr(&w->store->intern, addr, contime, &row);

	if (rc == SQLITE_OK) {
		*id = row->id;
		rc = intern_touch(&w->store->intern, DICT_ADDRESSES, row, contime);
	}
	return rc;
}

static int add_connection(struct writing *w, const struct ps_record *r)
{
	const struct ps_traffic *t = &r->traffic;
	sqlite3_stmt *st = w->store->st[ST_ADD_CONNECTION];
	int64_t contime = seconds(r->start_ns), exe, parent, grandparent, domain, laddr, raddr, place;
	int rc, at = 0;

	if ((rc = exe_of(w, t->exe, contime, &exe)) || (rc = exe_of(w, t->parent, contime, &parent)) ||
	    (rc = exe_of(w, t->grandparent, contime, &grandparent)) || (rc = domain_of(w, t->domain, contime, &domain)) ||
	    (rc = addr_of(w, &t->laddr, contime, &laddr)) || (rc = addr_of(w, &t->raddr, contime, &raddr)) ||
	    (rc = place_of(w, t->place, contime, &place)))
		return rc;

	const int64_t values[] = {
	    contime,
	    clamp(w->store, t->sent),
	    clamp(w->store, t->received),
	    clamp(w->store, t->calls),
	    exe,
	    parent,
	    grandparent,
	    t->uid,
	    t->family,
	    t->protocol,
	    t->lport,
	    t->rport,
	    laddr,
	    raddr,
	    domain,
	    t->netns,
	    seconds(r->end_ns),
	    w->batch_id,
	    place,
	    t->domain_rivals,
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		sqlite3_bind_int64(st, ++at, values[i]);
	sqlite3_bind_text(st, ++at, names_domain_source(t->domain_source), -1, SQLITE_STATIC);
	sqlite3_bind_text(st, ++at, names_direction(t->direction), -1, SQLITE_STATIC);
	bind_time(st, ++at, t->opened_ns);
	bind_time(st, ++at, t->closed_ns);
	sqlite3_step(st);
	return sqlite3_reset(st);
}

/* Binds a text as it is shown, runs the statement, and lets go of both. */
static int run_with_text(struct writing *w, sqlite3_stmt *st, int at, struct ps_text text)
{
	const struct ps_host *host = w->store->host;
	size_t len = host->show(NULL, 0, text, PS_SHOW_PATH);
	char *shown = mem_alloc(len + 1);
	int rc;

	host->show(shown, len + 1, text, PS_SHOW_PATH);
	rc = sqlite3_bind_text64(st, at, shown, len, SQLITE_STATIC, SQLITE_UTF8);
	if (rc == SQLITE_OK) {
		sqlite3_step(st);
		rc = sqlite3_reset(st);
	}
	sqlite3_clear_bindings(st);
	free(shown);
	return rc;
}

static int add_program(struct writing *w, const struct ps_record *r)
{
	static const uint8_t none[32];
	const struct ps_program *g = &r->program;
	sqlite3_stmt *st = w->store->st[ST_ADD_PROGRAM];
	int64_t time = seconds(r->end_ns), exe, parent, grandparent, place;
	char previous[2 * 32 + 1] = "";
	int rc, at = 0;

	if ((rc = exe_of(w, g->exe, time, &exe)) || (rc = exe_of(w, g->parent, time, &parent)) ||
	    (rc = exe_of(w, g->grandparent, time, &grandparent)) || (rc = place_of(w, g->place, time, &place)))
		return rc;

	const int64_t values[] = {time, exe, parent, grandparent, place, g->uid, g->expected, w->batch_id};
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		sqlite3_bind_int64(st, ++at, values[i]);
	if (memcmp(g->previous, none, sizeof(none)) != 0)
		text_hex(previous, g->previous, sizeof(g->previous));
	sqlite3_bind_text(st, ++at, names_program_event(g->event), -1, SQLITE_STATIC);
	sqlite3_bind_text(st, ++at, names_program_role(g->role), -1, SQLITE_STATIC);
	sqlite3_bind_text(st, ++at, previous, -1, SQLITE_STATIC);
	return run_with_text(w, st, ++at, w->batch->texts[g->text]);
}

static int add_loss(struct writing *w, const struct ps_record *r)
{
	const struct ps_alert *a = &r->alert;
	struct store *s = w->store;
	sqlite3_stmt *st = s->st[ST_ADD_LOSS];

	sqlite3_bind_int64(st, 1, seconds(r->start_ns));
	sqlite3_bind_int64(st, 2, seconds(r->end_ns));
	sqlite3_bind_text(st, 3, names_stage(a->stage), -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, clamp(s, a->count));
	sqlite3_bind_int64(st, 5, clamp(s, a->sent));
	sqlite3_bind_int64(st, 6, clamp(s, a->received));
	sqlite3_bind_int64(st, 8, w->batch_id);
	return run_with_text(w, st, 7, w->batch->texts[a->text]);
}

static int add_audit(struct writing *w, const struct ps_record *r)
{
	const struct ps_audit *a = &r->audit;
	struct store *s = w->store;
	sqlite3_stmt *st = s->st[ST_ADD_AUDIT];
	const uint64_t counts[] = {
	    a->sent,          a->received,  a->packets_sent, a->packets_received, a->errors,
	    a->retransmitted, a->forwarded, a->own_sent,     a->own_received,     a->own_calls,
	};
	int at = 0;

	sqlite3_bind_int64(st, ++at, seconds(r->start_ns));
	sqlite3_bind_int64(st, ++at, seconds(r->end_ns));
	sqlite3_bind_int64(st, ++at, a->netns);
	sqlite3_bind_text(st, ++at, names_layer(a->layer), -1, SQLITE_STATIC);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		sqlite3_bind_int64(st, ++at, clamp(s, counts[i]));
	sqlite3_bind_int64(st, ++at, a->rest_sent);
	sqlite3_bind_int64(st, ++at, a->rest_received);
	sqlite3_bind_int64(st, ++at, a->rest_packets);
	sqlite3_bind_int64(st, ++at, w->batch_id);
	sqlite3_step(st);
	return sqlite3_reset(st);
}

static void bind_name(sqlite3_stmt *st, const struct ps_batch *b)
{
	sqlite3_bind_blob(st, 1, b->host, sizeof(b->host), SQLITE_STATIC);
	sqlite3_bind_blob(st, 2, b->boot, sizeof(b->boot), SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, (int64_t)b->seq);
}

/* SQLITE_ROW if a batch of that name is stored already, SQLITE_OK if not, or an error. */
static int find_batch(struct store *s, const struct ps_batch *b)
{
	sqlite3_stmt *st = s->st[ST_FIND_BATCH];
	int rc, found;

	bind_name(st, b);
	found = sqlite3_step(st) == SQLITE_ROW;
	if (found && (sqlite3_column_bytes(st, 0) != (int)sizeof(b->digest) ||
	              memcmp(sqlite3_column_blob(st, 0), b->digest, sizeof(b->digest)) != 0))
		s->host->log(s->ctx, PS_WARNING, "batch %llu came again with another content: the first one is kept",
		             (unsigned long long)b->seq);
	rc = sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return rc == SQLITE_OK && found ? SQLITE_ROW : rc;
}

static int add_batch(struct writing *w)
{
	const struct ps_batch *b = w->batch;
	sqlite3_stmt *st = w->store->st[ST_ADD_BATCH];
	int64_t start = INT64_MAX, end = INT64_MIN;
	int rc;

	for (uint32_t i = 0; i < b->n_records; i++) {
		start = b->records[i].start_ns < start ? b->records[i].start_ns : start;
		end = b->records[i].end_ns > end ? b->records[i].end_ns : end;
	}
	if (!b->n_records)
		start = end = clock_wall_ns();
	bind_name(st, b);
	sqlite3_bind_blob(st, 4, b->digest, sizeof(b->digest), SQLITE_STATIC);
	sqlite3_bind_blob(st, 5, b->previous, sizeof(b->previous), SQLITE_STATIC);
	sqlite3_bind_int64(st, 6, seconds(start));
	sqlite3_bind_int64(st, 7, seconds(end));
	sqlite3_bind_int64(st, 8, b->n_records);
	sqlite3_step(st);
	rc = sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	w->batch_id = sqlite3_last_insert_rowid(w->store->db);
	return rc;
}

/* Within a transaction: SQLITE_ROW when there was nothing to do. */
static int add_all(struct store *s, const struct ps_batch *b)
{
	struct writing w = {.store = s, .batch = b};
	int rc = find_batch(s, b);

	if (rc != SQLITE_OK)
		return rc;
	rc = add_batch(&w);
	w.exes = mem_alloc(b->n_exes * sizeof(struct interned *));
	w.domains = mem_alloc(b->n_texts * sizeof(struct interned *));
	w.places = mem_alloc(b->n_places * sizeof(struct interned *));
	for (uint32_t i = 0; i < b->n_records && rc == SQLITE_OK; i++) {
		const struct ps_record *r = &b->records[i];

		if (r->kind == PS_TRAFFIC)
			rc = add_connection(&w, r);
		else if (r->kind == PS_PROGRAM)
			rc = add_program(&w, r);
		else if (r->kind == PS_ALERT)
			rc = add_loss(&w, r);
		else if (r->kind == PS_AUDIT)
			rc = add_audit(&w, r);
	}
	free(w.exes);
	free(w.domains);
	free(w.places);
	return rc;
}

/* SQLITE_OK, SQLITE_ROW, or an error: then nothing has changed, and *failed says what to answer. */
static int transaction(struct store *s, const struct ps_batch *b, struct failure *failed)
{
	int rc, moved = 0;

	sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	intern_trim(&s->intern);
	rc = moved ? SQLITE_READONLY_DBMOVED : store_run(s, ST_BEGIN);
	if (rc == SQLITE_OK) {
		rc = add_all(s, b);
		if (rc == SQLITE_OK)
			rc = store_run(s, ST_COMMIT);
	}
	if (rc != SQLITE_OK && rc != SQLITE_ROW) {
		*failed = (struct failure){store_failed(s, rc, "writing"), store_is_damage(s, rc), moved != 0, ""};
		snprintf(failed->text, sizeof(failed->text), "%s", sqlite3_errmsg(s->db));
		intern_forget(&s->intern);
	}
	if (!sqlite3_get_autocommit(s->db)) /* some errors have rolled back already */
		store_run(s, ST_ROLLBACK);
	return rc;
}

enum ps_verdict store_write(struct store *s, const struct ps_batch *b)
{
	for (int again = 0;; again++) {
		struct failure failed = {0};
		enum ps_verdict verdict;
		int rc;

		if (!s->db && (verdict = store_attach(s)) != PS_STORED)
			return verdict;
		rc = transaction(s, b, &failed);
		if (rc == SQLITE_OK || rc == SQLITE_ROW) {
			s->batches++;
			s->records += rc == SQLITE_OK ? b->n_records : 0;
			return PS_STORED;
		}
		if (again || !(failed.damage || failed.moved))
			return failed.verdict;
		if (failed.moved)
			store_detach(s);
		else if (store_replace(s, failed.text) < 0)
			return PS_AWAY;
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/journal_store_inside.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/delivery/codec.h"
#include "core/delivery/files.h"

#define SHRINK_PAGES 1024

static struct store_sink *find_in(struct store_sink *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static struct store_sink *find(const struct store *s, const char *name)
{
	return find_in(s->sinks, s->n_sinks, name);
}

/* Counts what is there, so that nothing has to be counted again. */
static int recount(struct store *s)
{
	sqlite3_stmt *q = journal_file_query(&s->file, Q_COUNT);
	int err;

	sqlite3_bind_int64(q, 1, INT64_MAX);
	err = journal_file_step(&s->file, q);
	if (err > 0) {
		s->now.batches = (uint64_t)sqlite3_column_int64(q, 0);
		s->now.bytes = (uint64_t)sqlite3_column_int64(q, 1);
	}
	sqlite3_reset(q);
	return err < 0 ? err : 0;
}

static int load_state(struct store *s, struct journal_start *start)
{
	struct journal_file *f = &s->file;
	int64_t seq, end, since;
	int err;

	if ((err = journal_file_get(f, "host", s->host, PS_ID_SIZE)) ||
	    (err = journal_file_get(f, "digest", s->now.digest, PS_DIGEST_SIZE)) ||
	    (err = journal_file_get_int(f, "seq", &seq)) || (err = journal_file_get_int(f, "end", &end)) ||
	    (err = journal_file_get_int(f, "running", &since)) || (err = recount(s)))
		return err;
	s->now.last_seq = (uint64_t)seq;
	s->now.last_end_ns = end;
	s->committed = s->now;
	memcpy(start->host, s->host, PS_ID_SIZE);
	start->last_seq = s->now.last_seq;
	start->last_end_ns = end;
	start->unclean = since != 0;
	start->unclean_since_ns = since;
	return 0;
}

int store_open(struct store **out, const char *path, codec_digest *digest, struct journal_start *start)
{
	struct store *s = mem_alloc(sizeof(*s));
	int err;

	s->digest = digest;
	*start = (struct journal_start){0};
	err = journal_file_open(&s->file, path);
	if (!err)
		err = load_state(s, start);
	if (!err && start->unclean)
		err = journal_file_check(&s->file);
	if (err == -EUCLEAN) {
		char message[256];

		snprintf(message, sizeof(message), "%s", journal_file_message(&s->file));
		*start = (struct journal_start){0};
		err = journal_file_replace(&s->file, &start->set_aside);
		if (!err)
			err = load_state(s, start);
		log_error("the journal %s was damaged (%s) and was set aside as %s; what sinks had not taken is in there", path,
		          message, start->set_aside ? start->set_aside : "nothing");
	}
	if (!err)
		err = journal_file_set_int(&s->file, "running", clock_wall_ns());
	if (!err) {
		*out = s;
		return 0;
	}
	log_error("the journal %s cannot be opened: %s", path,
	          err == -EBUSY                            ? "another picosnitch has it"
	          : journal_file_message(&s->file)[0] != 0 ? journal_file_message(&s->file)
	                                                   : strerror(-err));
	free(start->set_aside);
	start->set_aside = NULL;
	store_close(s, 0);
	return err;
}

void store_close(struct store *s, int clean)
{
	if (clean)
		journal_file_set_int(&s->file, "running", 0);
	journal_file_close(&s->file);
	for (size_t i = 0; i < s->n_sinks; i++)
		free(s->sinks[i].name);
	free(s->sinks);
	free(s);
}

int store_begin(struct store *s)
{
	return journal_file_exec(&s->file, "BEGIN IMMEDIATE");
}

void store_add_drop(struct journal_drop *sum, const struct journal_drop *drop)
{
	if (drop->records && (!sum->records || drop->start_ns < sum->start_ns))
		sum->start_ns = drop->start_ns;
	if (drop->records && (!sum->records || drop->end_ns > sum->end_ns))
		sum->end_ns = drop->end_ns;
	sum->batches += drop->batches;
	sum->records += drop->records;
	sum->sent += drop->sent;
	sum->received += drop->received;
}

static int write_cursors(struct store *s)
{
	for (size_t i = 0; i < s->n_sinks; i++) {
		struct store_sink *sink = &s->sinks[i];
		sqlite3_stmt *q;
		int err;

		if (sink->written && sink->cursor == sink->stored)
			continue;
		q = journal_file_query(&s->file, Q_PUT_CURSOR);
		sqlite3_bind_text(q, 1, sink->name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(q, 2, (sqlite3_int64)sink->cursor);
		err = journal_file_run(&s->file, q);
		if (err)
			return err;
	}
	return 0;
}

static int write_state(struct store *s)
{
	struct journal_file *f = &s->file;
	int err;

	if (s->now.last_seq == s->committed.last_seq && s->now.last_end_ns == s->committed.last_end_ns)
		return 0;
	if ((err = journal_file_set_int(f, "seq", (int64_t)s->now.last_seq)) ||
	    (err = journal_file_set_int(f, "end", s->now.last_end_ns)))
		return err;
	return journal_file_set(f, "digest", s->now.digest, PS_DIGEST_SIZE);
}

int store_commit(struct store *s)
{
	int err = write_cursors(s);

	if (!err)
		err = write_state(s);
	if (!err)
		err = store_count_told(s);
	if (!err)
		err = journal_file_exec(&s->file, "COMMIT");
	if (err)
		return err;
	s->committed = s->now;
	for (size_t i = 0; i < s->n_sinks; i++) {
		struct store_sink *sink = &s->sinks[i];

		sink->stored = sink->cursor;
		sink->written = 1;
		store_add_drop(&sink->dropped, &sink->drop);
		sink->drop = (struct journal_drop){0};
	}
	return 0;
}

void store_rollback(struct store *s)
{
	if (s->file.db && !sqlite3_get_autocommit(s->file.db))
		journal_file_exec(&s->file, "ROLLBACK");
	s->now = s->committed;
	for (size_t i = 0; i < s->n_sinks; i++) {
		s->sinks[i].cursor = s->sinks[i].stored;
		s->sinks[i].drop = (struct journal_drop){0};
	}
}

int store_reset(struct store *s, char **aside)
{
	struct state old = s->committed;
	int err;

	store_rollback(s);
	err = journal_file_replace(&s->file, aside);
	if (!err)
		err = journal_file_set(&s->file, "host", s->host, PS_ID_SIZE);
	if (!err)
		err = journal_file_set_int(&s->file, "running", clock_wall_ns());
	if (!err)
		err = journal_file_exec(&s->file, "BEGIN IMMEDIATE");
	if (err)
		return err;
	s->committed = (struct state){0};
	s->now = old;
	s->now.batches = s->now.bytes = 0;
	for (size_t i = 0; i < s->n_sinks; i++) {
		struct store_sink *sink = &s->sinks[i];
		uint64_t has = sink->reached > sink->stored ? sink->reached : sink->stored;

		sink->drop = (struct journal_drop){.batches = old.last_seq > has && !sink->people ? old.last_seq - has : 0};
		sink->cursor = old.last_seq;
		sink->written = 0;
	}
	err = store_commit(s);
	if (err)
		store_rollback(s);
	return err;
}

int store_append(struct store *s, struct buf *batch, int64_t end_ns)
{
	sqlite3_stmt *q = journal_file_query(&s->file, Q_ADD);
	uint8_t digest[PS_DIGEST_SIZE];
	uint64_t seq = s->now.last_seq + 1;
	uint32_t told;
	int err;

	told = codec_seal(batch->data, batch->len, seq, s->now.digest, s->digest, digest);
	sqlite3_bind_int64(q, 1, (sqlite3_int64)seq);
	sqlite3_bind_int64(q, 2, end_ns);
	sqlite3_bind_blob(q, 3, digest, PS_DIGEST_SIZE, SQLITE_STATIC);
	sqlite3_bind_blob64(q, 4, batch->data, batch->len, SQLITE_STATIC);
	err = journal_file_run(&s->file, q);
	if (!err && told)
		err = store_told(s, seq, batch->len, told);
	if (err)
		return err;
	memcpy(s->now.digest, digest, PS_DIGEST_SIZE);
	s->now.last_seq = seq;
	s->now.batches++;
	s->now.bytes += batch->len;
	return 0;
}

void store_ended(struct store *s, int64_t end_ns)
{
	s->now.last_end_ns = end_ns;
}

/* Whose further reader this is; NULL: nobody's. */
static struct store_sink *base_of(const struct store *s, const char *name)
{
	const char *at = strchr(name, '@');

	for (size_t i = 0; at && i < s->n_sinks; i++)
		if (strncmp(s->sinks[i].name, name, (size_t)(at - name)) == 0 && !s->sinks[i].name[at - name])
			return &s->sinks[i];
	return NULL;
}

/* Where a sink begins that is not remembered: at its row in the file, else at the oldest batch. */
static int first_cursor(struct store *s, struct store_sink *sink)
{
	sqlite3_stmt *q = journal_file_query(&s->file, Q_GET_CURSOR);
	int err;

	sqlite3_bind_text(q, 1, sink->name, -1, SQLITE_STATIC);
	err = journal_file_step(&s->file, q);
	if (err > 0)
		sink->cursor = (uint64_t)sqlite3_column_int64(q, 0);
	sink->written = err > 0;
	sqlite3_reset(q);
	if (err)
		goto out;
	q = journal_file_query(&s->file, Q_OLDEST);
	err = journal_file_step(&s->file, q);
	sink->cursor = err > 0 ? (uint64_t)sqlite3_column_int64(q, 0) - 1 : s->now.last_seq;
	sqlite3_reset(q);
out:
	sink->stored = sink->reached = sink->cursor;
	return err < 0 ? err : 0;
}

/* Deletes the rows of sinks that are no longer named. */
static int forget_cursors(struct store *s)
{
	sqlite3_stmt *q = journal_file_query(&s->file, Q_CURSORS), *del = journal_file_query(&s->file, Q_DEL_CURSOR);
	int err;

	while ((err = journal_file_step(&s->file, q)) > 0) {
		if (find(s, (const char *)sqlite3_column_text(q, 0)))
			continue;
		sqlite3_bind_value(del, 1, sqlite3_column_value(q, 0));
		err = journal_file_run(&s->file, del);
		if (err)
			break;
	}
	sqlite3_reset(q);
	return err;
}

int store_sinks(struct store *s, const char *const *names, const char *people, size_t n)
{
	struct store_sink *list = mem_alloc(n * sizeof(*list)), *old = s->sinks;
	size_t n_old = s->n_sinks;
	int err = 0;

	s->sinks = list;
	for (s->n_sinks = 0; s->n_sinks < n && !err; s->n_sinks++) {
		struct store_sink *sink = &list[s->n_sinks];
		const char *name = names[s->n_sinks];
		const struct store_sink *known = find_in(old, n_old, name), *base = base_of(s, name);

		if (known)
			*sink = *known;
		sink->name = mem_strdup(name);
		sink->people = people && people[s->n_sinks];
		if (!known && base)
			sink->cursor = sink->reached = base->reached > base->cursor ? base->reached : base->cursor;
		else if (!known)
			err = first_cursor(s, sink);
	}
	if (err) {
		list = s->sinks;
		n = s->n_sinks;
		s->sinks = old;
		s->n_sinks = n_old;
	} else {
		list = old;
		n = n_old;
		s->named = 1;
		err = forget_cursors(s);
	}
	for (size_t i = 0; i < n; i++)
		free(list[i].name);
	free(list);
	return err;
}

static void move_cursor(struct store_sink *sink, uint64_t seq)
{
	if (seq > sink->cursor)
		sink->cursor = seq;
}

/* And that of whose further reader it is. */
static void move_cursors(struct store *s, struct store_sink *sink, uint64_t seq)
{
	struct store_sink *base = base_of(s, sink->name);

	move_cursor(sink, seq);
	if (base)
		move_cursor(base, seq);
}

int store_taken(struct store *s, const char *name, uint64_t seq)
{
	struct store_sink *sink = find(s, name);

	if (sink)
		move_cursors(s, sink, seq < s->now.last_seq ? seq : s->now.last_seq);
	return 0;
}

int store_dead(struct store *s, const char *name, uint64_t seq, const char *why)
{
	struct store_sink *sink = find(s, name);
	sqlite3_stmt *q;
	int err;

	if (!sink || seq <= sink->cursor || seq > s->now.last_seq)
		return 0;
	q = journal_file_query(&s->file, Q_DEAD);
	sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, clock_wall_ns());
	sqlite3_bind_text(q, 3, why, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 4, (sqlite3_int64)seq);
	err = journal_file_run(&s->file, q);
	if (!err)
		move_cursors(s, sink, seq);
	return err;
}

void store_reached(struct store *s, const char *name, uint64_t seq)
{
	struct store_sink *sink = find(s, name), *base = sink ? base_of(s, name) : NULL;

	if (sink && seq > sink->reached)
		sink->reached = seq;
	if (base && seq > base->reached)
		base->reached = seq;
}

int store_fetch(struct store *s, const char *name, uint64_t *seq, uint8_t **data, size_t *len)
{
	struct store_sink *sink = find(s, name);
	sqlite3_stmt *q;
	int err;

	*seq = 0;
	*data = NULL;
	*len = 0;
	if (!sink)
		return 0;
	q = journal_file_query(&s->file, sink->people ? Q_FETCH_TOLD : Q_FETCH);
	sqlite3_bind_int64(q, 1, (sqlite3_int64)(sink->reached > sink->cursor ? sink->reached : sink->cursor));
	err = journal_file_step(&s->file, q);
	if (err > 0) {
		const void *blob = sqlite3_column_blob(q, 1);

		*seq = (uint64_t)sqlite3_column_int64(q, 0);
		*len = (size_t)sqlite3_column_bytes(q, 1);
		*data = mem_copy(blob, *len);
	}
	sqlite3_reset(q);
	return err < 0 ? err : 0;
}

int store_next_drop(struct store *s, struct journal_drop *drop)
{
	for (size_t i = 0; i < s->n_sinks; i++) {
		struct store_sink *sink = &s->sinks[i];

		if (!sink->dropped.batches)
			continue;
		*drop = sink->dropped;
		drop->sink = sink->name;
		sink->dropped = (struct journal_drop){0};
		return 1;
	}
	return 0;
}

int store_shrink(struct store *s)
{
	return journal_file_shrink(&s->file, SHRINK_PAGES);
}

void store_stats(const struct store *s, struct journal_stats *stats)
{
	stats->batches = s->committed.batches;
	stats->bytes = s->committed.bytes;
	stats->last_seq = s->committed.last_seq;
	stats->told = s->told;
}

const char *store_message(const struct store *s)
{
	return journal_file_message(&s->file);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What leaves the journal: what all have taken, what nobody for whom it is kept will be told of, and what is beyond its
 * limits. */
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/delivery/codec.h"
#include "core/delivery/journal_store_inside.h"

#define DROPS_PER_SLICE 64

/* Deletes the batches up to seq. */
static int delete_to(struct store *s, uint64_t seq)
{
	sqlite3_stmt *q = journal_file_query(&s->file, Q_COUNT);
	int64_t batches = 0, bytes = 0;
	int err;

	sqlite3_bind_int64(q, 1, (sqlite3_int64)seq);
	err = journal_file_step(&s->file, q);
	if (err > 0) {
		batches = sqlite3_column_int64(q, 0);
		bytes = sqlite3_column_int64(q, 1);
	}
	sqlite3_reset(q);
	if (err <= 0 || !batches)
		return err < 0 ? err : 0;
	q = journal_file_query(&s->file, Q_DELETE);
	sqlite3_bind_int64(q, 1, (sqlite3_int64)seq);
	err = journal_file_run(&s->file, q);
	if (err)
		return err;
	s->now.batches -= (uint64_t)batches;
	s->now.bytes -= (uint64_t)bytes;
	q = journal_file_query(&s->file, Q_DELETE_TOLD);
	sqlite3_bind_int64(q, 1, (sqlite3_int64)seq);
	return journal_file_run(&s->file, q);
}

/* Deletes what only a sink for people has not taken, and nobody is told of. */
static int sweep_to(struct store *s, uint64_t seq)
{
	int64_t batches = 0, bytes = 0;
	sqlite3_stmt *q;
	int err;

	if (seq <= s->now.swept)
		return 0;
	q = journal_file_query(&s->file, Q_COUNT_SWEPT);
	sqlite3_bind_int64(q, 1, (sqlite3_int64)s->now.swept);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)seq);
	err = journal_file_step(&s->file, q);
	if (err > 0) {
		batches = sqlite3_column_int64(q, 0);
		bytes = sqlite3_column_int64(q, 1);
	}
	sqlite3_reset(q);
	if (err >= 0 && batches) {
		q = journal_file_query(&s->file, Q_DELETE_SWEPT);
		sqlite3_bind_int64(q, 1, (sqlite3_int64)s->now.swept);
		sqlite3_bind_int64(q, 2, (sqlite3_int64)seq);
		err = journal_file_run(&s->file, q);
	}
	if (err < 0)
		return err;
	s->now.batches -= (uint64_t)batches;
	s->now.bytes -= (uint64_t)bytes;
	s->now.swept = seq;
	return 0;
}

int store_told(struct store *s, uint64_t seq, size_t bytes, uint32_t records)
{
	sqlite3_stmt *q = journal_file_query(&s->file, Q_ADD_TOLD);
	uint64_t limit = 0;
	int err;

	sqlite3_bind_int64(q, 1, (sqlite3_int64)seq);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)bytes);
	sqlite3_bind_int64(q, 3, records);
	err = journal_file_run(&s->file, q);
	if (err)
		return err;
	q = journal_file_query(&s->file, Q_TOLD_LIMIT);
	sqlite3_bind_int64(q, 1, JOURNAL_TOLD_BYTES);
	sqlite3_bind_int64(q, 2, JOURNAL_TOLD_BATCHES);
	err = journal_file_step(&s->file, q);
	if (err > 0)
		limit = (uint64_t)sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	for (size_t i = 0; i < s->n_sinks; i++)
		if (s->sinks[i].people && s->sinks[i].cursor < limit)
			s->sinks[i].cursor = limit;
	q = journal_file_query(&s->file, Q_DELETE_TOLD);
	sqlite3_bind_int64(q, 1, (sqlite3_int64)limit);
	return err < 0 ? err : limit ? journal_file_run(&s->file, q) : 0;
}

int store_count_told(struct store *s)
{
	uint64_t first = UINT64_MAX;
	sqlite3_stmt *q;
	int err;

	s->told = 0;
	for (size_t i = 0; i < s->n_sinks; i++)
		if (s->sinks[i].people && s->sinks[i].cursor < first)
			first = s->sinks[i].cursor;
	if (first >= s->now.last_seq)
		return 0;
	q = journal_file_query(&s->file, Q_COUNT_TOLD);
	sqlite3_bind_int64(q, 1, (sqlite3_int64)first);
	err = journal_file_step(&s->file, q);
	if (err > 0)
		s->told = (uint64_t)sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return err < 0 ? err : 0;
}

/* Counts a batch as dropped for every sink that has not taken it. */
static void count_drop(struct store *s, uint64_t seq, const void *data, size_t len)
{
	struct journal_drop drop = {.batches = 1};
	const struct ps_batch *batch;
	struct codec_totals totals;
	struct arena arena;
	const char *why;

	arena_init(&arena);
	batch = codec_decode(data, len, &arena, &why);
	if (batch) {
		codec_totals(batch, &totals);
		drop.records = totals.records;
		drop.sent = totals.sent;
		drop.received = totals.received;
		drop.start_ns = totals.start_ns;
		drop.end_ns = totals.end_ns;
	}
	arena_done(&arena);
	for (size_t i = 0; i < s->n_sinks; i++) {
		struct store_sink *sink = &s->sinks[i];

		if (sink->cursor >= seq)
			continue;
		if (sink->reached < seq && !sink->people)
			store_add_drop(&sink->drop, &drop);
		sink->cursor = seq;
	}
}

/* The oldest batch, if it is beyond the limits: its number, 0, or -errno. */
static int64_t drop_oldest(struct store *s, const struct journal_limits *limits, int64_t now_ns)
{
	sqlite3_stmt *q = journal_file_query(&s->file, Q_OLDEST);
	int64_t seq = 0, age_ms;
	int err;

	err = journal_file_step(&s->file, q);
	if (err > 0) {
		age_ms = (now_ns - sqlite3_column_int64(q, 1)) / NS_PER_MS;
		if (s->now.bytes > (uint64_t)limits->max_size || age_ms > limits->max_age_ms) {
			seq = sqlite3_column_int64(q, 0);
			count_drop(s, (uint64_t)seq, sqlite3_column_blob(q, 2), (size_t)sqlite3_column_bytes(q, 2));
		}
	}
	sqlite3_reset(q);
	if (err < 0)
		return err;
	if (seq && (err = delete_to(s, (uint64_t)seq)))
		return err;
	return seq;
}

static int trim_dead(struct store *s, const struct journal_limits *limits, int64_t now_ns)
{
	sqlite3_stmt *q = journal_file_query(&s->file, Q_TRIM_DEAD);

	sqlite3_bind_int64(q, 1, now_ns / NS_PER_MS - limits->max_age_ms);
	sqlite3_bind_int64(q, 2, limits->max_size / 4);
	return journal_file_run(&s->file, q);
}

int store_trim(struct store *s, const struct journal_limits *limits, int *more)
{
	uint64_t passed = s->now.last_seq, plain = passed;
	int64_t seq = 1, now_ns = clock_wall_ns();
	int err;

	*more = 0;
	if (!s->named)
		return 0;
	for (size_t i = 0; i < s->n_sinks; i++) {
		const struct store_sink *sink = &s->sinks[i];

		passed = sink->cursor < passed ? sink->cursor : passed;
		plain = sink->cursor < plain && !sink->people ? sink->cursor : plain;
	}
	if (s->now.batches && (err = delete_to(s, passed)))
		return err;
	if (s->now.batches && plain > passed && (err = sweep_to(s, plain)))
		return err;
	for (int i = 0; i < DROPS_PER_SLICE && seq > 0; i++)
		seq = drop_oldest(s, limits, now_ns);
	*more = seq > 0;
	if (seq < 0)
		return (int)seq;
	return trim_dead(s, limits, now_ns);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the journal keeps for sinks that tell people, who may not be there. */
#include "core/base/log.h"
#include "core/delivery/journal_store.h"
#include "core/query/rows.h"
#include "tests/tap.h"
#include "tests/unit/batches.h"
#include "tests/unit/scratch.h"

static struct store *store;
static const struct journal_limits limits = {1 << 30, INT64_MAX};

static void append(uint32_t traffic, uint32_t alerts)
{
	struct buf batch;

	buf_init(&batch);
	batch_make_with(&batch, traffic, 10, alerts);
	if (store_append(store, &batch, clock_wall_ns()))
		printf("Bail out! append\n");
	buf_done(&batch);
}

/* Begins a transaction; commit() ends it, as the journal's thread does. */
static void commit(void)
{
	int more;

	if (store_trim(store, &limits, &more) || store_commit(store))
		printf("Bail out! commit\n");
}

static void name(const char *a, const char *b, const char *c)
{
	const char *names[] = {a, b, c};
	const char people[] = {0, 1, 1};

	store_begin(store);
	is_int(store_sinks(store, names, people, c ? 3 : 2), 0, "sinks are named");
	commit();
}

static void taken(const char *sink, uint64_t seq)
{
	store_begin(store);
	store_reached(store, sink, seq);
	store_taken(store, sink, seq);
	commit();
}

static uint64_t fetch(const char *sink)
{
	uint64_t seq = 0;
	uint8_t *data;
	size_t len;

	store_fetch(store, sink, &seq, &data, &len);
	free(data);
	return seq;
}

static struct journal_stats stats(void)
{
	struct journal_stats s;

	store_stats(store, &s);
	return s;
}

static void test_kept(void)
{
	name("sqlite", "notify", NULL);
	store_begin(store);
	append(5, 0);
	append(5, 2);
	append(5, 0);
	append(0, 1);
	append(5, 0);
	commit();
	is_int(stats().batches, 5, "what the plain sink has not taken is kept");
	is_int(stats().told, 3, "three records are for people");
	is_int(fetch("sqlite"), 1, "the plain sink gets every batch");
	is_int(fetch("notify"), 2, "people get those with something for them");
	taken("sqlite", 5);
	is_int(stats().batches, 2, "nobody is there: only what is for people stays");
	is_int(stats().told, 3, "all of it");
	store_begin(store);
	for (int i = 0; i < 100; i++)
		append(5, 0);
	commit();
	taken("sqlite", 105);
	is_int(stats().batches, 2, "traffic is not kept for them, however long they are away");
}

static void test_users(void)
{
	name("sqlite", "notify", "notify@1000");
	is_int(fetch("notify@1000"), 2, "who comes gets what was kept");
	taken("notify@1000", 2);
	is_int(fetch("notify"), 4, "what one was told counts for all who are not there");
	taken("notify@1000", 4);
	is_int(fetch("notify@1000"), 0, "nothing is left");
	name("sqlite", "notify", "notify@1001");
	is_int(fetch("notify@1001"), 0, "nor for who comes later");
	store_begin(store);
	append(0, 1);
	commit();
	taken("sqlite", 106);
	is_int(fetch("notify@1001"), 106, "who is there gets what comes");
	name("sqlite", "notify", NULL);
	is_int(fetch("notify"), 106, "who leaves without having been told leaves it to the next");
	is_int(stats().told, 1, "which waits");
}

static void test_bounds(void)
{
	struct journal_drop drop;
	uint64_t first = 107;

	store_begin(store);
	for (int i = 0; i < JOURNAL_TOLD_BATCHES + 100; i++)
		append(0, 1);
	commit();
	taken("sqlite", 2000);
	is_int(stats().batches, JOURNAL_TOLD_BATCHES, "too many: the oldest go");
	is_int(fetch("notify"), first + 100, "and who comes begins behind them");
	ok(!store_next_drop(store, &drop), "which is no loss: the other sinks have it");
	store_begin(store);
	for (int i = 0; i < 12; i++)
		append(8192, 1);
	commit();
	taken("sqlite", 4000);
	ok(stats().bytes < JOURNAL_TOLD_BYTES && stats().batches > 2 && stats().batches < 12,
	   "too large: %llu bytes in %llu batches are kept", (unsigned long long)stats().bytes,
	   (unsigned long long)stats().batches);
}

static void test_reopened(void)
{
	struct journal_start start;
	uint64_t before = stats().told, kept = fetch("notify");
	char *path = scratch_path("journal.db");

	store_close(store, 1);
	is_int(store_open(&store, path, rows_digest, &start), 0, "opened again");
	name("sqlite", "notify", NULL);
	is_int(stats().told, (long long)before, "as many wait");
	is_int(fetch("notify"), (long long)kept, "beginning where it was");
	free(path);
}

int main(void)
{
	struct journal_start start;
	char *path;

	scratch_make();
	log_setup("test", LOG_LEVEL_ERROR, 0);
	path = scratch_path("journal.db");
	is_int(store_open(&store, path, rows_digest, &start), 0, "a journal is made");
	test_kept();
	test_users();
	test_bounds();
	test_reopened();
	store_close(store, 1);
	free(path);
	scratch_remove();
	return tap_done();
}

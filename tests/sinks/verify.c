/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an intruder may do to a store, and whether it is named, against one built plugin:
 *   verify PLUGIN.so [OPTION=VALUE]...
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/delivery/codec.h"
#include "core/query/rows.h"
#include "core/query/verify.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/expect.h"
#include "tests/tap.h"

#define BATCHES 6
#define TRAFFIC 20
#define ROWS (TRAFFIC + 4)

static const struct ps_plugin *plugin;
static struct ps_ctx ctx;
static int64_t now;

/* What one walk has found. */
struct found {
	struct verify *verify;
	struct verify_counts counts;
	struct buf faults; /* a line each */
};

static void on_fault(void *arg, const char *text)
{
	struct buf *faults = arg;

	buf_printf(faults, "%s\n", text);
}

/* What is older than `from` may be gone. */
static void look_from(struct found *f, int64_t from)
{
	void *self = NULL;

	*f = (struct found){0};
	f->verify = verify_new(on_fault, &f->faults);
	verify_from(f->verify, from);
	if (!ok(plugin->reader->open(&fake_host, &ctx, &self) == 0, "the store can be read"))
		printf("# %s\n", ctx.why);
	else if (!is_int(plugin->reader->walk(self, verify_trail(f->verify)), 0, "all of it can be walked"))
		printf("# %s\n", ctx.why);
	if (self)
		plugin->reader->close(self);
	verify_end(f->verify, &f->counts);
	buf_put_u8(&f->faults, 0);
}

static void look(struct found *f)
{
	look_from(f, INT64_MIN);
}

static void found_done(struct found *f)
{
	verify_free(f->verify);
	buf_done(&f->faults);
}

/* Batches as the journal makes them, each sealed with the digest of the one before it. */
static void fill_on(unsigned first, unsigned last, int64_t from)
{
	static uint8_t previous[PS_DIGEST_SIZE];
	uint8_t digest[PS_DIGEST_SIZE];
	void *self = NULL;

	if (first == 1)
		memset(previous, 0, sizeof(previous));

	if (plugin->sink->open(&fake_host, &ctx, &self) != PS_STORED) {
		printf("Bail out! %s\n", ctx.why);
		exit(1);
	}
	for (unsigned seq = first; seq <= last; seq++) {
		int64_t start = from + 10 * seq;
		const struct ps_batch *batch;
		struct arena arena;
		const char *why;
		struct made m;
		struct buf b;

		made_usual(&m, seq, TRAFFIC, start);
		made_alert(&m, start, "no room");
		made_program(&m, start, "is new")->program.place = made_place(&m, "pod");
		made_audit(&m, start);
		made_verdict(&m, start, "suspicious");
		buf_init(&b);
		arena_init(&arena);
		codec_encode(&b, &m.batch);
		codec_seal(b.data, b.len, seq, previous, rows_digest, digest);
		batch = codec_decode(b.data, b.len, &arena, &why);
		if (plugin->sink->write(self, batch) != PS_STORED)
			printf("# not stored: %s\n", ctx.why);
		memcpy(previous, digest, sizeof(previous));
		arena_done(&arena);
		buf_done(&b);
		made_done(&m);
	}
	plugin->sink->close(self);
}

static void fill(unsigned n)
{
	fill_on(1, n, now);
}

static void empty(void)
{
	static const char *const tables[] = {"connections", "programs", "losses", "audit", "verdicts", "batches"};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		char *sql = mem_printf("DELETE FROM %s", tables[i]);

		ok(expect_sql(&ctx, sql) == 0, "%s is emptied", tables[i]);
		free(sql);
	}
}

/* @B: the column of a row that says its batch; @3: what that is of batch 3. */
static int run(const char *pattern)
{
	struct buf sql;
	int r;

	buf_init(&sql);
	for (const char *p = pattern; *p; p++)
		if (p[0] == '@' && p[1] == 'B')
			buf_put_str(&sql, expect_batch_column(&ctx)), p++;
		else if (p[0] == '@')
			buf_printf(&sql, "(SELECT %s FROM batches WHERE seq = %c)", expect_batch_key(&ctx), *++p);
		else
			buf_put_u8(&sql, (uint8_t)*p);
	buf_put_u8(&sql, 0);
	r = expect_sql(&ctx, (const char *)sql.data);
	buf_done(&sql);
	return r;
}

static const struct {
	const char *what, *sql, *fault;
	unsigned faults;
	/* Servers find rows by their time, and know a dictionary's entries by their digests. */
	const char *server_fault;
	unsigned server_faults;
} deeds[] = {
    {"a byte is changed", "UPDATE connections SET send = send + 1 WHERE @B = @3 AND lport = 32772", "batch 3 of test (",
     1},
    {"a row is named that was changed", "UPDATE connections SET send = 7 WHERE @B = @3 AND lport = 32772",
     "row 5 of 24, of connections, was changed; it is now: contime=", 1},
    {"a time is forgotten", "UPDATE connections SET contime = contime - 1 WHERE @B = @2 AND lport = 32768",
     "row 1 of 24, of connections, was changed", 1, "row of connections belongs to no batch", 2},
    {"a row is deleted", "DELETE FROM connections WHERE @B = @4 AND lport = 32770",
     "1 of 24 rows were removed; the first was row 3, of connections", 1},
    {"all rows of a batch are deleted", "DELETE FROM connections WHERE @B = @4",
     "20 of 24 rows were removed; the first was row 1, of connections", 1},
    {"the last row is deleted", "DELETE FROM verdicts WHERE @B = @6",
     "1 of 24 rows were removed; the first was row 24, of verdicts", 1},
    {"a verdict is whitewashed", "UPDATE verdicts SET state = 'clean', malicious = 0 WHERE @B = @6",
     "row 24 of 24, of verdicts, was changed", 1},
    {"an alert is silenced", "DELETE FROM losses WHERE @B = @5", "the first was row 22, of losses", 1},
    {"an alert is played down", "UPDATE losses SET count = 0 WHERE @B = @5", "row 22 of 24, of losses, was changed", 1},
    {"a program is whitewashed", "UPDATE programs SET expected = 0 WHERE @B = @5",
     "row 21 of 24, of programs, was changed", 1},
    {"a batch is removed", "DELETE FROM batches WHERE seq = 3", "batch 3 is missing before batch 4", 25},
    {"a batch and its rows are removed",
     "DELETE FROM connections WHERE @B = @3; DELETE FROM losses WHERE @B = @3; DELETE FROM audit WHERE @B = @3;"
     "DELETE FROM programs WHERE @B = @3; DELETE FROM verdicts WHERE @B = @3; DELETE FROM batches WHERE seq = 3",
     "batch 3 is missing before batch 4", 1},
    {"a batch's time is changed", "UPDATE batches SET starttime = starttime + 1 WHERE seq = 2",
     "its name, its times or its digest were changed", 1, "20 of 24 rows were removed", 21},
    {"a batch's host is renamed", "UPDATE batches SET hostname = 'other' WHERE seq = 2",
     "its name, its times or its digest were changed", 1},
    {"a batch's count is changed", "UPDATE batches SET \"rows\" = \"rows\" - 1 WHERE seq = 2",
     "what was noted of its rows was changed", 1},
    {"an executable is renamed", "UPDATE executables SET exe = '/bin/true' WHERE exe = '/usr/bin/program-0'",
     "row 1 of 24, of connections, was changed", BATCHES, "a row of executables is not what its id says", BATCHES + 1},
    {"an address is changed", "UPDATE addresses SET addr = '127.0.0.1' WHERE addr = '198.51.0.5'",
     "row 6 of 24, of connections, was changed", BATCHES, "a row of addresses is not what its id says", BATCHES + 1},
    {"a domain is removed", "DELETE FROM domains WHERE domain = 'org.example.www'",
     "refers to an executable, domain, address or place that is not there", 2 * BATCHES},
    {"the empty row is filled", "UPDATE domains SET domain = 'org.kernel' WHERE domain = ''",
     "the empty row of domains is not empty", 1},
};

static void test_deed(size_t i)
{
	bool server = strcmp(plugin->name, "sqlite") != 0 && deeds[i].server_fault;
	const char *fault = server ? deeds[i].server_fault : deeds[i].fault;
	struct found f;

	empty();
	expect_sql(&ctx, "DELETE FROM executables WHERE exe <> ''");
	expect_sql(&ctx, "DELETE FROM addresses WHERE addr <> ''");
	expect_sql(&ctx, "DELETE FROM domains WHERE domain <> ''");
	expect_sql(&ctx, "DELETE FROM places WHERE cgroup <> ''");
	fill(BATCHES);
	ok(run(deeds[i].sql) == 0, "%s", deeds[i].what);
	look(&f);
	if (!ok(strstr((char *)f.faults.data, fault) != NULL, "it is named") ||
	    !is_int(f.counts.faults, server ? deeds[i].server_faults : deeds[i].faults, "as so many faults"))
		printf("# want %s; found:\n# %s", fault, (char *)f.faults.data);
	found_done(&f);
	if (strstr(deeds[i].sql, "'org.kernel'"))
		expect_sql(&ctx, "UPDATE domains SET domain = '' WHERE domain = 'org.kernel'");
}

/* Two stores, of which one was cut, or written anew. */
static void test_compare(void)
{
	struct found whole, cut, again;

	empty();
	fill(BATCHES);
	look(&whole);
	is_int(whole.counts.faults, 0, "as it was written");
	is_int(whole.counts.batches, BATCHES, "all batches");
	is_int(whole.counts.rows, BATCHES * ROWS, "all rows");
	is_int(whole.counts.first, now + 10, "since the first");
	is_int(whole.counts.last, now + 10 * BATCHES + 10, "to the last");

	run("DELETE FROM connections WHERE @B = @6");
	run("DELETE FROM losses WHERE @B = @6");
	run("DELETE FROM audit WHERE @B = @6");
	run("DELETE FROM programs WHERE @B = @6");
	run("DELETE FROM verdicts WHERE @B = @6");
	run("DELETE FROM batches WHERE seq = 6");
	look(&cut);
	is_int(cut.counts.faults, 0, "a store whose end was cut off looks whole");
	verify_compare(cut.verify, "this", whole.verify, "that");
	verify_end(cut.verify, &cut.counts);
	buf_put_u8(&cut.faults, 0);
	is_int(cut.counts.faults, 1, "beside another it does not");
	found_done(&cut);

	empty();
	now++;
	fill(BATCHES);
	now--;
	look(&again);
	is_int(again.counts.faults, 0, "a chain that was made anew looks whole");
	verify_compare(again.verify, "this", whole.verify, "that");
	verify_end(again.verify, &again.counts);
	is_int(again.counts.faults, 1, "beside another it does not");
	found_done(&again);
	found_done(&whole);
}

/* Two batches change places. */
static void test_swap(void)
{
	struct found f;

	empty();
	fill(BATCHES);
	run("UPDATE batches SET seq = 9 WHERE seq = 3");
	run("UPDATE batches SET seq = 3 WHERE seq = 4");
	ok(run("UPDATE batches SET seq = 4 WHERE seq = 9") == 0, "two batches change their numbers");
	look(&f);
	ok(f.counts.faults >= 2, "two batches that were swapped are found: %llu faults",
	   (unsigned long long)f.counts.faults);
	ok(strstr((char *)f.faults.data, "batch 4") && strstr((char *)f.faults.data, "batch 3"), "both are named");
	found_done(&f);
}

/* What is older than the retention goes; what is left is as it was written, and its batches say which. */
static void test_retention(void)
{
	int64_t next = 0;
	struct found f;
	void *self;

	empty();
	fill_on(1, 4, now - 30 * 86400);
	fill_on(5, 7, now);
	if (strcmp(plugin->name, "sqlite") != 0) {
		/* An administrator's: rows first, of which one is left behind, then the ledger's part. */
		run("DELETE FROM connections WHERE @B <> @5 AND @B <> @6 AND @B <> @7 AND lport > 32768");
		run("DELETE FROM batches WHERE seq <= 3");
		look(&f);
		ok(f.counts.faults > 0, "what an administrator has removed is missing");
		found_done(&f);
		look_from(&f, now - 10 * 86400);
		is_int(f.counts.faults, 0, "unless it is said that older may be gone");
		is_int(f.counts.retired, 1, "what is left of it is not computed");
		is_int(f.counts.rows, 3 * ROWS, "the rest is");
		found_done(&f);
		return;
	}
	fake_set(&ctx, "retention", "10 d");
	is_int(plugin->sink->open(&fake_host, &ctx, &self), PS_STORED, "it opens");
	for (int i = 0; i < 1000 && next < 1000; i++)
		next = plugin->sink->idle(self);
	plugin->sink->close(self);
	look(&f);
	if (!is_int(f.counts.faults, 0, "after retention, what is left is whole"))
		printf("# %s\n", (char *)f.faults.data);
	is_int(f.counts.batches, 3, "all that is left is computed");
	is_int(f.counts.rows, 3 * ROWS, "all rows");
	found_done(&f);
	run("UPDATE connections SET recv = 0 WHERE @B = @6 AND lport = 32768");
	look(&f);
	is_int(f.counts.faults, 1, "and a change is still found");
	found_done(&f);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: verify PLUGIN.so [OPTION=VALUE]...\n");
		return 2;
	}
	now = clock_wall_ns() / NS_PER_S - 1000;
	plugin = fake_load(argv[1]);
	fake_init(&ctx, plugin, fake_dir(), 0);
	for (int i = 2; i < argc; i++) {
		char *equals = strchr(argv[i], '=');

		if (!equals)
			return 2;
		*equals = 0;
		fake_set(&ctx, argv[i], equals + 1);
	}
	fake_files(&ctx);
	fill(1);
	test_compare();
	for (size_t i = 0; i < sizeof(deeds) / sizeof(*deeds); i++)
		test_deed(i);
	test_swap();
	test_retention();
	fake_done(&ctx);
	return tap_done();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Upkeep of the sqlite plugin's file: retention, its size, and what becomes of a damaged one. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/sinks/sqlite_file.h"

static void test_retention(void)
{
	struct ps_ctx ctx;
	struct stat before, after;
	uint64_t seq = 1;
	struct made m;
	int64_t left;
	void *self;

	instance(&ctx, "retention.db");
	fake_set(&ctx, "retention", "0");
	self = must_open(&ctx);
	for (int day = 40; day >= 0; day--) {
		made_usual(&m, seq++, 3000, now - day * DAY);
		/* Programs and places that only that day has seen. */
		for (unsigned i = 0; i < 50; i++) {
			struct ps_traffic *t = &made_traffic(&m, now - day * DAY)->traffic;
			char text[64];
			int n = snprintf(text, sizeof(text), "/opt/day-%d/%u", day, i);

			t->exe = made_exe(&m, made_text(&m, text, (size_t)n), made_text(&m, "x", 1), made_text(&m, "x", 2));
			t->domain = made_domain(&m, made_text(&m, text, (size_t)n));
			t->raddr.bytes[1] = (uint8_t)(100 + day);
			t->raddr.bytes[2] = (uint8_t)i;
		}
		made_alert(&m, now - day * DAY, "lost");
		made_audit(&m, now - day * DAY);
		if (plugin->sink->write(self, &m.batch) != PS_STORED)
			ok(0, "day %d is stored", day);
		made_done(&m);
	}
	all_upkeep(self);
	is_int(number(&ctx, "SELECT count(*) FROM connections"), 41 * 3050, "a retention of 0 removes nothing");
	plugin->sink->close(self);
	stat(fake_host.text(&ctx, "file"), &before);

	fake_set(&ctx, "retention", "10 d");
	self = must_open(&ctx);
	all_upkeep(self);
	is_int(number(&ctx, "SELECT min(contime) FROM connections") >= now - 10 * DAY, 1, "what is older has gone");
	ok(number(&ctx, "SELECT count(*) FROM connections") >= 10 * 3050, "what is younger has stayed");
	is_int(number(&ctx, "SELECT count(*) FROM losses WHERE endtime < unixepoch() - 11 * 86400"), 0, "losses follow");
	is_int(number(&ctx, "SELECT count(*) FROM audit WHERE endtime < unixepoch() - 11 * 86400"), 0, "audits follow");
	ok(number(&ctx, "SELECT count(*) FROM audit") >= 10, "younger ones have stayed");
	is_int(number(&ctx, "SELECT count(*) FROM batches WHERE endtime < unixepoch() - 11 * 86400"), 0, "batches follow");
	left = number(&ctx, "SELECT count(*) FROM executables WHERE exe LIKE '/opt/day-%'");
	ok(left >= 50 * 10 && left <= 50 * 12, "executables that nothing refers to have gone, a day later at most");
	is_int(number(&ctx, "SELECT count(*) FROM executables WHERE id = 0"), 1, "the empty row has stayed");
	is_int(
	    number(&ctx,
	           "SELECT count(*) FROM connections c WHERE NOT EXISTS (SELECT 1 FROM executables e WHERE e.id = exe_id)"
	           " OR NOT EXISTS (SELECT 1 FROM domains d WHERE d.id = domain_id)"
	           " OR NOT EXISTS (SELECT 1 FROM addresses a WHERE a.id = raddr_id)"
	           " OR NOT EXISTS (SELECT 1 FROM addresses a WHERE a.id = laddr_id)"),
	    0, "no row refers to what has gone");
	is_int(put_usual(self, seq++, 10, now), PS_STORED, "it stores on");
	is_int(put_usual(self, seq - 1, 10, now), PS_STORED, "and knows the newest batch");
	plugin->sink->close(self);
	stat(fake_host.text(&ctx, "file"), &after);
	ok(after.st_size < before.st_size / 2, "the file has shrunk: %lld to %lld", (long long)before.st_size,
	   (long long)after.st_size);
	fake_done(&ctx);
}

static void put_bytes(struct ps_ctx *ctx, off_t at, size_t n)
{
	int fd = open(fake_host.text(ctx, "file"), O_WRONLY | O_CLOEXEC);
	char *bytes = mem_alloc(n);

	memset(bytes, 0x5a, n);
	if (pwrite(fd, bytes, n, at) != (ssize_t)n)
		ok(0, "damage is done");
	close(fd);
	free(bytes);
}

static void test_damage(void)
{
	static const char *const damages[] = {"DROP TABLE domains", "ALTER TABLE connections DROP COLUMN netns"};
	struct ps_ctx ctx;
	void *self = NULL;

	instance(&ctx, "damaged.db");
	put_bytes(&ctx, 0, 8192);
	self = must_open(&ctx);
	is_int(ctx.set_aside, 1, "what is no database is set aside");
	is_int(ctx.errors, 1, "and this is said");
	is_int(put_usual(self, 1, 10, now), PS_STORED, "the new one stores");
	plugin->sink->close(self);
	for (unsigned i = 0; i < 2; i++) {
		run_sql(&ctx, damages[i]);
		self = must_open(&ctx);
		is_int(ctx.set_aside, 2 + i, "what lacks a table or a column is set aside");
		plugin->sink->close(self);
	}
	/* All pages but the first: it opens well, and fails when it is written. */
	self = must_open(&ctx);
	is_int(put_usual(self, 1, 5000, now), PS_STORED, "a store of some size");
	plugin->sink->close(self);
	put_bytes(&ctx, 4096, 200000);
	self = must_open(&ctx);
	is_int(put_usual(self, 2, 10, now), PS_STORED, "damage that shows when writing: the batch is stored all the same");
	is_int(ctx.set_aside, 4, "in a new file");
	is_int(number(&ctx, "SELECT count(*) FROM connections"), 10, "whole");
	unlink(fake_host.text(&ctx, "file"));
	is_int(put_usual(self, 3, 10, now), PS_STORED, "a file that was removed is begun anew");
	is_int(number(&ctx, "SELECT count(*) FROM connections"), 10, "and has the batch");
	plugin->sink->close(self);
	run_sql(&ctx, "PRAGMA user_version = 4");
	is_int(plugin->sink->open(&fake_host, &ctx, &self), PS_MISCONFIGURED, "an unknown version is refused");
	ok(strstr(ctx.why, "version 4"), "with the reason");
	is_int(ctx.set_aside, 5, "and left alone");
	is_int(number(&ctx, "SELECT count(*) FROM connections"), 10, "as it was");
	run_sql(&ctx, "PRAGMA user_version = 0");
	is_int(plugin->sink->open(&fake_host, &ctx, &self), PS_MISCONFIGURED, "and so is another program's file");
	fake_done(&ctx);
}

/* A page in the middle, which opening does not look at. */
static void break_quietly(struct ps_ctx *ctx, unsigned rows)
{
	struct stat file;
	void *self = must_open(ctx);

	is_int(put_usual(self, 1, rows, now), PS_STORED, "a store of some size");
	plugin->sink->close(self);
	run_sql(ctx, "PRAGMA wal_checkpoint(TRUNCATE)");
	stat(fake_host.text(ctx, "file"), &file);
	put_bytes(ctx, file.st_size / 2 / 4096 * 4096, 4096);
}

/* Who was killed in the middle leaves a file that is looked at as a whole before more is written. */
static void test_check(void)
{
	struct ps_ctx ctx;
	void *self;

	instance(&ctx, "killed.db");
	break_quietly(&ctx, 20000);
	self = must_open(&ctx);
	is_int(ctx.set_aside, 0, "after an end in good order, a file is not searched for damage");
	is_int(number(&ctx, "SELECT closed FROM upkeep"), 0, "while it is open, it says so");
	plugin->sink->close(self);
	is_int(number(&ctx, "SELECT closed FROM upkeep"), 1, "and when it is closed");
	run_sql(&ctx, "UPDATE upkeep SET closed = 0");
	self = must_open(&ctx);
	is_int(ctx.set_aside, 1, "after a crash it is, and a damaged one is set aside");
	is_int(ctx.errors, 1, "which is said: %s", ctx.last_log);
	plugin->sink->close(self);
	run_sql(&ctx, "UPDATE upkeep SET closed = 0");
	self = must_open(&ctx);
	is_int(ctx.set_aside, 1, "a sound one is kept");
	plugin->sink->close(self);
	fake_done(&ctx);
}

static void test_max_size(void)
{
	struct ps_ctx ctx;
	uint64_t seq = 1;
	int64_t rows;
	void *self;

	instance(&ctx, "large.db");
	fake_set(&ctx, "retention", "0");
	fake_set(&ctx, "max_size", "2 MiB");
	self = must_open(&ctx);
	for (int i = 100; i >= 0; i--)
		if (put_usual(self, seq++, 500, now - i * 60) != PS_STORED)
			ok(0, "batch %d is stored", i);
	ok(number(&ctx, "SELECT page_count * 4096 FROM pragma_page_count") > 3 << 20, "a store that is too large");
	for (int64_t next = 0; next <= 1000; next = plugin->sink->idle(self))
		nanosleep(&(struct timespec){.tv_nsec = next * 1000 * 1000}, NULL);
	ok(number(&ctx, "SELECT page_count * 4096 FROM pragma_page_count") <= 9 << 18, "becomes smaller");
	rows = number(&ctx, "SELECT count(*) FROM connections");
	ok(rows > 10000 && rows < 100 * 500, "without losing more than it must: %lld rows", (long long)rows);
	is_int(number(&ctx, "SELECT max(contime) FROM connections"), now, "the newest have stayed");
	is_int(ctx.warnings, 1, "which is said once: %s", ctx.last_log);
	is_int(put_usual(self, seq, 500, now), PS_STORED, "it stores on");
	plugin->sink->close(self);
	fake_done(&ctx);
}

/* The daemon's sink, and `picosnitch import` beside it. */
static void test_two_writers(void)
{
	struct ps_ctx ctx, other;
	void *self, *import;

	instance(&ctx, "two.db");
	instance(&other, "two.db");
	fake_set(&ctx, "retention", "0");
	self = must_open(&ctx);
	is_int(put_usual(self, 1, 50, now), PS_STORED, "the first one stores");
	import = must_open(&other);
	is_int(put_usual(import, 2, 50, now), PS_STORED, "and the second one");
	plugin->sink->close(import);
	is_int(number(&ctx, "SELECT closed FROM upkeep"), 0, "that one has closed it is not the end of all");
	run_sql(&ctx, "DELETE FROM connections; DELETE FROM executables WHERE id <> 0; DELETE FROM addresses WHERE id <> 0;"
	              "DELETE FROM domains WHERE id <> 0; DELETE FROM places WHERE id <> 0");
	is_int(put_usual(self, 3, 50, now), PS_STORED, "what another one has removed");
	is_int(number(&ctx,
	              "SELECT count(*) FROM connections c WHERE EXISTS (SELECT 1 FROM executables e WHERE e.id = exe_id)"
	              " AND EXISTS (SELECT 1 FROM domains d WHERE d.id = domain_id)"
	              " AND EXISTS (SELECT 1 FROM addresses a WHERE a.id = raddr_id)"),
	       50, "is not taken for being there");
	plugin->sink->close(self);
	is_int(number(&ctx, "SELECT closed FROM upkeep"), 1, "after the last one it is closed");
	fake_done(&other);
	fake_done(&ctx);
}

int main(void)
{
	load_sqlite();
	test_two_writers();
	test_retention();
	test_damage();
	test_check();
	test_max_size();
	return tap_done();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows a second of the sqlite sink, beside what SQLite itself does with 16 integers a row in one
 * table, with the same pragmas, on the same disk, in the same run.
 *   bench_sqlite PLUGIN.so [BATCHES]
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/fake_host.h"

#define ROWS 16384
#define EXECUTABLES 500
#define ADDRESSES 2000

static uint32_t chance(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static void make_batch(struct made *m, uint64_t seq)
{
	char text[256];

	made_init(m, seq);
	for (unsigned i = 0; i < EXECUTABLES; i++) {
		int n = snprintf(text, sizeof(text), "/usr/lib/some-package/bin/program-%u", i);
		struct ps_text path = made_text(m, text, (size_t)n);

		n = snprintf(text, sizeof(text), "/usr/lib/some-package/bin/program-%u%c--option=value-%u%c--verbose%c", i, 0,
		             i, 0, 0);
		made_exe(m, path, made_text(m, path.data + 22, path.len - 22), made_text(m, text, (size_t)n));
	}
	for (unsigned i = 0; i < 300; i++) {
		int n = snprintf(text, sizeof(text), "com.example-%u.www", i);

		made_domain(m, made_text(m, text, (size_t)n));
	}
	for (unsigned i = 0; i < ROWS; i++) {
		struct ps_traffic *t = &made_traffic(m, 1700000000 + (int64_t)seq * 10)->traffic;
		uint32_t address = chance() % ADDRESSES;

		t->exe = 1 + chance() % EXECUTABLES;
		t->parent = 1 + t->exe % 40;
		t->grandparent = 1 + t->exe % 5;
		t->domain = 1 + address % 300;
		t->lport = 32768 + (int32_t)(chance() % 28000);
		t->raddr.bytes[2] = (uint8_t)(address >> 8);
		t->raddr.bytes[3] = (uint8_t)address;
		t->sent = chance() % 100000;
		t->received = chance();
	}
}

static double sink_rate(const char *so, int batches)
{
	const struct ps_plugin *plugin = fake_load(so);
	int64_t spent = 0;
	struct ps_ctx ctx;
	struct made m;
	void *self;

	fake_init(&ctx, plugin, fake_dir(), 0);
	fake_files(&ctx);
	if (plugin->sink->open(&fake_host, &ctx, &self) != PS_STORED)
		exit(1);
	for (int i = 0; i < batches; i++) {
		int64_t start;

		make_batch(&m, (uint64_t)i + 1);
		start = clock_monotonic_ns();
		if (plugin->sink->write(self, &m.batch) != PS_STORED)
			exit(1);
		spent += clock_monotonic_ns() - start;
		made_done(&m);
	}
	plugin->sink->close(self);
	fake_done(&ctx);
	return (double)batches * ROWS / ((double)spent / 1e9);
}

static double plain_rate(int batches)
{
	static const char pragmas[] =
	    "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	    "PRAGMA cache_size = -2048; CREATE TABLE t(a INTEGER, b INTEGER, c INTEGER, d INTEGER,"
	    " e INTEGER, f INTEGER, g INTEGER, h INTEGER, i INTEGER, j INTEGER, k INTEGER,"
	    " l INTEGER, m INTEGER, n INTEGER, o INTEGER, p INTEGER) STRICT";
	char path[128];
	int64_t start;
	sqlite3_stmt *st;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/plain.db", fake_dir());
	sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	sqlite3_exec(db, pragmas, NULL, NULL, NULL);
	sqlite3_prepare_v2(db, "INSERT INTO t VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", -1, &st, NULL);
	start = clock_monotonic_ns();
	for (int b = 0; b < batches; b++) {
		sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
		for (int i = 0; i < ROWS; i++) {
			for (int column = 1; column <= 16; column++)
				sqlite3_bind_int64(st, column, (int64_t)(chance() % 50000));
			sqlite3_step(st);
			sqlite3_reset(st);
		}
		sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	}
	start = clock_monotonic_ns() - start;
	sqlite3_finalize(st);
	sqlite3_close(db);
	return (double)batches * ROWS / ((double)start / 1e9);
}

int main(int argc, char **argv)
{
	int batches = argc > 2 ? atoi(argv[2]) : 60;
	double sink, plain;

	if (argc < 2 || batches < 1) {
		fprintf(stderr, "usage: bench_sqlite PLUGIN.so [BATCHES]\n");
		return 2;
	}
	plain = plain_rate(batches);
	sink = sink_rate(argv[1], batches);
	printf("sqlite sink: %.0f rows/s (goal: 200000); plain INSERT of 16 integers: %.0f rows/s; ratio %.2f\n", sink,
	       plain, sink / plain);
	return sink < 200000;
}

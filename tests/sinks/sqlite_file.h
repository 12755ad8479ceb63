/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of the sqlite plugin, for its tests. */
#ifndef PS_TESTS_SQLITE_FILE_H
#define PS_TESTS_SQLITE_FILE_H

#include <sqlite3.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/fake_host.h"
#include "tests/tap.h"

#define DAY 86400

static const struct ps_plugin *plugin;
static int64_t now;

static inline sqlite3 *open_db(struct ps_ctx *ctx)
{
	sqlite3 *db = NULL;

	sqlite3_open(fake_host.text(ctx, "file"), &db);
	return db;
}

/* The first column of the first row, as a number. */
static inline int64_t number(struct ps_ctx *ctx, const char *sql)
{
	sqlite3 *db = open_db(ctx);
	sqlite3_stmt *st = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		value = sqlite3_column_int64(st, 0);
	else
		printf("# %s: %s\n", sql, sqlite3_errmsg(db));
	sqlite3_finalize(st);
	sqlite3_close(db);
	return value;
}

static inline void instance(struct ps_ctx *ctx, const char *file)
{
	fake_init(ctx, plugin, fake_dir(), 0);
	fake_set(ctx, "file", file);
	fake_files(ctx);
}

static inline void *must_open(struct ps_ctx *ctx)
{
	void *self = NULL;

	if (!ok(plugin->sink->open(&fake_host, ctx, &self) == PS_STORED, "it opens"))
		exit(1);
	return self;
}

static inline void run_sql(struct ps_ctx *ctx, const char *sql)
{
	sqlite3 *db = open_db(ctx);

	ok(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sql);
	sqlite3_close(db);
}

static inline enum ps_verdict put_usual(void *self, uint64_t seq, uint32_t n, int64_t start)
{
	enum ps_verdict verdict;
	struct made m;

	made_usual(&m, seq, n, start);
	verdict = plugin->sink->write(self, &m.batch);
	made_done(&m);
	return verdict;
}

static inline void all_upkeep(void *self)
{
	for (int i = 0; i < 10000; i++) {
		int64_t next = plugin->sink->idle(self);

		if (next < 0 || next >= 1000)
			return;
	}
	ok(0, "upkeep ends");
}

/* Loads the plugin; the time is that of the test's beginning. */
static inline void load_sqlite(void)
{
	const char *build = getenv("top_builddir");
	char *path = mem_printf("%s/plugins/.libs/sqlite.so", build ? build : ".");

	now = clock_wall_ns() / NS_PER_S;
	plugin = fake_load(path);
	free(path);
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is special to the sqlite plugin: its file, retention, and answers. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/query/sql.h"
#include "tests/sinks/sqlite_file.h"

#define NOBODY 65534

static void test_schema(void)
{
	struct ps_ctx ctx;
	void *self;

	instance(&ctx, "schema.db");
	self = must_open(&ctx);
	is_int(put_usual(self, 1, 20, now), PS_STORED, "stored");
	plugin->sink->close(self);
	is_int(number(&ctx, "PRAGMA auto_vacuum"), 2, "incremental vacuum is on");
	is_int(number(&ctx, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1, "in WAL mode");
	is_int(number(&ctx, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
	                    " AND name NOT LIKE 'sqlite_%' AND NOT strict"),
	       0, "every table is strict");
	is_int(number(&ctx,
	              "SELECT count(*) FROM connections_flat WHERE exe LIKE '/usr/bin/program-%' AND name LIKE 'program-%'"
	              " AND cmdline LIKE 'program-% --now' AND length(sha256) = 64 AND pexe = '/usr/bin/program-3'"
	              " AND laddr = '192.0.2.1' AND domain IN ('', 'org.example.www') AND send = 1000 AND recv = 2000"
	              " AND uid = 1000 AND rport = 443"),
	       20, "connections_flat shows what was stored");
	is_int(number(&ctx, "SELECT count(*) FROM connections_flat, connections c WHERE connections_flat.contime ="
	                    " strftime('%Y-%m-%d %H:%M:%S', c.contime, 'unixepoch', 'localtime')") > 0,
	       1, "its time is local text");
	is_int(number(&ctx, "SELECT count(*) FROM pragma_table_info('connections_flat')"), 17, "it has 17 columns");
	is_int(number(&ctx, "SELECT count(*) FROM executables"), 6, "each executable is there once, and the empty row");
	is_int(number(&ctx, "SELECT count(*) FROM batches WHERE length(host) = 16 AND length(digest) = 32 AND rows = 20"),
	       1, "the batch is named");
	fake_done(&ctx);
}

/* Places and scripts: each once, and told apart; what is new about a program. */
static void test_places(void)
{
	uint32_t first, second, exe;
	struct ps_ctx ctx;
	struct made m;
	void *self;

	instance(&ctx, "places.db");
	self = must_open(&ctx);
	for (uint64_t seq = 1; seq <= 2; seq++) {
		made_init(&m, seq);
		exe = made_exe(&m, made_text(&m, "/bin/sh", 7), made_text(&m, "sh", 2), made_text(&m, "sh\0/a\xff\0", 7));
		m.exes[exe].script = made_text(&m, "/a\xff", 3);
		m.exes[exe].script_state = PS_HASH_OK;
		m.exes[exe].script_sha256[0] = (uint8_t)seq;
		first = made_place(&m, "first");
		second = made_place(&m, "second");
		m.places[second].owner = 0;
		made_traffic(&m, now)->traffic.place = first;
		made_traffic(&m, now)->traffic.place = second;
		m.records[1].traffic.domain_source = PS_DOMAIN_DNS;
		m.records[1].traffic.domain_rivals = 3;
		made_traffic(&m, now);
		made_program(&m, now, "is new")->program.place = second;
		is_int(plugin->sink->write(self, &m.batch), PS_STORED, "stored");
		made_done(&m);
	}
	plugin->sink->close(self);
	is_int(number(&ctx, "SELECT count(*) FROM places"), 3, "each place once, and the one that is none");
	is_int(number(&ctx, "SELECT count(*) FROM connections JOIN places p ON p.id = place_id WHERE engine = 'podman' AND"
	                    " container = 'first' AND unit = 'libpod-first.scope' AND owner IS NULL"),
	       2, "a place without an owner");
	is_int(number(&ctx, "SELECT count(*) FROM connections JOIN places p ON p.id = place_id WHERE container = 'second'"
	                    " AND owner = 0 AND domain_source = 'dns' AND domain_rivals = 3"),
	       2, "a place of root's, and how a domain is known");
	is_int(number(&ctx, "SELECT count(*) FROM connections WHERE place_id = 0 AND domain_source = ''"), 2, "no place");
	is_int(number(&ctx, "SELECT count(DISTINCT script_sha256) FROM executables WHERE script = '/a\\xff' AND"
	                    " script_state = '' AND length(script_sha256) = 64"),
	       2, "two contents of one script are two");
	is_int(number(&ctx, "SELECT count(*) FROM programs JOIN places p ON p.id = place_id WHERE event = 'new_hash' AND"
	                    " role = 'parent' AND expected = 1 AND container = 'second' AND text = 'is new'"
	                    " AND previous_sha256 LIKE 'ab00%'"),
	       2, "what was new about a program");
	fake_done(&ctx);
}

/* A file of version 10, as the first release of this schema left it. */
static void test_migration(void)
{
	struct ps_ctx ctx;
	struct ps_traffic *t;
	struct made m;
	void *self;

	instance(&ctx, "older.db");
	self = must_open(&ctx);
	is_int(put_usual(self, 1, 20, now), PS_STORED, "stored");
	plugin->sink->close(self);
	run_sql(&ctx,
	        "ALTER TABLE connections DROP COLUMN direction; ALTER TABLE connections DROP COLUMN opened;"
	        "ALTER TABLE connections DROP COLUMN closed; DROP TABLE audit; DROP TABLE programs; DROP TABLE places;"
	        "ALTER TABLE connections DROP COLUMN place_id; ALTER TABLE connections DROP COLUMN domain_source;"
	        "ALTER TABLE connections DROP COLUMN domain_rivals; ALTER TABLE executables DROP COLUMN script;"
	        "ALTER TABLE executables DROP COLUMN script_sha256; ALTER TABLE executables DROP COLUMN script_state;"
	        "ALTER TABLE batches DROP COLUMN hostname; ALTER TABLE batches DROP COLUMN marks; DROP TABLE upkeep; DROP "
	        "TABLE hours; DROP TABLE days; DROP TABLE stale; DROP TABLE verdicts;"
	        "DROP TABLE quarters; DROP TABLE who_10min; DROP TABLE who_hours; DROP TABLE who_days;"
	        "PRAGMA user_version = 10");
	self = must_open(&ctx);
	is_int(ctx.set_aside, 0, "an older file is not set aside");
	is_int(number(&ctx, "SELECT count(*) FROM connections WHERE direction = '' AND opened IS NULL AND closed IS NULL"),
	       20, "its rows have stayed, without what was not known then");
	made_init(&m, 2);
	t = &made_traffic(&m, now)->traffic;
	t->direction = PS_DIRECTION_OUT;
	t->opened_ns = now * NS_PER_S - 1;
	made_traffic(&m, now)->traffic.direction = PS_DIRECTION_IN;
	is_int(plugin->sink->write(self, &m.batch), PS_STORED, "it stores on");
	made_done(&m);
	plugin->sink->close(self);
	is_int(number(&ctx, "SELECT count(*) FROM connections WHERE direction = 'out' AND opened = endtime - 11"
	                    " AND closed IS NULL"),
	       1, "who opened a connection, and when, in seconds");
	is_int(number(&ctx, "SELECT count(*) FROM connections WHERE direction = 'in' AND opened IS NULL"), 1,
	       "what is not known is NULL");
	is_int(number(&ctx, "SELECT cid FROM pragma_table_info('connections') WHERE name = 'direction'"), 18,
	       "new columns follow the old ones");
	is_int(number(&ctx, "SELECT count(*) FROM pragma_table_info('connections_flat')"), 17,
	       "connections_flat is what it was");
	fake_done(&ctx);
}

static void test_lock(void)
{
	struct ps_ctx ctx;
	sqlite3 *db;
	void *self;

	instance(&ctx, "locked.db");
	self = must_open(&ctx);
	db = open_db(&ctx);
	sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	ctx.stopping = 1; /* or it waits for seconds */
	is_int(put_usual(self, 1, 10, now), PS_AWAY, "locked by another: away");
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(db);
	is_int(put_usual(self, 1, 10, now), PS_STORED, "unlocked: stored");
	is_int(number(&ctx, "SELECT count(*) FROM connections"), 10, "once");
	is_int(number(&ctx, "SELECT count(*) FROM connections LEFT JOIN executables ON id = exe_id WHERE exe IS NULL"), 0,
	       "with ids that the rolled back transaction did not leave behind");
	plugin->sink->close(self);
	fake_done(&ctx);
}

/* A batch that fails half-way must not leave ids behind in the cache. */
static void test_rollback(void)
{
	struct ps_ctx ctx;
	void *self;

	instance(&ctx, "rollback.db");
	self = must_open(&ctx);
	run_sql(&ctx, "CREATE TRIGGER stop BEFORE INSERT ON connections WHEN new.lport = 32768 + 7"
	              " BEGIN SELECT RAISE(ABORT, 'not now'); END");
	is_int(put_usual(self, 1, 10, now), PS_AWAY, "a batch fails in the middle");
	is_int(number(&ctx, "SELECT count(*) FROM connections"), 0, "nothing of it is stored");
	is_int(number(&ctx, "SELECT count(*) FROM executables"), 1, "nor of its executables");
	run_sql(&ctx, "DROP TRIGGER stop");
	is_int(put_usual(self, 1, 10, now), PS_STORED, "it comes again and is stored");
	is_int(number(&ctx, "SELECT count(*) FROM connections JOIN executables ON id = exe_id"
	                    " WHERE exe = '/usr/bin/program-' || ((lport - 32768) % 3)"),
	       10, "every row has its own executable");
	plugin->sink->close(self);
	fake_done(&ctx);
}

/* Exit status: how many steps went well. */
static int as_nobody(struct ps_ctx *ctx)
{
	void *self;

	if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return 99;
	for (int round = 0; round < 2; round++) {
		if (plugin->sink->open(&fake_host, ctx, &self) != PS_STORED)
			return 10 * round + 1;
		for (uint64_t seq = 1; seq <= 5; seq++)
			if (put_usual(self, seq, 3000, now - 40 * DAY) != PS_STORED)
				return 10 * round + 2;
		all_upkeep(self);
		plugin->sink->close(self);
	}
	return 50;
}

static int exists(struct ps_ctx *ctx, const char *suffix)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", fake_host.text(ctx, "file"), suffix);
	return access(path, F_OK) == 0;
}

/* As the core runs it: files of the sink's user in a folder of root. */
static void test_unprivileged(void)
{
	struct ps_ctx ctx;
	int status = 0;
	pid_t pid;

	if (geteuid() != 0) {
		skip("needs root, to become another user");
		return;
	}
	fake_init(&ctx, plugin, fake_dir(), NOBODY);
	fake_set(&ctx, "file", "nobody.db");
	fake_files(&ctx);
	pid = fork();
	if (pid == 0)
		_exit(as_nobody(&ctx));
	waitpid(pid, &status, 0);
	is_int(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 50,
	       "begun, written, cleaned and reopened by a user who may not write the folder");
	ok(exists(&ctx, "-wal") && exists(&ctx, "-shm"), "-wal and -shm have stayed");
	fake_done(&ctx);
}

struct total {
	uint64_t rows, sent, losses;
	char first[64];
};

static int add_row(void *arg, const struct ps_answer_row *row)
{
	struct total *t = arg;

	if (!t->rows++ && row->values)
		snprintf(t->first, sizeof(t->first), "%s", row->values[0].data);
	t->sent += row->sent;
	return 0;
}

static void add_lost(void *arg, const struct ps_answer_loss *loss)
{
	((struct total *)arg)->losses += loss->sent + loss->received;
}

static int ask(struct ps_ctx *ctx, const struct ps_question *q, struct total *t)
{
	struct ps_answer answer = {.arg = t, .row = add_row, .loss = add_lost};
	void *self;
	int r;

	*t = (struct total){0};
	r = plugin->reader->open(&fake_host, ctx, &self);
	if (r < 0)
		return r;
	r = plugin->reader->ask(self, q, &answer);
	plugin->reader->close(self);
	return r;
}

static void test_reader(void)
{
	enum ps_dimension by[] = {PS_BY_EXE, PS_BY_NAME, PS_BY_DOMAIN};
	struct ps_filter filters[] = {
	    {PS_BY_EXE, 0, {"/usr/bin/program-1", 18}}, {PS_BY_EXE, 0, {"/usr/bin/program-2", 18}},
	    {PS_BY_DOMAIN, 1, {"org.example.www", 15}}, {PS_BY_RPORT, 0, {"443", 3}},
	    {PS_BY_RADDR, 1, {"' OR 1 --", 9}},
	};
	struct ps_question q = {.from = INT64_MIN, .to = INT64_MAX, .by = by, .n_by = 1, .filters = filters};
	struct ps_ctx ctx;
	struct total t;
	struct made m;
	void *self;

	instance(&ctx, "reader.db");
	unlink(fake_host.text(&ctx, "file"));
	is_int(ask(&ctx, &q, &t), -ENOENT, "no store yet: an error");
	ok(strstr(ctx.why, "start picosnitch"), "that says what to do");
	fake_files(&ctx);
	is_int(ask(&ctx, &q, &t), -ENODATA, "an empty store: an error");
	self = must_open(&ctx);
	put_usual(self, 1, 300, now);
	put_usual(self, 2, 300, now - 1000);
	made_init(&m, 3);
	made_alert(&m, now, "lost");
	made_traffic(&m, now)->traffic.sent = UINT64_MAX;
	made_traffic(&m, now)->traffic.sent = UINT64_MAX;
	plugin->sink->write(self, &m.batch);
	made_done(&m);

	is_int(ask(&ctx, &q, &t), 0, "a question while the writer is there");
	is_int(t.rows, 4, "a row for each executable and for those unknown");
	is_int(t.losses, 1100, "losses are told");
	is_str(t.first, "", "sums that would overflow stop at the largest number");
	q.from = now - 500;
	q.n_by = 0;
	q.n_filters = 0;
	q.to = now;
	is_int(ask(&ctx, &q, &t), 0, "a range without rows");
	is_int(t.rows, 0, "has none");
	q.from = now - 1000;
	is_int(ask(&ctx, &q, &t), 0, "a range of time");
	is_int(t.sent, 300 * 1000, "is from <= t < to");
	q.from = INT64_MIN;
	q.to = INT64_MAX;
	q.n_by = 1;
	q.n_filters = 5;
	is_int(ask(&ctx, &q, &t), 0, "filters");
	is_int(t.sent, 200 * 1000, "two of three programs, one of two domains");
	is_int(t.rows, 2, "two rows");
	plugin->sink->close(self);
	is_int(ask(&ctx, &q, &t), 0, "a question after the writer has gone");
	q.n_by = 3;
	q.limit = 2;
	q.order = PS_ORDER_KEY;
	q.n_filters = 2;
	is_int(ask(&ctx, &q, &t), 0, "several dimensions, a limit, an order");
	is_int(t.rows, 2, "at most as many rows");
	is_str(t.first, "/usr/bin/program-1", "in that order");
	filters[0] = (struct ps_filter){PS_BY_UID, 0, {"root", 4}};
	is_int(ask(&ctx, &q, &t), -EINVAL, "a word where a number must be");
	fake_done(&ctx);
}

/* Whoever may read the file but not write anything, when the daemon is stopped. */
static void test_stranger(void)
{
	static const char *const suffixes[] = {"-wal", "-shm"};
	struct ps_question q = {.from = INT64_MIN, .to = INT64_MAX};
	struct ps_ctx ctx;
	struct total t;
	int status = 0;
	void *self;

	if (geteuid() != 0) {
		skip("needs root, to become another user");
		return;
	}
	instance(&ctx, "stranger.db");
	self = must_open(&ctx);
	put_usual(self, 1, 300, now);
	plugin->sink->close(self);
	for (int gone = 0; gone < 2; gone++) {
		const char *path = fake_host.text(&ctx, "file");
		char companion[256];
		pid_t pid;

		chmod(path, 0644);
		for (int i = 0; i < 2; i++) {
			snprintf(companion, sizeof(companion), "%s%s", path, suffixes[i]);
			if (gone)
				unlink(companion);
			else
				chmod(companion, 0644);
		}
		pid = fork();
		if (pid == 0) {
			if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
				_exit(9);
			_exit(ask(&ctx, &q, &t) == 0 && t.sent == 300 * 1000 ? 0 : 1);
		}
		waitpid(pid, &status, 0);
		is_int(status, 0, "another user reads it, -wal and -shm are %s", gone ? "gone" : "there");
	}
	fake_done(&ctx);
}

/* The planner must go by time when there is a range, and by nothing else. */
static void test_plan(void)
{
	const struct sql_dialect dialect = {
	    .sum = "sum", .key = "id", .text_before = "", .text_after = "", .quote = "", .quote_table = ""};
	enum ps_dimension by[] = {PS_BY_EXE, PS_BY_RADDR};
	struct ps_filter filter = {PS_BY_EXE, 0, {"x", 1}};
	struct ps_question q = {.from = 1, .to = 2, .by = by, .n_by = 2, .filters = &filter, .n_filters = 1};
	const struct sql_span all = {NULL, "contime", 0, 1, 2};
	const char *why;
	struct ps_ctx ctx;
	struct sql sql;
	sqlite3_stmt *st = NULL;
	sqlite3 *db;
	char *explain;
	int by_time = 0;
	void *self;

	instance(&ctx, "plan.db");
	self = must_open(&ctx);
	put_usual(self, 1, 3000, now);
	db = open_db(&ctx);
	sqlite3_exec(db, "ANALYZE", NULL, NULL, NULL);
	is_int(sql_build(&sql, &dialect, &q, &all, 1, &why), 0, "the question is SQL");
	explain = mem_printf("EXPLAIN QUERY PLAN %s", (char *)sql.text.data);
	ok(sqlite3_prepare_v2(db, explain, -1, &st, NULL) == SQLITE_OK, "that SQLite understands");
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(st, 3);

		printf("# %s\n", step);
		by_time |= strstr(step, "SEARCH connections USING INDEX connections_contime") != NULL;
	}
	ok(by_time, "a range of time is found by the index on time");
	sqlite3_finalize(st);
	sqlite3_close(db);
	free(explain);
	sql_done(&sql);
	plugin->sink->close(self);
	fake_done(&ctx);
}

int main(void)
{
	load_sqlite();
	test_schema();
	test_places();
	test_migration();
	test_lock();
	test_rollback();
	test_unprivileged();
	test_reader();
	test_stranger();
	test_plan();
	return tap_done();
}

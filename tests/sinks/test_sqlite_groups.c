/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows are grouped in memory as long as the groups fit, then by SQLite: both say the same. */
#include "core/question.h"
#include "plugins/sqlite/groups.h"
#include "tests/sinks/sqlite_file.h"

/* More groups than fit: each takes more than a hundred bytes. */
#define MANY (GROUPS_BYTES_MAX / 100)

struct asked {
	uint64_t sent, received, calls, rows, groups;
	int64_t first, last;
};

static int on_row(void *arg, const struct ps_answer_row *row)
{
	struct asked *a = arg;

	a->sent += row->sent;
	a->received += row->received;
	a->calls += row->calls;
	a->rows += row->rows;
	a->first += row->first;
	a->last += row->last;
	a->groups++;
	return 0;
}

static struct asked ask(struct ps_ctx *ctx, const struct ps_question *q)
{
	struct asked a = {0};
	struct ps_answer answer = {.arg = &a, .row = on_row};
	void *self = NULL;

	if (plugin->reader->open(&fake_host, ctx, &self) < 0 || plugin->reader->ask(self, q, &answer) < 0)
		ok(0, "it can be asked: %s", ctx->why);
	if (self)
		plugin->reader->close(self);
	return a;
}

/* One port for each of n rows, and each row twice. */
static void put_rows(struct ps_ctx *ctx, int64_t n)
{
	char *sql = mem_printf(
	    "WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < %lld), r AS (SELECT * FROM"
	    " connections LIMIT 1) INSERT INTO connections (contime, send, recv, events, exe_id, pexe_id, gpexe_id,"
	    " uid, family, protocol, lport, rport, laddr_id, raddr_id, domain_id, netns, endtime, batch_id,"
	    " domain_source, direction, domain_rivals, place_id) SELECT contime + n / %lld, 1, 2, 3, exe_id,"
	    " pexe_id, gpexe_id, uid, family, protocol, n %% %lld, rport, laddr_id, raddr_id, domain_id, netns,"
	    " endtime, batch_id, domain_source, direction, domain_rivals, place_id FROM i, r",
	    (long long)(2 * n - 1), (long long)n, (long long)n);

	run_sql(ctx, "DELETE FROM connections WHERE rowid > (SELECT min(rowid) FROM connections)");
	run_sql(ctx, sql);
	free(sql);
	run_sql(ctx, "DELETE FROM connections WHERE rowid = (SELECT min(rowid) FROM connections)");
}

static void check(struct ps_ctx *ctx, int64_t n)
{
	enum ps_dimension by[] = {PS_BY_LPORT, PS_BY_DIRECTION, PS_BY_EXE, PS_BY_NAME};
	struct ps_question q = {.from = INT64_MIN, .to = INT64_MAX, .by = by, .n_by = 4, .order = PS_ORDER_TIME};
	int64_t first = number(ctx, "SELECT min(contime) FROM connections");
	struct asked a = ask(ctx, &q);

	is_int((long long)a.groups, n, "%lld groups", (long long)n);
	ok(a.rows == 2 * (uint64_t)n && a.sent == a.rows && a.received == 2 * a.rows && a.calls == 3 * a.rows,
	   "of all rows");
	ok(a.first == n * first && a.last == n * (first + 1), "and their times");
	q.in_parts = 1;
	a = ask(ctx, &q);
	ok(a.rows == 2 * (uint64_t)n && a.sent == a.rows && a.received == 2 * a.rows && !a.calls && !a.first,
	   "parts come to the same");
	q.in_parts = 0;
	q.limit = 7;
	is_int((long long)ask(ctx, &q).groups, 7, "as many as are wanted");
}

static void on_loss(void *arg, const struct ps_answer_loss *loss)
{
	(void)loss;
	run_sql(*(struct ps_ctx **)arg, "INSERT INTO connections SELECT * FROM connections LIMIT 1");
}

struct meanwhile {
	struct ps_ctx *ctx; /* first: see on_loss() */
	uint64_t rows;
};

static int on_count(void *arg, const struct ps_answer_row *row)
{
	((struct meanwhile *)arg)->rows += row->rows;
	return 0;
}

/* An answer is of one moment, also if it is read a second time as there are too many groups. */
static void one_moment(struct ps_ctx *ctx, int64_t n)
{
	enum ps_dimension by = PS_BY_LPORT;
	struct ps_question q = {.from = INT64_MIN, .to = INT64_MAX, .by = &by, .n_by = 1};
	struct meanwhile m = {ctx, 0};
	struct ps_answer answer = {.arg = &m, .row = on_count, .loss = on_loss};
	void *self = NULL;

	run_sql(ctx, "INSERT INTO losses VALUES(1, 2, 'flows', 1, 0, 0, '', 1)");
	ok(plugin->reader->open(&fake_host, ctx, &self) == 0 && plugin->reader->ask(self, &q, &answer) == 0, "it is asked");
	is_int((long long)m.rows, 2 * n, "and a row that comes meanwhile is not in the answer");
	if (self)
		plugin->reader->close(self);
	run_sql(ctx, "DELETE FROM losses; DELETE FROM connections WHERE rowid = (SELECT max(rowid) FROM connections)");
}

static int on_first(void *arg, const struct ps_answer_row *row)
{
	(void)row;
	++*(unsigned *)arg;
	return 1;
}

/* Parts are told while rows are read: who asked may have enough, and entries may be missing. */
static void in_parts(struct ps_ctx *ctx, int64_t n)
{
	enum ps_dimension by[] = {PS_BY_LPORT, PS_BY_DOMAIN, PS_BY_HOST, PS_BY_TIME};
	struct ps_question q = {
	    .from = INT64_MIN, .to = INT64_MAX, .by = by, .n_by = 4, .step = 60, .order = PS_ORDER_KEY, .in_parts = 1};
	unsigned told = 0;
	struct ps_answer first = {.arg = &told, .row = on_first};
	struct asked parts, whole;
	void *self = NULL;

	ok(plugin->reader->open(&fake_host, ctx, &self) == 0 && plugin->reader->ask(self, &q, &first) == 0, "it can stop");
	is_int(told, 1, "and has no more than is wanted");
	if (self)
		plugin->reader->close(self);
	run_sql(ctx, "UPDATE connections SET domain_id = 12345 WHERE lport % 2");
	parts = ask(ctx, &q);
	q.in_parts = 0;
	whole = ask(ctx, &q);
	ok(parts.rows == whole.rows && parts.sent == whole.sent && parts.received == whole.received &&
	       whole.rows == (uint64_t)n,
	   "what the dictionary does not have is left out by both: %llu and %llu", (unsigned long long)parts.rows,
	   (unsigned long long)whole.rows);
	q.n_by = 0;
	q.in_parts = 1;
	is_int((long long)ask(ctx, &q).rows, 2 * n, "all as one part");
}

int main(void)
{
	struct ps_ctx ctx;
	void *self;

	load_sqlite();
	instance(&ctx, "groups.db");
	fake_set(&ctx, "retention", "0");
	self = must_open(&ctx);
	put_usual(self, 1, 10, now - 60);
	plugin->sink->close(self);
	put_rows(&ctx, 1000);
	check(&ctx, 1000);
	run_sql(&ctx, "CREATE TABLE grouped(k0, sent, received, n, calls, first, last); CREATE TABLE groups(k0)");
	check(&ctx, 1000);
	put_rows(&ctx, MANY);
	check(&ctx, MANY);
	one_moment(&ctx, MANY);
	in_parts(&ctx, MANY);
	fake_done(&ctx);
	return tap_done();
}

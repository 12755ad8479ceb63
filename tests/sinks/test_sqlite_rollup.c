/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums by hour and by day: whatever is asked, the answer is the one that all rows give. */
#include <string.h>

#include "core/base/buf.h"
#include "core/question.h"
#include "tests/sinks/sqlite_file.h"

#define DAYS 12
#define QUESTIONS 150

static uint64_t chance(uint64_t below)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static void put_random(void *self, uint64_t seq, int64_t start, unsigned n)
{
	struct made m;

	made_usual(&m, seq, 0, start);
	for (unsigned i = 0; i < n; i++) {
		struct ps_traffic *t = &made_traffic(&m, start + (int64_t)chance(3600))->traffic;

		t->exe = 1 + (uint32_t)chance(3);
		t->parent = (uint32_t)chance(5);
		t->domain = (uint32_t)chance(2);
		t->uid = 1000 + (uint32_t)chance(3);
		t->direction = (uint8_t)chance(3);
		t->lport = chance(2) ? 22 : 32768 + (int64_t)chance(20000);
		t->rport = chance(2) ? 443 : 32768 + (int64_t)chance(20000);
		t->raddr.bytes[3] = (uint8_t)chance(6);
		t->sent = chance(1000);
		t->received = chance(1000);
		t->calls = 1 + chance(5);
	}
	if (plugin->sink->write(self, &m.batch) != PS_STORED)
		ok(0, "batch %d is stored", (int)seq);
	made_done(&m);
}

static uint32_t n_by;

static int on_row(void *arg, const struct ps_answer_row *row)
{
	struct buf *out = arg;

	for (uint32_t i = 0; i < n_by; i++)
		buf_printf(out, "%.*s|", (int)row->values[i].len, row->values[i].data);
	buf_printf(out, "%llu %llu %llu %llu %lld %lld\n", (unsigned long long)row->sent, (unsigned long long)row->received,
	           (unsigned long long)row->calls, (unsigned long long)row->rows, (long long)row->first,
	           (long long)row->last);
	return 0;
}

static void ask(struct ps_ctx *ctx, const struct ps_question *q, struct buf *out)
{
	struct ps_answer answer = {.arg = out, .row = on_row};
	void *self = NULL;

	n_by = q->n_by;
	if (plugin->reader->open(&fake_host, ctx, &self) < 0 || plugin->reader->ask(self, q, &answer) < 0)
		ok(0, "it can be asked: %s", ctx->why);
	if (self)
		plugin->reader->close(self);
	buf_put_u8(out, 0);
}

/* The same questions with the sums and without them. */
static void compare(struct ps_ctx *ctx, const char *when)
{
	static const enum ps_dimension dimensions[] = {PS_BY_EXE,    PS_BY_PEXE,      PS_BY_UID,   PS_BY_RADDR,
	                                               PS_BY_DOMAIN, PS_BY_DIRECTION, PS_BY_RPORT, PS_BY_TIME};
	static const int64_t steps[] = {3600, 86400, 600, 21600, 1800};
	static struct ps_question questions[QUESTIONS];
	static enum ps_dimension by[QUESTIONS][2];
	static struct ps_filter filters[QUESTIONS];
	static struct buf with[QUESTIONS];
	char *restore = mem_printf("UPDATE upkeep SET rolled = %lld", (long long)number(ctx, "SELECT rolled FROM upkeep"));
	unsigned wrong = 0, summed = 0;

	for (unsigned i = 0; i < QUESTIONS; i++) {
		int64_t a = now - DAYS * DAY + (int64_t)chance((DAYS + 2) * DAY) - DAY, b = a + (int64_t)chance(DAYS * DAY);

		by[i][0] = dimensions[chance(8)];
		do
			by[i][1] = dimensions[chance(8)];
		while (by[i][1] == by[i][0]);
		filters[i] = chance(2) ? (struct ps_filter){PS_BY_RPORT, (int)chance(2), {"443", 3}}
		                       : (struct ps_filter){PS_BY_LPORT, (int)chance(2), {"33000", 5}};
		questions[i] = (struct ps_question){
		    .from = chance(5) ? a : INT64_MIN,
		    .to = chance(5) ? b : INT64_MAX,
		    .by = by[i],
		    .n_by = 2,
		    .filters = &filters[i],
		    .n_filters = (uint32_t)chance(2),
		    .order = PS_ORDER_KEY,
		    .step = steps[chance(5)],
		};
		questions[i].origin = chance(2) ? 0 : (int64_t)chance((uint64_t)questions[i].step / 600) * 600;
		if (chance(3) == 0)
			questions[i].from = (questions[i].from > 0 ? questions[i].from : a) / 600 * 600;
		buf_init(&with[i]);
		ask(ctx, &questions[i], &with[i]);
	}
	run_sql(ctx, "UPDATE upkeep SET rolled = -9223372036854775807");
	for (unsigned i = 0; i < QUESTIONS; i++) {
		struct buf without;

		buf_init(&without);
		ask(ctx, &questions[i], &without);
		summed += with[i].len > 1;
		if (strcmp((char *)with[i].data, (char *)without.data) != 0 && !wrong++)
			printf("# from %lld to %lld\n# with sums:\n%s# without:\n%s", (long long)questions[i].from,
			       (long long)questions[i].to, (char *)with[i].data, (char *)without.data);
		buf_done(&without);
		buf_done(&with[i]);
	}
	run_sql(ctx, restore);
	free(restore);
	is_int(wrong, 0, "%s: %d questions have the answers that all rows give", when, QUESTIONS);
	ok(summed > QUESTIONS / 2, "%s: most of which have some", when);
}

/* Who does not mind gets all ports of clients as one. */
static void coarse(struct ps_ctx *ctx)
{
	enum ps_dimension by = PS_BY_LPORT;
	struct ps_question q = {.from = 0, .to = INT64_MAX, .by = &by, .n_by = 1, .coarse_ports = 1};
	struct buf rows;

	buf_init(&rows);
	ask(ctx, &q, &rows);
	ok(strstr((char *)rows.data, "\n-2|") || strncmp((char *)rows.data, "-2|", 3) == 0, "ports of clients come as one");
	buf_done(&rows);
	q.coarse_ports = 0;
	buf_init(&rows);
	ask(ctx, &q, &rows);
	ok(!strstr((char *)rows.data, "-2|"), "but only if that is wanted");
	buf_done(&rows);
}

static int count_rows(void *arg, const struct ps_answer_row *row)
{
	*(uint64_t *)arg += row->rows;
	return 0;
}

/* A late row costs the sums of its own hour, not those of all that came after. */
static void around_stale(struct ps_ctx *ctx)
{
	const struct ps_question q = {.from = INT64_MIN, .to = INT64_MAX, .coarse_ports = 1};
	uint64_t rows = 0, later;
	struct ps_answer answer = {.arg = &rows, .row = count_rows};
	void *self = NULL;

	later = (uint64_t)number(ctx, "SELECT count(*) FROM who_days WHERE time > (SELECT max(hour) FROM stale)");
	run_sql(ctx, "UPDATE who_days SET n = n + 1000000");
	if (plugin->reader->open(&fake_host, ctx, &self) < 0 || plugin->reader->ask(self, &q, &answer) < 0)
		ok(0, "it can be asked: %s", ctx->why);
	if (self)
		plugin->reader->close(self);
	run_sql(ctx, "UPDATE who_days SET n = n - 1000000");
	ok(later > 10 && rows >= later * 1000000, "the days after a stale hour are read as sums: %llu of %llu",
	   (unsigned long long)rows, (unsigned long long)later);
}

/* Sums as that version had them: with rowids, an index, and other columns first. */
static void as_version_17(struct ps_ctx *ctx)
{
	static const char *const tables[] = {"hours", "quarters", "days", "who_10min", "who_hours", "who_days"};

	for (unsigned i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		const char *t = tables[i], *wide = i < 3 ? "lport, rport, laddr_id, raddr_id, domain_id, domain_source," : "";
		char *sql = mem_printf("CREATE TABLE old AS SELECT time, exe_id, pexe_id, gpexe_id, uid, family, protocol, %s"
		                       " netns, place_id, direction, send, recv, events, n, first, last FROM %s; DROP TABLE %s;"
		                       " ALTER TABLE old RENAME TO %s; CREATE INDEX %s_time ON %s(time)",
		                       wide, t, t, t, t, t);

		run_sql(ctx, sql);
		free(sql);
	}
	run_sql(ctx, "PRAGMA user_version = 17");
}

int main(void)
{
	struct ps_ctx ctx;
	uint64_t seq = 1;
	void *self;

	load_sqlite();
	instance(&ctx, "sums.db");
	fake_set(&ctx, "retention", "0");
	self = must_open(&ctx);
	for (int hour = DAYS * 24; hour > 0; hour--)
		if (hour % 24 != 7 && hour / 24 != 5) /* hours and a day without anything */
			put_random(self, seq++, now - hour * 3600, 40);
	all_upkeep(self);
	ok(number(&ctx, "SELECT count(*) FROM hours") > 1000, "hours are summed up");
	ok(number(&ctx, "SELECT count(DISTINCT time) FROM days") >= DAYS - 3, "and days");
	is_int(number(&ctx, "SELECT count(*) FROM who_10min WHERE time % 600 <> 0 OR first < time OR last >= time + 600"),
	       0, "ten minutes are of their own rows");
	is_int(number(&ctx, "SELECT sum(n) FROM who_10min"), number(&ctx, "SELECT sum(n) FROM hours"), "as many as hours");
	is_int(number(&ctx, "SELECT sum(n) FROM who_hours"), number(&ctx, "SELECT sum(n) FROM hours"), "and those of who");
	is_int(number(&ctx, "SELECT sum(n) FROM quarters WHERE time < (SELECT max(time) FROM days) + 86400"),
	       number(&ctx, "SELECT sum(n) FROM days"), "quarters of a day");
	is_int(number(&ctx, "SELECT sum(n) FROM who_days"), number(&ctx, "SELECT sum(n) FROM days"), "days too");
	is_int(number(&ctx, "SELECT sum(n) FROM hours"),
	       number(&ctx, "SELECT count(*) FROM connections WHERE contime < (SELECT rolled FROM upkeep)"),
	       "every row is in one hour");
	ok(number(&ctx, "SELECT count(*) FROM hours WHERE lport = -2") > 0 &&
	       number(&ctx, "SELECT count(*) FROM hours WHERE direction = 'out' AND lport >= 32768") == 0 &&
	       number(&ctx, "SELECT count(*) FROM hours WHERE direction = 'in' AND rport >= 32768") == 0 &&
	       number(&ctx, "SELECT count(*) FROM hours WHERE direction = 'in' AND lport >= 32768") > 0,
	   "ports of clients are one, those of servers are not");
	compare(&ctx, "summed up");
	coarse(&ctx);

	plugin->sink->close(self);

	run_sql(&ctx, "DROP TABLE quarters; DROP TABLE who_10min; DROP TABLE who_hours; DROP TABLE who_days; PRAGMA "
	              "user_version = 16");
	compare(&ctx, "a file without sums of who");
	self = must_open(&ctx);
	all_upkeep(self);
	is_int(number(&ctx, "SELECT sum(n) FROM who_10min"), number(&ctx, "SELECT sum(n) FROM hours"), "it gets them");
	compare(&ctx, "with sums of who");

	plugin->sink->close(self);
	as_version_17(&ctx);
	compare(&ctx, "a file with sums in another order");
	self = must_open(&ctx);
	all_upkeep(self);
	is_int(number(&ctx, "SELECT sum(n) FROM who_10min"), number(&ctx, "SELECT sum(n) FROM hours"), "it gets them anew");
	compare(&ctx, "with them anew");

	put_random(self, seq++, now - (DAYS - 1) * DAY, 5);
	put_random(self, seq++, now - (DAYS - 2) * DAY, 5);
	compare(&ctx, "with a few stale hours");
	around_stale(&ctx);
	for (int i = 0; i < 20; i++)
		put_random(self, seq++, now - (int64_t)chance(DAYS * DAY), 5);
	ok(number(&ctx, "SELECT count(*) FROM stale") > 10, "rows that come late make their hours stale");
	compare(&ctx, "with stale hours");
	all_upkeep(self);
	is_int(number(&ctx, "SELECT count(*) FROM stale"), 0, "which are summed up again");
	compare(&ctx, "summed up again");
	is_int(number(&ctx, "SELECT sum(n) FROM days"),
	       number(&ctx, "SELECT sum(n) FROM hours WHERE time < (SELECT max(time) FROM days) + 86400"),
	       "every row is in one day");
	plugin->sink->close(self);

	fake_set(&ctx, "retention", "5 d");
	self = must_open(&ctx);
	all_upkeep(self);
	is_int(number(&ctx, "SELECT count(*) FROM days WHERE time < (SELECT cutoff FROM upkeep)"), 0, "old days go");
	is_int(number(&ctx, "SELECT count(*) FROM hours WHERE time < (SELECT cutoff FROM upkeep)"), 0, "old hours go");
	is_int(number(&ctx,
	              "SELECT (SELECT count(*) FROM who_days WHERE time < cutoff) + (SELECT count(*) FROM who_hours"
	              " WHERE time < cutoff) + (SELECT count(*) FROM who_10min WHERE time < cutoff) + (SELECT count(*)"
	              " FROM quarters WHERE time < cutoff) FROM upkeep"),
	       0, "and those of who");
	compare(&ctx, "after retention");
	plugin->sink->close(self);
	fake_done(&ctx);
	return tap_done();
}

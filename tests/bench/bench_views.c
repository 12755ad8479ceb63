/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long views over 30 days take of a store of many rows: with the sums by hour and day, and, as the yardstick,
 * from all rows.
 *   bench_views PLUGIN.so [ROWS]
 * 60 programs talk to 20 hosts each, of which some more than others; a tenth of the rows are connections
 * of 500 hosts to two servers.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/question.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/fake_host.h"

#define PROGRAMS 60
#define HOSTS 1300
#define DAYS 30
#define WINDOW 10

static const struct ps_plugin *plugin;
static struct ps_ctx ctx;
static int64_t now;

/* One row for each program, address and domain, so that they are in the dictionaries. */
static void put_names(void *self)
{
	char text[128];
	struct made m;

	made_init(&m, 1);
	for (unsigned i = 0; i < PROGRAMS; i++) {
		int n = snprintf(text, sizeof(text), "/usr/bin/program-%u", i);
		struct ps_text path = made_text(&m, text, (size_t)n);

		made_exe(&m, path, made_text(&m, text + 9, (size_t)n - 9), made_text(&m, text, (size_t)n + 1));
	}
	for (unsigned i = 0; i < HOSTS; i++) {
		int n = snprintf(text, sizeof(text), "com.example-%u.www", i);
		struct ps_traffic *t = &made_traffic(&m, now - DAYS * 86400)->traffic;

		t->exe = 1 + i % PROGRAMS;
		t->raddr.bytes[2] = (uint8_t)(i >> 8);
		t->raddr.bytes[3] = (uint8_t)i;
		t->domain = made_domain(&m, made_text(&m, text, (size_t)n));
	}
	if (plugin->sink->write(self, &m.batch) != PS_STORED)
		exit(1);
	made_done(&m);
}

static int fill(int64_t rows)
{
	static const char sql[] =
	    /* Numbers are made of i, not by random(), which would be called again for each column. */
	    "WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r WHERE i + 1 < ?1),"
	    " c(i, p, h, s, t) AS (SELECT i, i * 7919 % 10007 % 60, (i * 104729 % 1009 % 20) * (i * 15485863 % 1013 % 20) "
	    "/ 20,"
	    " i * 31 % 10 = 0, ?2 + i * 259200 / ?1 * 10 FROM r)"
	    " INSERT INTO connections(contime, send, recv, events, exe_id, pexe_id, gpexe_id, uid, family, protocol, lport,"
	    " rport, laddr_id, raddr_id, domain_id, netns, endtime, batch_id, place_id, domain_rivals, domain_source,"
	    " direction) SELECT t, i * 31 % 100000, i * 17 % 1000000, 5,"
	    " CASE WHEN s THEN 1 + p % 2 ELSE 1 + p * p / 60 END, CASE WHEN s THEN 1 ELSE 1 + p % 7 END,"
	    " CASE WHEN s THEN 1 ELSE 1 + p % 3 END, CASE WHEN s THEN 33 ELSE 1000 + p % 4 END, 2, 6,"
	    " CASE WHEN s THEN 22 + p % 2 * 58 ELSE 32768 + i * 37 % 28000 END,"
	    " CASE WHEN s THEN 32768 + i * 41 % 28000 WHEN p % 9 = 0 THEN 80 ELSE 443 END, 1,"
	    " CASE WHEN s THEN 2 + i * 48611 % 1000003 % 500 ELSE 2 + p * 20 + h END,"
	    " CASE WHEN s THEN 0 ELSE 1 + p * 20 + h END, 4026531840, t + 10, 1, 0, 0,"
	    " CASE WHEN s THEN '' ELSE 'dns' END, CASE WHEN s THEN 'in' ELSE 'out' END FROM c";
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	int rc;

	rc = sqlite3_open(fake_host.text(&ctx, "file"), &db);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_exec(db, "PRAGMA synchronous = OFF; PRAGMA cache_size = -65536", NULL, NULL, NULL);
		sqlite3_bind_int64(st, 1, rows);
		sqlite3_bind_int64(st, 2, (now - DAYS * 86400) / WINDOW * WINDOW);
		rc = sqlite3_step(st) == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
	}
	if (rc != SQLITE_OK)
		printf("# %s\n", sqlite3_errmsg(db));
	sqlite3_finalize(st);
	sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
	sqlite3_close(db);
	return rc;
}

static int on_row(void *arg, const struct ps_answer_row *row)
{
	uint64_t *rows = arg;

	*rows += row->rows;
	return 0;
}

/* Milliseconds: the middle one of five, or that of one. */
static double took(void *self, const struct ps_question *q, int times, uint64_t *rows)
{
	double ms[5];

	for (int i = 0; i < times; i++) {
		struct ps_answer answer = {.arg = rows, .row = on_row};
		int64_t start = clock_monotonic_ns();

		*rows = 0;
		if (plugin->reader->ask(self, q, &answer) < 0) {
			printf("# %s\n", ctx.why);
			exit(1);
		}
		ms[i] = (double)(clock_monotonic_ns() - start) / 1e6;
		for (int j = i; j && ms[j] < ms[j - 1]; j--) {
			double swap = ms[j];

			ms[j] = ms[j - 1];
			ms[j - 1] = swap;
		}
	}
	return ms[times / 2];
}

static void forget_sums(void)
{
	sqlite3 *db = NULL;

	sqlite3_open(fake_host.text(&ctx, "file"), &db);
	sqlite3_exec(db, "UPDATE upkeep SET rolled = -9223372036854775807", NULL, NULL, NULL);
	sqlite3_close(db);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *what;
		enum ps_dimension by;
		struct ps_filter filter;
		int filtered;
	} views[] = {
	    {"executables", PS_BY_EXE, {0}, 0},
	    {"remote addresses", PS_BY_RADDR, {0}, 0},
	    {"domains", PS_BY_DOMAIN, {0}, 0},
	    {"remote ports", PS_BY_RPORT, {0}, 0},
	    {"local ports", PS_BY_LPORT, {0}, 0},
	    {"parents", PS_BY_PNAME, {0}, 0},
	    {"users of one executable", PS_BY_UID, {PS_BY_EXE, 0, {"/usr/bin/program-3", 18}}, 1},
	    {"addresses of one executable", PS_BY_RADDR, {PS_BY_EXE, 0, {"/usr/bin/program-3", 18}}, 1},
	    {"executables of one domain", PS_BY_EXE, {PS_BY_DOMAIN, 0, {"com.example-7.www", 17}}, 1},
	    {"executables without one port", PS_BY_EXE, {PS_BY_RPORT, 1, {"443", 3}}, 1},
	};
	int64_t rows = argc > 2 ? strtoll(argv[2], NULL, 10) : 10000000, next = 0, start, slice, longest = 0;
	double with[sizeof(views) / sizeof(*views)], worst = 0;
	uint64_t counts[sizeof(views) / sizeof(*views)], again;
	void *self;
	int wrong = 0;

	if (argc < 2)
		return 2;
	now = clock_wall_ns() / NS_PER_S;
	plugin = fake_load(argv[1]);
	fake_init(&ctx, plugin, fake_dir(), 0);
	fake_set(&ctx, "retention", "0");
	fake_set(&ctx, "query_timeout", "1 h"); /* all rows take their time */
	fake_files(&ctx);
	if (plugin->sink->open(&fake_host, &ctx, &self) != PS_STORED)
		return 1;
	put_names(self);
	if (fill(rows) != SQLITE_OK)
		return 1;
	start = clock_monotonic_ns();
	while (next < 1000) {
		slice = clock_monotonic_ns();
		next = plugin->sink->idle(self);
		slice = clock_monotonic_ns() - slice;
		longest = slice > longest ? slice : longest;
	}
	printf("%lld rows summed up in %.1f s, in slices of %.0f ms at most\n", (long long)rows,
	       (double)(clock_monotonic_ns() - start) / 1e9, (double)longest / 1e6);
	plugin->sink->close(self);
	for (int pass = 0; pass < 2; pass++) {
		if (pass)
			forget_sums();
		if (plugin->reader->open(&fake_host, &ctx, &self) < 0)
			return 1;
		for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
			struct ps_question q = {.from = now - DAYS * 86400 + 17,
			                        .to = INT64_MAX,
			                        .by = &views[i].by,
			                        .n_by = 1,
			                        .filters = &views[i].filter,
			                        .n_filters = (uint32_t)views[i].filtered,
			                        .coarse_ports = 1};

			if (!pass) {
				with[i] = took(self, &q, 5, &counts[i]);
				worst = with[i] > worst ? with[i] : worst;
			} else {
				double without = took(self, &q, 1, &again);

				printf("%-29s %6.1f ms; from all rows %8.1f ms%s\n", views[i].what, with[i], without,
				       again == counts[i] ? "" : "  WRONG");
				wrong |= again != counts[i];
			}
		}
		plugin->reader->close(self);
	}
	printf("worst view over %d days of %lld rows: %.1f ms (goal: 100)\n", DAYS, (long long)rows, worst);
	fake_done(&ctx);
	return wrong;
}

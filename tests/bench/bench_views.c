/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long views over 30 days take of a store of many rows: with the sums by hour and day, and, as the yardstick,
 * from all rows.
 *   bench_views PLUGIN.so [ROWS]
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/question.h"
#include "tests/bench/month.h"

#define DAYS MONTH_DAYS

static const struct ps_plugin *plugin;
static struct ps_ctx ctx;
static int64_t now;

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
	int64_t rows = argc > 2 ? strtoll(argv[2], NULL, 10) : 10000000, summing, longest;
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
	if (month_put(plugin, &ctx, now, rows, &summing, &longest) < 0)
		return 1;
	printf("%lld rows summed up in %.1f s, in slices of %.0f ms at most\n", (long long)rows, (double)summing / 1e9,
	       (double)longest / 1e6);
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

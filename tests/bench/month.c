/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/bench/month.h"

#include <sqlite3.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "tests/sinks/batches.h"

#define PROGRAMS 60
#define HOSTS 1300
#define WINDOW 10

/* One row for each program, address and domain, so that they are in the dictionaries. */
static int put_names(const struct ps_plugin *plugin, void *self, int64_t now)
{
	char text[128];
	enum ps_verdict verdict;
	struct made m;

	made_init(&m, 1);
	for (unsigned i = 0; i < PROGRAMS; i++) {
		int n = snprintf(text, sizeof(text), "/usr/bin/program-%u", i);
		struct ps_text path = made_text(&m, text, (size_t)n);

		made_exe(&m, path, made_text(&m, text + 9, (size_t)n - 9), made_text(&m, text, (size_t)n + 1));
	}
	for (unsigned i = 0; i < HOSTS; i++) {
		int n = snprintf(text, sizeof(text), "com.example-%u.www", i);
		struct ps_traffic *t = &made_traffic(&m, now - MONTH_DAYS * 86400)->traffic;

		t->exe = 1 + i % PROGRAMS;
		t->raddr.bytes[2] = (uint8_t)(i >> 8);
		t->raddr.bytes[3] = (uint8_t)i;
		t->domain = made_domain(&m, made_text(&m, text, (size_t)n));
	}
	verdict = plugin->sink->write(self, &m.batch);
	made_done(&m);
	return verdict == PS_STORED ? 0 : -1;
}

static int fill(struct ps_ctx *ctx, int64_t now, int64_t rows)
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

	rc = sqlite3_open(fake_host.text(ctx, "file"), &db);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_exec(db, "PRAGMA synchronous = OFF; PRAGMA cache_size = -65536", NULL, NULL, NULL);
		sqlite3_bind_int64(st, 1, rows);
		sqlite3_bind_int64(st, 2, (now - MONTH_DAYS * 86400) / WINDOW * WINDOW);
		rc = sqlite3_step(st) == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
	}
	if (rc != SQLITE_OK)
		printf("# %s\n", sqlite3_errmsg(db));
	sqlite3_finalize(st);
	sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
	sqlite3_close(db);
	return rc;
}

int month_put(const struct ps_plugin *plugin, struct ps_ctx *ctx, int64_t now, int64_t rows, int64_t *took_ns,
              int64_t *longest_ns)
{
	int64_t next = 0, start, slice;
	void *self;
	int r;

	if (plugin->sink->open(&fake_host, ctx, &self) != PS_STORED)
		return -1;
	r = put_names(plugin, self, now);
	if (r == 0 && fill(ctx, now, rows) != SQLITE_OK)
		r = -1;
	*longest_ns = 0;
	start = clock_monotonic_ns();
	while (r == 0 && next < 1000) {
		slice = clock_monotonic_ns();
		next = plugin->sink->idle(self);
		slice = clock_monotonic_ns() - slice;
		*longest_ns = slice > *longest_ns ? slice : *longest_ns;
	}
	*took_ns = clock_monotonic_ns() - start;
	plugin->sink->close(self);
	return r;
}

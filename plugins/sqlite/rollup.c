/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/sqlite/rollup.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/query/names.h"
#include "plugins/sqlite/schema.h"
#include "plugins/sqlite/store.h"

#define LATE_S 120 /* after the end of an hour, before it is summed up: windows are written when they end */

static int64_t floor_to(int64_t time, int64_t unit)
{
	return time - ((time % unit) + unit) % unit;
}

static int64_t ceil_to(int64_t time, int64_t unit)
{
	return -floor_to(-time, unit);
}

/* ---- the aggregate ---- */

static void add_step(sqlite3_context *context, int n, sqlite3_value **values)
{
	int64_t *total = sqlite3_aggregate_context(context, sizeof(*total));

	(void)n;
	if (total && __builtin_add_overflow(*total, sqlite3_value_int64(values[0]), total))
		*total = sqlite3_value_int64(values[0]) < 0 ? INT64_MIN : INT64_MAX;
}

static void add_final(sqlite3_context *context)
{
	int64_t *total = sqlite3_aggregate_context(context, 0);

	sqlite3_result_int64(context, total ? *total : 0);
}

int rollup_functions(sqlite3 *db)
{
	return sqlite3_create_function(db, "add_up", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, NULL, add_step,
	                               add_final);
}

/* ---- keeping them ---- */

static int run_at(struct store *s, enum statement which, int64_t time)
{
	sqlite3_bind_int64(s->st[which], 1, time);
	return store_run(s, which);
}

/* The first column of the first row; `none` if there is no row, or it is NULL. */
static int ask(struct store *s, enum statement which, int64_t *out, int64_t none)
{
	sqlite3_stmt *st = s->st[which];

	*out = none;
	if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
		*out = sqlite3_column_int64(st, 0);
	return sqlite3_reset(st);
}

int rollup_begin(struct store *s)
{
	s->stale = INT64_MIN;
	return ask(s, ST_ROLLED, &s->rolled, INT64_MIN + 1);
}

/* The next hour that is to be summed up; INT64_MAX: none. *rolled is up to where all have been. */
static int next_hour(struct store *s, int64_t *hour, int64_t *rolled)
{
	int64_t now = clock_wall_ns() / NS_PER_S, oldest;
	int rc = ask(s, ST_STALE, hour, INT64_MAX);

	if (rc == SQLITE_OK)
		rc = ask(s, ST_ROLLED, rolled, INT64_MIN + 1);
	if (rc != SQLITE_OK || *hour != INT64_MAX)
		return rc;
	sqlite3_bind_int64(s->st[ST_NOT_ROLLED], 1, *rolled);
	rc = ask(s, ST_NOT_ROLLED, &oldest, INT64_MAX);
	if (rc == SQLITE_OK && oldest != INT64_MAX && floor_to(oldest, ROLLUP_HOUR) + ROLLUP_HOUR + LATE_S <= now) {
		*hour = floor_to(oldest, ROLLUP_HOUR);
		*rolled = *hour + ROLLUP_HOUR;
	}
	return rc;
}

/* Runs statements one after another, of an hour or a day. */
static int run_all(struct store *s, enum statement first, enum statement last, int64_t time)
{
	int rc = SQLITE_OK;

	for (unsigned st = first; st <= last && rc == SQLITE_OK; st++)
		rc = run_at(s, (enum statement)st, time);
	return rc;
}

/* What is made of hours. */
static const struct {
	int64_t length;
	enum statement first, last;
} longer[] = {{ROLLUP_QUARTER, ST_NO_QUARTER, ST_SUM_QUARTER}, {ROLLUP_DAY, ST_NO_DAY, ST_SUM_WHO_DAY}};

#define LONGER (sizeof(longer) / sizeof(*longer))

static int sum_up(struct store *s, int64_t hour, int64_t rolled)
{
	int rc;

	if ((rc = run_all(s, ST_NO_HOUR, ST_SUM_WHO_HOUR, hour)) || (rc = run_at(s, ST_NOT_STALE, hour)))
		return rc;
	/* A day is summed up with its last hour, and again with an hour that was stale. */
	for (unsigned i = 0; i < LONGER && rc == SQLITE_OK; i++) {
		int64_t time = floor_to(hour, longer[i].length);

		if (rolled >= time + longer[i].length)
			rc = run_all(s, longer[i].first, longer[i].last, time);
	}
	if (rc)
		return rc;
	s->rolled = rolled;
	return run_at(s, ST_SET_ROLLED, rolled);
}

/* The days between the last hour with rows and this one, of which some may not have been summed up. */
static int end_longer(struct store *s, int64_t before, int64_t hour)
{
	int rc = SQLITE_OK;

	for (unsigned i = 0; i < LONGER && rc == SQLITE_OK; i++) {
		int64_t length = longer[i].length;
		int64_t time = floor_to(before == INT64_MIN + 1 ? hour : before - 1, length);

		if (time < floor_to(hour, length))
			rc = run_all(s, longer[i].first, longer[i].last, time);
	}
	return rc;
}

int rollup_step(struct store *s, bool *done)
{
	int64_t hour, rolled, before;
	int rc = ask(s, ST_ROLLED, &before, INT64_MIN + 1);

	if (rc == SQLITE_OK)
		rc = next_hour(s, &hour, &rolled);
	*done = rc != SQLITE_OK || hour == INT64_MAX;
	if (*done)
		return rc;
	rc = store_run(s, ST_BEGIN);
	if (rc == SQLITE_OK && rolled > before)
		rc = end_longer(s, before, hour);
	if (rc == SQLITE_OK)
		rc = sum_up(s, hour, rolled);
	if (rc == SQLITE_OK)
		rc = store_run(s, ST_COMMIT);
	if (!sqlite3_get_autocommit(s->db))
		store_run(s, ST_ROLLBACK);
	return rc;
}

int rollup_late(struct store *s, int64_t contime)
{
	int64_t hour = floor_to(contime, ROLLUP_HOUR);

	if (contime >= s->rolled || hour == s->stale)
		return SQLITE_OK;
	s->stale = hour;
	return run_at(s, ST_ADD_STALE, hour);
}

/* ---- reading them ---- */

/* Tables of sums, from the shortest stretches of time to the longest. */
struct sums {
	unsigned n;
	struct {
		const char *table;
		int64_t length;
	} of[3];
};

static const struct sums wide = {3, {{"hours", ROLLUP_HOUR}, {"quarters", ROLLUP_QUARTER}, {"days", ROLLUP_DAY}}};
/* Of a file of before. */
static const struct sums hours_and_days = {2, {{"hours", ROLLUP_HOUR}, {"days", ROLLUP_DAY}}};
static const struct sums who = {
    3, {{"who_10min", ROLLUP_TEN_MINUTES}, {"who_hours", ROLLUP_HOUR}, {"who_days", ROLLUP_DAY}}};

/* Whether the question is about ports that the sums do not tell apart. */
static bool is_ephemeral(const struct ps_question *q, enum ps_dimension dimension)
{
	if (!q->coarse_ports && sql_groups_by(q, dimension))
		return true;
	for (uint32_t i = 0; i < q->n_filters; i++)
		if (q->filters[i].dimension == dimension && strtoll(q->filters[i].value.data, NULL, 10) >= ROLLUP_EPHEMERAL)
			return true;
	return false;
}

/* Whether all of a sum over that many seconds is in one of the question's steps. */
static bool fits_steps(const struct ps_question *q, int64_t length)
{
	return !sql_groups_by(q, PS_BY_TIME) || (q->step % length == 0 && q->origin % length == 0);
}

static void put(struct sql_span *spans, unsigned *n, const char *table, int64_t from, int64_t to)
{
	bool sums = strcmp(table, "connections") != 0;

	if (from < to)
		spans[(*n)++] = (struct sql_span){table, sums ? "time" : "contime", sums, from, to};
}

/* A stretch of the range that is summed up all through, of the longest sums that the steps allow: `level` and shorter.
 */
static void put_sums(struct sql_span *spans, unsigned *n, const struct ps_question *q, const struct sums *sums,
                     unsigned level, int64_t from, int64_t to)
{
	int64_t length = sums->of[level].length, first = ceil_to(from, length), end = floor_to(to, length);

	if (level && (first >= end || !fits_steps(q, length))) {
		put_sums(spans, n, q, sums, level - 1, from, to);
		return;
	}
	if (level)
		put_sums(spans, n, q, sums, level - 1, from, first);
	put(spans, n, sums->of[level].table, first, end);
	if (level)
		put_sums(spans, n, q, sums, level - 1, end, to);
}

/* Up to where rows are summed up, and from where there are all of them; rolled < 0: nowhere. */
static int summed_up(sqlite3 *db, int64_t *rolled, int64_t *cutoff)
{
	sqlite3_stmt *st = NULL;
	int rc;

	*rolled = -1;
	*cutoff = 0;
	rc = sqlite3_prepare_v2(db, "SELECT rolled, cutoff FROM upkeep", -1, &st, NULL);
	if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW) {
		*rolled = sqlite3_column_int64(st, 0);
		*cutoff = sqlite3_column_int64(st, 1);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_reset(st);
	sqlite3_finalize(st);
	return rc;
}

/* The stale hours that a stretch touches, as many as the spans have room for: where there are more, it ends at the next
 * one. */
static int find_stale(sqlite3 *db, int64_t from, int64_t *to, int64_t stale[ROLLUP_STALE_MAX], unsigned *n)
{
	sqlite3_stmt *st = NULL;
	int rc;

	*n = 0;
	rc = sqlite3_prepare_v2(db, "SELECT hour FROM stale WHERE hour > ?1 - 3600 AND hour < ?2 ORDER BY hour", -1, &st,
	                        NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(st, 1, from);
	sqlite3_bind_int64(st, 2, *to);
	while (sqlite3_step(st) == SQLITE_ROW) {
		if (*n == ROLLUP_STALE_MAX) {
			*to = sqlite3_column_int64(st, 0);
			break;
		}
		stale[(*n)++] = sqlite3_column_int64(st, 0);
	}
	rc = sqlite3_reset(st);
	sqlite3_finalize(st);
	return rc;
}

int rollup_spans(sqlite3 *db, int version, const struct ps_question *q, struct sql_span spans[ROLLUP_SPANS_MAX],
                 unsigned *n)
{
	const struct sums *sums = version < SCHEMA_WHO ? &hours_and_days : names_asks_for_ends(q) ? &wide : &who;
	int64_t stale[ROLLUP_STALE_MAX], rolled, cutoff, first, end, shortest = sums->of[0].length;
	unsigned n_stale;
	int rc;

	*n = 0;
	if (version < SCHEMA_ROLLUP || is_ephemeral(q, PS_BY_LPORT) || is_ephemeral(q, PS_BY_RPORT) ||
	    !fits_steps(q, shortest))
		return SQLITE_OK;
	rc = summed_up(db, &rolled, &cutoff);
	if (rc != SQLITE_OK || rolled < 0)
		return rc;
	/* Where rows have gone already, the sums are of more than there is. */
	first = q->from > cutoff ? q->from : cutoff;
	first = first < 0 ? 0 : ceil_to(first, shortest);
	end = q->to < rolled ? floor_to(q->to, shortest) : rolled;
	if (first >= end)
		return SQLITE_OK;
	rc = find_stale(db, first, &end, stale, &n_stale);
	if (rc != SQLITE_OK || first >= end)
		return rc;
	put(spans, n, "connections", q->from, first);
	for (unsigned i = 0; i <= n_stale; i++) {
		int64_t until = i == n_stale ? end : stale[i] > first ? stale[i] : first;

		put_sums(spans, n, q, sums, sums->n - 1, first, until);
		first = i == n_stale ? q->to : stale[i] + ROLLUP_HOUR < end ? stale[i] + ROLLUP_HOUR : end;
		put(spans, n, "connections", until, first);
	}
	return SQLITE_OK;
}

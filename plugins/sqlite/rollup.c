/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/sqlite/rollup.h"

#include "core/base/clock.h"
#include "core/base/count.h"
#include "plugins/sqlite/store.h"

#define LATE_S 120 /* after the end of an hour, before it is summed up: windows are written when they end */

static void add_step(sqlite3_context *context, int n, sqlite3_value **values)
{
	int64_t *total = sqlite3_aggregate_context(context, sizeof(*total));

	(void)n;
	if (total)
		*total = count_add_signed(*total, sqlite3_value_int64(values[0]));
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
	if (rc == SQLITE_OK && oldest != INT64_MAX && rollup_floor(oldest, ROLLUP_HOUR) + ROLLUP_HOUR + LATE_S <= now) {
		*hour = rollup_floor(oldest, ROLLUP_HOUR);
		*rolled = *hour + ROLLUP_HOUR;
	}
	return rc;
}

/* Runs statements one after another, of an hour, a quarter or a day. */
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
		int64_t time = rollup_floor(hour, longer[i].length);

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
		int64_t time = rollup_floor(before == INT64_MIN + 1 ? hour : before - 1, length);

		if (time < rollup_floor(hour, length))
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
	int64_t hour = rollup_floor(contime, ROLLUP_HOUR);

	if (contime >= s->rolled || hour == s->stale)
		return SQLITE_OK;
	s->stale = hour;
	return run_at(s, ST_ADD_STALE, hour);
}

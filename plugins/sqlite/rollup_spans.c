/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading sums: which of them make up a question's range, and what has to be read row by row. */
#include <stdlib.h>
#include <string.h>

#include "core/query/names.h"
#include "plugins/sqlite/rollup.h"
#include "plugins/sqlite/schema.h"

static int64_t ceil_to(int64_t time, int64_t unit)
{
	return -rollup_floor(-time, unit);
}

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

static void put(struct sql_span *spans, unsigned *n, const char *table, int64_t length, int64_t from, int64_t to)
{
	if (from < to)
		spans[(*n)++] = (struct sql_span){table, length ? "time" : "contime", length, from, to};
}

/* A stretch of the range that is summed up all through, of the longest sums that the steps allow: `level` and shorter.
 */
static void put_sums(struct sql_span *spans, unsigned *n, const struct ps_question *q, const struct sums *sums,
                     unsigned level, int64_t from, int64_t to)
{
	int64_t length = sums->of[level].length, first = ceil_to(from, length), end = rollup_floor(to, length);

	if (level && (first >= end || !fits_steps(q, length))) {
		put_sums(spans, n, q, sums, level - 1, from, to);
		return;
	}
	if (level)
		put_sums(spans, n, q, sums, level - 1, from, first);
	put(spans, n, sums->of[level].table, length, first, end);
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
	end = q->to < rolled ? rollup_floor(q->to, shortest) : rolled;
	if (first >= end)
		return SQLITE_OK;
	rc = find_stale(db, first, &end, stale, &n_stale);
	if (rc != SQLITE_OK || first >= end)
		return rc;
	put(spans, n, "connections", 0, q->from, first);
	for (unsigned i = 0; i <= n_stale; i++) {
		int64_t until = i == n_stale ? end : stale[i] > first ? stale[i] : first;

		put_sums(spans, n, q, sums, sums->n - 1, first, until);
		first = i == n_stale ? q->to : stale[i] + ROLLUP_HOUR < end ? stale[i] + ROLLUP_HOUR : end;
		put(spans, n, "connections", 0, until, first);
	}
	return SQLITE_OK;
}

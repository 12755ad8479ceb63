/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is older than the sink's retention goes, in slices that are short enough for a batch
 * never to wait long: connections and programs first, then what none of them refers to any more.
 *
 * No search for references is needed: a dictionary's `seen` is never before the last row that
 * refers to it, so what was seen before the cutoff has lost all of them.
 */
#include "core/base/clock.h"
#include "plugins/sqlite/rollup.h"
#include "plugins/sqlite/store.h"

#define SLICE_NS (50 * NS_PER_MS)
#define PAUSE_MS 50           /* between slices: half of the time is left to others */
#define ROUND_MS (600 * 1000) /* between rounds, at most */
#define TROUBLE_MS (60 * 1000)
#define ROLL_MS (60 * 1000) /* between looks for an hour to sum up */
#define PAGE_SIZE 4096      /* SQLite's own */
#define SLACK_PAGES 256     /* free pages that are not worth a vacuum: they are used again */

static const enum statement steps[] = {
    ST_CUTOFF,      ST_OLD_CONNECTIONS, ST_OLD_PROGRAMS, ST_OLD_VERDICTS,  ST_OLD_LOSSES,    ST_OLD_AUDIT,
    ST_OLD_HOURS,   ST_OLD_QUARTERS,    ST_OLD_DAYS,     ST_OLD_WHO_10MIN, ST_OLD_WHO_HOURS, ST_OLD_WHO_DAYS,
    ST_OLD_BATCHES, ST_OLD_EXECUTABLES, ST_OLD_DOMAINS,  ST_OLD_ADDRESSES, ST_OLD_PLACES,
};
#define STEPS (sizeof(steps) / sizeof(*steps))
#define STEP_VACUUM STEPS

static int number(struct store *s, enum statement which, int64_t *out)
{
	*out = sqlite3_step(s->st[which]) == SQLITE_ROW ? sqlite3_column_int64(s->st[which], 0) : 0;
	return sqlite3_reset(s->st[which]);
}

/* Gives pages back while more than a twentieth of the file is free. */
static int vacuum(struct store *s, bool *done)
{
	int64_t unused, pages;
	int rc;

	*done = true;
	if ((rc = number(s, ST_FREE_PAGES, &unused)) || (rc = number(s, ST_PAGES, &pages)))
		return rc;
	if (unused > SLACK_PAGES && unused > pages / 20) {
		*done = false;
		return store_run(s, ST_VACUUM);
	}
	/* The file itself becomes shorter when the log is written back. Readers are not waited for. */
	sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

/* One transaction's worth. *done: this step has nothing more to do. */
static int slice(struct store *s, bool *done)
{
	int rc;

	if (s->retention_step >= STEP_VACUUM)
		return vacuum(s, done);
	sqlite3_bind_int64(s->st[steps[s->retention_step]], 1, s->cutoff);
	rc = store_run(s, steps[s->retention_step]);
	*done = sqlite3_changes(s->db) == 0 || steps[s->retention_step] == ST_CUTOFF;
	/* What is cached may be among the rows that are gone. */
	if (!*done && steps[s->retention_step] >= ST_OLD_EXECUTABLES)
		intern_forget(&s->intern);
	return rc;
}

/* What is older goes: by age, and, if the file is too large, as much as a twentieth of its batches. */
static int find_cutoff(struct store *s)
{
	int64_t retention = s->host->number(s->ctx, "retention"), most = s->host->number(s->ctx, "max_size");
	int64_t unused, pages, oldest;
	int rc;

	s->cutoff = retention ? clock_wall_ns() / NS_PER_S - retention / 1000 : INT64_MIN;
	if (!most)
		return SQLITE_OK;
	if ((rc = number(s, ST_FREE_PAGES, &unused)) || (rc = number(s, ST_PAGES, &pages)))
		return rc;
	if ((pages - unused) * PAGE_SIZE <= most) {
		s->too_large = false;
		return SQLITE_OK;
	}
	if (!s->too_large)
		s->host->log(
		    s->ctx, PS_WARNING,
		    "%s has reached its max_size of %lld MiB: the oldest rows are removed before their retention is over",
		    s->host->text(s->ctx, "file"), (long long)(most >> 20));
	s->too_large = true;
	rc = number(s, ST_OLDEST_FEW, &oldest);
	s->cutoff = oldest > s->cutoff ? oldest : s->cutoff;
	return rc;
}

static int64_t troubled(struct store *s)
{
	if (!s->troubled)
		s->host->log(s->ctx, PS_WARNING, "%s: upkeep: %s; will be tried again", s->host->text(s->ctx, "file"),
		             sqlite3_errmsg(s->db));
	s->troubled = true;
	return TROUBLE_MS;
}

/* Removes old rows until a slice of time is over. When to go on, in ms. */
static int64_t remove_old(struct store *s, int64_t until)
{
	int64_t retention = s->host->number(s->ctx, "retention"), round = retention ? retention / 10 : ROUND_MS;

	if (s->retention_step == 0 && find_cutoff(s) != SQLITE_OK)
		return troubled(s);
	while (s->retention_step <= STEP_VACUUM) {
		bool done = false;

		if (slice(s, &done) != SQLITE_OK)
			return troubled(s);
		s->troubled = false;
		s->retention_step += done;
		if (s->retention_step <= STEP_VACUUM && (clock_monotonic_ns() >= until || s->host->stopping(s->ctx)))
			return PAUSE_MS;
	}
	s->retention_step = 0;
	if (s->too_large)
		return PAUSE_MS;
	return round > ROUND_MS ? ROUND_MS : round < 1000 ? 1000 : round;
}

int64_t store_idle(struct store *s)
{
	int64_t until = clock_monotonic_ns() + SLICE_NS, now = clock_monotonic_ns();
	bool done = false;

	if (!s->db)
		return TROUBLE_MS; /* the next batch opens it */
	while (!done) {
		if (rollup_step(s, &done) != SQLITE_OK)
			return troubled(s);
		if (!done && (clock_monotonic_ns() >= until || s->host->stopping(s->ctx)))
			return PAUSE_MS;
	}
	if ((s->host->number(s->ctx, "retention") || s->host->number(s->ctx, "max_size")) && now >= s->next_round_ns)
		s->next_round_ns = now + remove_old(s, until) * NS_PER_MS;
	else if (!s->next_round_ns)
		s->next_round_ns = INT64_MAX;
	return s->next_round_ns - now > ROLL_MS * NS_PER_MS ? ROLL_MS : (s->next_round_ns - now) / NS_PER_MS;
}

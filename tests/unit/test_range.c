/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranges of time: their windows now and back in history, by the calendar; their names, orders, steps. */
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "core/query/range.h"
#include "core/query/when.h"
#include "tests/tap.h"

#define DAY 86400

static int64_t at(const char *text)
{
	int64_t seconds = 0;

	ok(when_point(text, &seconds) == 0, "%s is a time", text);
	return seconds;
}

static void zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

static void window_is(int64_t length, unsigned back, int64_t now, const char *from, const char *to)
{
	struct range r = range_last(length);
	char a[WHEN_TEXT_SIZE], b[WHEN_TEXT_SIZE], name[RANGE_NAME_SIZE];
	int64_t f, t;

	r.back = back;
	range_window(&r, now, &f, &t);
	is_str(when_text(a, f), from, "%s, %u back: from", range_name(name, length), back);
	if (to)
		is_str(when_text(b, t), to, "to");
	else
		ok(t == INT64_MAX, "to now");
}

static void windows(void)
{
	int64_t now;

	zone("UTC");
	now = at("2026-11-24 16:53:20");
	window_is(3 * 3600, 0, now, "2026-11-24 13:53:20", NULL);
	window_is(3 * 3600, 1, now, "2026-11-24 12:00:00", "2026-11-24 15:00:00");
	window_is(3 * 3600, 2, now, "2026-11-24 09:00:00", "2026-11-24 12:00:00");
	window_is(60, 1, now, "2026-11-24 16:52:00", "2026-11-24 16:53:00");
	window_is(1800, 1, now, "2026-11-24 16:00:00", "2026-11-24 16:30:00");
	window_is(12 * 3600, 1, now, "2026-11-24 00:00:00", "2026-11-24 12:00:00");
	window_is(DAY, 1, now, "2026-11-23 00:00:00", "2026-11-24 00:00:00");
	window_is(3 * DAY, 1, now, "2026-11-21 00:00:00", "2026-11-24 00:00:00");
	window_is(7 * DAY, 1, now, "2026-11-16 00:00:00", "2026-11-23 00:00:00");
	window_is(7 * DAY, 2, now, "2026-11-09 00:00:00", "2026-11-16 00:00:00");
	window_is(30 * DAY, 1, now, "2026-10-25 00:00:00", "2026-11-24 00:00:00");
	window_is(365 * DAY, 1, now, "2025-11-24 00:00:00", "2026-11-24 00:00:00");
	zone("Asia/Kolkata");
	now = at("2026-11-24 16:53:20");
	window_is(3600, 1, now, "2026-11-24 15:00:00", "2026-11-24 16:00:00");
	window_is(DAY, 1, now, "2026-11-23 00:00:00", "2026-11-24 00:00:00");
	/* A day of 25 hours. */
	zone("Europe/Berlin");
	now = at("2026-10-26 09:00:00");
	window_is(DAY, 1, now, "2026-10-25 00:00:00", "2026-10-26 00:00:00");
	window_is(DAY, 2, now, "2026-10-24 00:00:00", "2026-10-25 00:00:00");
	window_is(7 * DAY, 1, now, "2026-10-19 00:00:00", "2026-10-26 00:00:00");
	zone("UTC");
}

static void steps_of_history(void)
{
	struct range r = range_last(0), fixed = range_between(1000, 4000);
	int64_t from, to;

	range_window(&r, 0, &from, &to);
	ok(from == INT64_MIN && to == INT64_MAX, "all is open");
	ok(!range_go(&r, -1) && !range_go(&r, 1), "and has no history");
	r = range_last(60);
	ok(!range_go(&r, 1), "nothing is after now");
	ok(range_go(&r, -1) && range_go(&r, -1) && r.back == 2, "two back");
	ok(range_go(&r, 1) && r.back == 1, "one forward");
	ok(range_go(&fixed, -1), "a fixed one");
	range_window(&fixed, 0, &from, &to);
	ok(from == -2000 && to == 1000, "goes by its own length");
	r = range_between(INT64_MIN, 5);
	ok(!range_go(&r, -1), "one that is open does not");
	range_window(&r, 0, &from, &to);
	ok(from == INT64_MIN && to == 5, "and stays so");
	r = range_between(INT64_MIN + 1, INT64_MAX - 1);
	ok(r.length == 0 && !range_go(&r, -1), "nor one that has no length in numbers");
	r = range_between(-(INT64_MAX / 8), INT64_MAX / 8);
	for (unsigned i = 0; i < 100 && range_go(&r, -1); i++)
		range_window(&r, 0, &from, &to);
	ok(r.back < 100, "far ones end");
}

static void others(void)
{
	static const char *const names[] = {"1min", "3min", "5min", "10min", "15min", "30min", "1h",   "3h",
	                                    "6h",   "12h",  "1d",   "3d",    "7d",    "30d",   "365d", "all"};
	char name[RANGE_NAME_SIZE];
	struct range r = range_last(0);

	is_int(range_n_lengths, sizeof(names) / sizeof(*names), "the usual ones");
	for (unsigned i = 0; i < range_n_lengths; i++) {
		range_longer(&r);
		is_str(range_name(name, r.length), names[i], "longer: %s", names[i]);
	}
	for (unsigned i = range_n_lengths - 1; i-- > 0;) {
		range_shorter(&r);
		is_str(range_name(name, r.length), names[i], "shorter: %s", names[i]);
	}
	range_shorter(&r);
	is_int(r.length, 0, "and round");
	r = range_last(2 * 3600);
	range_longer(&r);
	is_str(range_name(name, r.length), "3h", "longer than one that is not usual");
	r = range_last(2 * 3600);
	range_shorter(&r);
	is_str(range_name(name, r.length), "1h", "shorter");
	r = range_last(1000 * DAY);
	range_longer(&r);
	is_int(r.length, 0, "longer than all");
	r = range_between(0, 60);
	range_longer(&r);
	ok(!r.is_fixed && r.length == 180, "a fixed one ends now");
	is_str(range_name(name, 90), "90s", "seconds");
}

static void steps(void)
{
	static const int64_t spans[] = {1, 60, 600, 3600, 10800, DAY, 30 * DAY, 365 * DAY, 20000LL * DAY, INT64_MAX / 2};

	for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++)
		for (unsigned most = 2; most < 70; most += 11) {
			int64_t step = range_step(0, spans[i], most, 1);

			if (step < 10 || (spans[i] - 1) / step + 2 > most)
				ok(0, "%lld s in %u steps of %lld", (long long)spans[i], most, (long long)step);
		}
	is_int(range_step(0, DAY, 24, 1), 7200, "a day: two hours");
	is_int(range_step(0, 30 * DAY, 31, 1), DAY, "a month: days");
	is_int(range_step(5, 5, 10, 1), 10, "nothing");
	is_int(range_step(INT64_MIN, INT64_MAX, 10, 1), 10, "nothing that has a length");
	is_int(range_step(0, DAY, 200, 3600), 3600, "an hour at least");
	is_int(range_step(0, DAY, 200, 3601), 7200, "or a bit more");
	is_int(range_step(0, DAY, 2, 100 * DAY), 112 * DAY, "more than any of them");
}

/* In India, where no hour begins with one of UTC. */
static void soon(void)
{
	setenv("TZ", "Asia/Kolkata", 1);
	tzset();
	is_int(range_least(0, 365 * DAY, false), 1, "sums of programs are few");
	is_int(range_least(0, 6 * 3600, true), 1, "of ends, those of six hours");
	is_int(range_least(0, DAY, true), 3600, "a day of them by the hour");
	is_int(range_least(0, 7 * DAY, true), 6 * 3600, "a week by quarters of a day");
	is_int(range_least(0, 30 * DAY, true), DAY, "a month by the day");
	is_int(range_least(INT64_MIN, INT64_MAX, true), DAY, "and all that there is");
	is_int(range_origin(1000000000, 600, 1), 0, "ten minutes begin with the clock");
	is_int(range_origin(1000000000, DAY, 1), DAY - 6 * 3600, "a day at midnight, as far as hours of UTC allow");
	is_int(range_origin(1000000000, DAY, DAY), 0, "one that is to come soon with UTC's");
	is_int(range_origin(1000000000, 7 * DAY, DAY), 3 * DAY, "a week on the day of UTC in which Monday begins");
	setenv("TZ", "UTC", 1);
	tzset();
}

int main(void)
{
	windows();
	steps_of_history();
	others();
	steps();
	soon();
	return tap_done();
}

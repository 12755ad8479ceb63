/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/range.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "core/query/when.h"

#define MIN 60
#define HOUR 3600
#define DAY 86400
#define N(list) (sizeof(list) / sizeof(*(list)))
#define BACK_MOST 1000000

const int64_t range_lengths[] = {1 * MIN,  3 * MIN,   5 * MIN, 10 * MIN, 15 * MIN, 30 * MIN, 1 * HOUR,  3 * HOUR,
                                 6 * HOUR, 12 * HOUR, 1 * DAY, 3 * DAY,  7 * DAY,  30 * DAY, 365 * DAY, 0};
const unsigned range_n_lengths = N(range_lengths);

struct range range_last(int64_t length)
{
	return (struct range){.length = length};
}

struct range range_between(int64_t from, int64_t to)
{
	int64_t length = 0;

	if (from == INT64_MIN || to == INT64_MAX || __builtin_sub_overflow(to, from, &length))
		length = 0;
	return (struct range){.length = length, .is_fixed = true, .from = from, .to = to};
}

/* Midnight, `days` from that of the time, by the calendar: a day may have 23 hours, or 25. */
static int64_t midnight(int64_t at, int64_t days)
{
	time_t seconds = at;
	struct tm tm;

	if (!localtime_r(&seconds, &tm))
		return at / DAY * DAY + days * DAY;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday += (int)days;
	tm.tm_isdst = -1;
	return mktime(&tm);
}

/* Where the one begins that `now` is in: the end of the one before. */
static int64_t begin_of_day_range(int64_t length, int64_t now, int64_t ranges)
{
	int64_t days = length / DAY;
	time_t seconds = now;
	struct tm tm;

	if (days == 7 && localtime_r(&seconds, &tm))
		return midnight(now, ranges * days - (tm.tm_wday + 6) % 7);
	return midnight(now, ranges * days);
}

static int64_t begin_of(int64_t length, int64_t now, int64_t ranges)
{
	time_t seconds = now;
	struct tm tm;
	int64_t local;

	if (length % DAY == 0)
		return begin_of_day_range(length, now, ranges);
	local = localtime_r(&seconds, &tm) ? now + tm.tm_gmtoff : now;
	/* Within the day where it divides one: 3 h begin at 0, 3, 6, ... */
	local = ((local % length) + length) % length;
	return now - local + ranges * length;
}

void range_window(const struct range *r, int64_t now, int64_t *from, int64_t *to)
{
	int64_t by = (int64_t)r->back * r->length;

	if (r->is_fixed) {
		*from = r->from == INT64_MIN ? r->from : r->from - by;
		*to = r->to == INT64_MAX ? r->to : r->to - by;
	} else if (!r->length) {
		*from = INT64_MIN;
		*to = INT64_MAX;
	} else if (!r->back) {
		*from = now - r->length;
		*to = INT64_MAX;
	} else {
		*from = begin_of(r->length, now, -(int64_t)r->back);
		*to = begin_of(r->length, now, 1 - (int64_t)r->back);
	}
}

/* The place among the usual ones of the first that is no shorter. */
static unsigned place(int64_t length)
{
	unsigned i = 0;

	if (!length)
		return N(range_lengths) - 1;
	while (range_lengths[i] && range_lengths[i] < length)
		i++;
	return i;
}

void range_longer(struct range *r)
{
	unsigned at = place(r->length);

	/* One that is not usual is between two. */
	if (range_lengths[at] == r->length)
		at = (at + 1) % N(range_lengths);
	*r = range_last(range_lengths[at]);
}

void range_shorter(struct range *r)
{
	*r = range_last(range_lengths[(place(r->length) + N(range_lengths) - 1) % N(range_lengths)]);
}

bool range_go(struct range *r, int direction)
{
	int64_t by;

	if (!r->length || (direction > 0 && !r->back) || (direction < 0 && r->back >= BACK_MOST))
		return false;
	if (direction < 0 && (__builtin_mul_overflow((int64_t)r->back + 2, r->length, &by) || by > INT64_MAX / 4))
		return false;
	r->back += direction > 0 ? -1U : 1U;
	return true;
}

char *range_name(char out[RANGE_NAME_SIZE], int64_t length)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = {{DAY, "d"}, {HOUR, "h"}, {MIN, "min"}, {1, "s"}};
	unsigned i = 0;

	while (i + 1 < N(units) && length % units[i].seconds)
		i++;
	if (length)
		snprintf(out, RANGE_NAME_SIZE, "%" PRId64 "%s", length / units[i].seconds, units[i].unit);
	else
		snprintf(out, RANGE_NAME_SIZE, "all");
	return out;
}

int64_t range_step(int64_t from, int64_t to, unsigned most, int64_t least)
{
	static const int64_t steps[] = {10,       20,       30,      MIN,      2 * MIN,  5 * MIN,  10 * MIN,
	                                15 * MIN, 30 * MIN, HOUR,    2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
	                                DAY,      2 * DAY,  7 * DAY, 14 * DAY, 28 * DAY};
	int64_t span, step;

	if (most < 2)
		most = 2;
	if (to <= from || __builtin_sub_overflow(to, from, &span))
		span = 0;
	/* One more is begun where the window does not begin with a step. */
	for (unsigned i = 0; i < N(steps); i++)
		if (steps[i] >= least && span <= (int64_t)(most - 1) * steps[i])
			return steps[i];
	step = span / (most - 1) + 1;
	step = step > least ? step : least;
	return step + (28 * DAY - step % (28 * DAY)) % (28 * DAY);
}

int64_t range_least(int64_t from, int64_t to, bool ends)
{
	int64_t span;

	if (!ends || to <= from)
		return 1;
	if (__builtin_sub_overflow(to, from, &span) || span > 14 * DAY)
		return DAY;
	return span > 4 * DAY ? 6 * HOUR : span > 6 * HOUR ? HOUR : 1;
}

int64_t range_origin(int64_t from, int64_t step, int64_t least)
{
	int64_t origin = when_origin(from, step);

	if (step % HOUR == 0 && least < HOUR)
		least = HOUR;
	return step % least == 0 ? origin - origin % least : origin;
}

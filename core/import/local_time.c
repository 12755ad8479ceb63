/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/import/local_time.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A run of n digits at *s, which moves behind it and the byte `end`; -1. */
static int number(const char **s, int n, char end)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		char c = *(*s)++;

		if (c < '0' || c > '9')
			return -1;
		value = 10 * value + (c - '0');
	}
	return *(*s)++ == end ? value : -1;
}

static bool parse(struct ps_text text, struct tm *tm)
{
	char copy[20];
	const char *s = copy;

	if (text.len != 19)
		return false;
	memcpy(copy, text.data, 19);
	copy[19] = 0;
	*tm = (struct tm){0};
	return (tm->tm_year = number(&s, 4, '-') - 1900) >= 70 && (tm->tm_mon = number(&s, 2, '-') - 1) >= 0 &&
	       tm->tm_mon < 12 && (tm->tm_mday = number(&s, 2, ' ')) >= 1 && tm->tm_mday <= 31 &&
	       (tm->tm_hour = number(&s, 2, ':')) >= 0 && tm->tm_hour < 24 && (tm->tm_min = number(&s, 2, ':')) >= 0 &&
	       tm->tm_min < 60 && (tm->tm_sec = number(&s, 2, 0)) >= 0 && tm->tm_sec <= 60;
}

/* With summer time in force, or not: whether a clock would have shown that. */
static bool shows(struct tm tm, int summer, int64_t *out)
{
	struct tm again = tm;

	again.tm_isdst = summer;
	*out = mktime(&again);
	return again.tm_isdst == summer && again.tm_hour == tm.tm_hour && again.tm_min == tm.tm_min &&
	       again.tm_mday == tm.tm_mday;
}

enum local_time local_time(struct ps_text text, int64_t after, int64_t *out)
{
	int64_t summer, winter;
	bool in_summer, in_winter;
	struct tm tm;

	if (!parse(text, &tm))
		return LOCAL_TIME_NONE;
	in_summer = shows(tm, 1, &summer);
	in_winter = shows(tm, 0, &winter);
	if (in_summer && in_winter && summer != winter) {
		int64_t first = summer < winter ? summer : winter, second = summer < winter ? winter : summer;

		*out = first < after ? second : first;
		return LOCAL_TIME_TWICE;
	}
	*out = in_summer ? summer : winter;
	if (in_summer || in_winter)
		return *out > 0 ? LOCAL_TIME_SURE : LOCAL_TIME_NONE;
	/* The 31st of a month of 30 days is no time at all. */
	tm.tm_isdst = 0;
	*out = mktime(&tm);
	return *out > 0 && text.data[8] - '0' == tm.tm_mday / 10 && text.data[9] - '0' == tm.tm_mday % 10 ? LOCAL_TIME_NEVER
	                                                                                                  : LOCAL_TIME_NONE;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/when.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Exactly n digits at *at, which moves on. -1 if they are not there. */
static int digits(const char **at, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++, (*at)++) {
		if (!isdigit((unsigned char)**at))
			return -1;
		value = value * 10 + (**at - '0');
	}
	return value;
}

static int whole_number(const char *text, int64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)*text) && !(*text == '-' && isdigit((unsigned char)text[1])))
		return -EINVAL;
	errno = 0;
	*number = strtoll(text, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

/* "", "Z", "+01:00", "-0130"; *local when there is none. */
static int zone(const char *at, int *offset, int *local)
{
	int sign = *at == '-' ? -1 : 1, hours, minutes = 0;

	*offset = 0;
	*local = !*at;
	if (!*at || strcmp(at, "Z") == 0 || strcmp(at, "z") == 0)
		return 0;
	if (*at != '+' && *at != '-')
		return -EINVAL;
	at++;
	hours = digits(&at, 2);
	if (*at == ':')
		at++;
	if (*at)
		minutes = digits(&at, 2);
	if (*at || hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
		return -EINVAL;
	*offset = sign * (hours * 3600 + minutes * 60);
	return 0;
}

int when_point(const char *text, int64_t *seconds)
{
	const char *at = text;
	struct tm t = {.tm_isdst = -1}, same;
	int offset, local;

	if (whole_number(text, seconds) == 0)
		return 0;
	t.tm_year = digits(&at, 4) - 1900;
	if (t.tm_year < 0 || *at++ != '-')
		return -EINVAL;
	t.tm_mon = digits(&at, 2) - 1;
	if (*at++ != '-')
		return -EINVAL;
	t.tm_mday = digits(&at, 2);
	if (*at == 'T' || *at == 't' || *at == ' ') {
		at++;
		t.tm_hour = digits(&at, 2);
		if (*at++ != ':')
			return -EINVAL;
		t.tm_min = digits(&at, 2);
		if (*at == ':') {
			at++;
			t.tm_sec = digits(&at, 2);
		}
	}
	if (t.tm_mon < 0 || t.tm_mon > 11 || t.tm_mday < 1 || t.tm_mday > 31 || t.tm_hour < 0 || t.tm_hour > 23 ||
	    t.tm_min < 0 || t.tm_min > 59 || t.tm_sec < 0 || t.tm_sec > 60 || zone(at, &offset, &local) < 0)
		return -EINVAL;
	same = t;
	*seconds = local ? mktime(&same) : timegm(&same) - offset;
	/* The 31st of a shorter month would become the 1st of the next. */
	return same.tm_mday == t.tm_mday || t.tm_sec == 60 ? 0 : -EINVAL;
}

int when_length(const char *text, int64_t *seconds)
{
	static const struct {
		const char *unit;
		int64_t seconds;
	} units[] = {
	    {"", 1},     {"s", 1},     {"sec", 1},     {"m", 60},       {"min", 60},
	    {"h", 3600}, {"d", 86400}, {"day", 86400}, {"days", 86400}, {"w", 7 * 86400},
	};
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*seconds = strtoll(text, &end, 10);
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strcmp(end, units[i].unit) == 0)
			return errno || __builtin_mul_overflow(*seconds, units[i].seconds, seconds) ? -EINVAL : 0;
	return -EINVAL;
}

int64_t when_origin(int64_t seconds, int64_t step)
{
	const int64_t monday = 4 * 86400; /* the first one since the epoch */
	time_t at = seconds;
	struct tm t = {0};
	int64_t begin;

	localtime_r(&at, &t);
	begin = ((step % (7 * 86400) == 0 ? monday : 0) - t.tm_gmtoff) % step;
	return begin < 0 ? begin + step : begin;
}

char *when_text(char out[WHEN_TEXT_SIZE], int64_t seconds)
{
	time_t at = seconds;
	struct tm t;

	if (!localtime_r(&at, &t) || !strftime(out, WHEN_TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &t))
		snprintf(out, WHEN_TEXT_SIZE, "?");
	return out;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The values that options may have, and "did you mean". */
#include "core/config/option.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"

struct unit {
	const char *name;
	int64_t size;
};

static const struct unit durations[] = {{"d", 86400000}, {"h", 3600000}, {"min", 60000},
                                        {"s", 1000},     {"ms", 1},      {NULL, 0}};
static const struct unit sizes[] = {
    {"TiB", INT64_C(1) << 40},
    {"TB", INT64_C(1000000000000)},
    {"GiB", 1 << 30},
    {"GB", 1000000000},
    {"MiB", 1 << 20},
    {"MB", 1000000},
    {"KiB", 1024},
    {"kB", 1000},
    {"B", 1},
    {NULL, 0},
};

static _Thread_local char wrong[256];

/* "90 s": the largest unit that leaves no rest. */
static void print_number(char *out, size_t size, const struct ps_option *o, int64_t n)
{
	const struct unit *u = o->type == PS_OPTION_DURATION ? durations : o->type == PS_OPTION_SIZE ? sizes : NULL;

	while (u && u->size > 1 && n % u->size)
		u++;
	if (u && n)
		snprintf(out, size, "%" PRId64 " %s", n / u->size, u->name);
	else
		snprintf(out, size, "%" PRId64, n);
}

static const char *check_bounds(const struct ps_option *o, int64_t n)
{
	char min[32], max[32];

	if ((o->min == 0 && o->max == 0) || (n >= o->min && n <= o->max))
		return NULL;
	print_number(min, sizeof(min), o, o->min);
	print_number(max, sizeof(max), o, o->max);
	if (o->max == INT64_MAX)
		snprintf(wrong, sizeof(wrong), "must be at least %s", min);
	else
		snprintf(wrong, sizeof(wrong), "must be between %s and %s", min, max);
	return wrong;
}

/* Digits at *s; moves *s behind them. 0, 1: there are none, 2: too large. */
static int take_digits(const char **s, int64_t *n)
{
	int large = 0;

	*n = 0;
	if (!isdigit((unsigned char)**s))
		return 1;
	for (; isdigit((unsigned char)**s); ++*s)
		large |= __builtin_mul_overflow(*n, 10, n) || __builtin_add_overflow(*n, **s - '0', n);
	return large ? 2 : 0;
}

static const char *parse_int(const char *s, int64_t *n)
{
	const char *digits = s + (*s == '-');

	if (!*digits || digits[strspn(digits, "0123456789")])
		return "is not a whole number";
	errno = 0;
	*n = strtoll(s, NULL, 10);
	return errno ? "is too large a number" : NULL;
}

static const char *parse_units(const char *s, const struct unit *u, const char *what, int64_t *n)
{
	int rc = take_digits(&s, n);

	if (rc == 1)
		return what;
	if (rc == 0 && *n == 0 && !*s)
		return NULL;
	while (*s == ' ' || *s == '\t')
		s++;
	for (; u->name; u++)
		if (strcmp(u->name, s) == 0)
			return rc == 2 || __builtin_mul_overflow(*n, u->size, n) ? "is too large" : NULL;
	return what;
}

static const char *parse_bool(const char *s, int64_t *n)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(s, words[i]) == 0) {
			*n = i & 1;
			return NULL;
		}
	return "must be yes or no";
}

static const char *parse_choice(const char *choices, const char *s, int64_t *n)
{
	size_t used, len = strlen(s);

	for (const char *p = choices; *p; ++*n) {
		size_t word = strcspn(p, " ");

		if (word == len && memcmp(p, s, len) == 0)
			return NULL;
		p += word + (p[word] == ' ');
	}
	used = (size_t)snprintf(wrong, sizeof(wrong), "must be one of ");
	for (const char *p = choices; *p && used + 3 < sizeof(wrong); p++) {
		wrong[used++] = *p == ' ' ? ',' : *p;
		if (*p == ' ')
			wrong[used++] = ' ';
	}
	wrong[used] = 0;
	return wrong;
}

static const char *parse_users(const char *s)
{
	for (const char *c = s; *c; c++)
		if ((unsigned char)*c < ' ' || strchr("/:@", *c))
			return "must be auto, or names of users with commas between them";
	return s[strspn(s, " ,\t")] ? NULL : "names nobody";
}

const char *option_parse(const struct ps_option *o, const char *value, int64_t *number)
{
	const char *what = NULL;

	*number = 0;
	if (o->type != PS_OPTION_TEXT && !*value)
		return "is empty";
	switch (o->type) {
	case PS_OPTION_INT:
		what = parse_int(value, number);
		break;
	case PS_OPTION_BOOL:
		return parse_bool(value, number);
	case PS_OPTION_DURATION:
		what = parse_units(value, durations, "is not a duration, such as 500 ms, 10 s, 5 min, 2 h or 30 d", number);
		break;
	case PS_OPTION_SIZE:
		what = parse_units(value, sizes, "is not a size, such as 64 KiB, 10 MiB, 1 GiB or 500 MB", number);
		break;
	case PS_OPTION_CHOICE:
		what = parse_choice(o->choices, value, number);
		if (what)
			*number = 0;
		return what;
	case PS_OPTION_STATE_FILE:
	case PS_OPTION_LOG_FILE:
		if (strchr(value, '/'))
			return "must be the name of a file, without a folder: [paths] says where it is";
		if (strcmp(value, ".") == 0 || strcmp(value, "..") == 0 || strlen(value) > 200)
			return "is not the name of a file";
		return NULL;
	case PS_OPTION_USERS:
		return parse_users(value);
	case PS_OPTION_TEXT:
		return NULL;
	}
	return what ? what : check_bounds(o, *number);
}

const struct ps_option *option_find(const struct ps_option *options, const char *key)
{
	for (const struct ps_option *o = options; o && o->key; o++)
		if (strcmp(o->key, key) == 0)
			return o;
	return NULL;
}

bool option_is_near(const char *known, const char *word, unsigned *distance)
{
	char lower[65] = "";
	size_t len = strlen(word);

	for (size_t i = 0; i < len && i < sizeof(lower) - 1; i++)
		lower[i] = (char)tolower((unsigned char)word[i]);
	*distance = text_distance(known, lower);
	return len < sizeof(lower) && *distance <= (strlen(known) < 5 ? 1u : 2u);
}

const char *option_nearest(const struct ps_option *options, const char *key)
{
	const char *best = NULL;
	unsigned least = ~0u, d;

	for (const struct ps_option *o = options; o && o->key; o++)
		if (option_is_near(o->key, key, &d) && d < least) {
			best = o->key;
			least = d;
		}
	return best;
}

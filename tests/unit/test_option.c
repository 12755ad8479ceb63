/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of each type, and lists of options as text. */
#include <stdlib.h>

#include "core/config/option.h"
#include "tests/tap.h"

static const struct {
	struct ps_option option;
	const char *value;
	int64_t number;
	const char *wrong; /* NULL: fine */
} cases[] = {
#define INT                                                                                                            \
	{                                                                                                                  \
		.type = PS_OPTION_INT                                                                                          \
	}
#define INT_IN(a, b)                                                                                                   \
	{                                                                                                                  \
		.type = PS_OPTION_INT, .min = a, .max = b                                                                      \
	}
#define TIME                                                                                                           \
	{                                                                                                                  \
		.type = PS_OPTION_DURATION                                                                                     \
	}
#define TIME_FROM(a, b)                                                                                                \
	{                                                                                                                  \
		.type = PS_OPTION_DURATION, .min = a, .max = b                                                                 \
	}
#define SIZE                                                                                                           \
	{                                                                                                                  \
		.type = PS_OPTION_SIZE                                                                                         \
	}
#define BOOL                                                                                                           \
	{                                                                                                                  \
		.type = PS_OPTION_BOOL                                                                                         \
	}
#define ONE_OF                                                                                                         \
	{                                                                                                                  \
		.type = PS_OPTION_CHOICE, .choices = "auto fexit tracepoint"                                                   \
	}
#define FILE_NAME                                                                                                      \
	{                                                                                                                  \
		.type = PS_OPTION_STATE_FILE                                                                                   \
	}
#define NOT_TIME "is not a duration, such as 500 ms, 10 s, 5 min, 2 h or 30 d"
#define NOT_SIZE "is not a size, such as 64 KiB, 10 MiB, 1 GiB or 500 MB"
    {INT, "42", 42, NULL},
    {INT, "-42", -42, NULL},
    {INT, "9223372036854775807", INT64_MAX, NULL},
    {INT, "-9223372036854775808", INT64_MIN, NULL},
    {INT, "9223372036854775808", 0, "is too large a number"},
    {INT, "", 0, "is empty"},
    {INT, "-", 0, "is not a whole number"},
    {INT, "+1", 0, "is not a whole number"},
    {INT, "0x10", 0, "is not a whole number"},
    {INT, "1.5", 0, "is not a whole number"},
    {INT, "1 ", 0, "is not a whole number"},
    {INT_IN(1, 20), "1", 1, NULL},
    {INT_IN(1, 20), "20", 20, NULL},
    {INT_IN(1, 20), "0", 0, "must be between 1 and 20"},
    {INT_IN(1, 20), "21", 0, "must be between 1 and 20"},
    {INT_IN(1, INT64_MAX), "0", 0, "must be at least 1"},
    {TIME, "10 s", 10000, NULL},
    {TIME, "10s", 10000, NULL},
    {TIME, "500 ms", 500, NULL},
    {TIME, "5\tmin", 300000, NULL},
    {TIME, "2 h", 7200000, NULL},
    {TIME, "30 d", INT64_C(2592000000), NULL},
    {TIME, "0", 0, NULL},
    {TIME, "10", 0, NOT_TIME},
    {TIME, "10 m", 0, NOT_TIME},
    {TIME, "10 S", 0, NOT_TIME},
    {TIME, "1 h 30 min", 0, NOT_TIME},
    {TIME, "-1 s", 0, NOT_TIME},
    {TIME, "s", 0, NOT_TIME},
    {TIME, "1.5 s", 0, NOT_TIME},
    {TIME, "106751991168 d", 0, "is too large"},
    {TIME, "99999999999999999999 ms", 0, "is too large"},
    {TIME_FROM(100, 86400000), "99 ms", 0, "must be between 100 ms and 1 d"},
    {TIME_FROM(90000, 5400000), "2 h", 0, "must be between 90 s and 90 min"},
    {SIZE, "64 KiB", 65536, NULL},
    {SIZE, "1 GiB", 1 << 30, NULL},
    {SIZE, "2TiB", INT64_C(2) << 40, NULL},
    {SIZE, "3 kB", 3000, NULL},
    {SIZE, "500 MB", 500000000, NULL},
    {SIZE, "2 GB", 2000000000, NULL},
    {SIZE, "1 TB", INT64_C(1000000000000), NULL},
    {SIZE, "7 B", 7, NULL},
    {SIZE, "7", 0, NOT_SIZE},
    {SIZE, "1 G", 0, NOT_SIZE},
    {SIZE, "1 KB", 0, NOT_SIZE},
    {SIZE, "8388608 TiB", 0, "is too large"},
    {BOOL, "yes", 1, NULL},
    {BOOL, "TRUE", 1, NULL},
    {BOOL, "On", 1, NULL},
    {BOOL, "no", 0, NULL},
    {BOOL, "False", 0, NULL},
    {BOOL, "off", 0, NULL},
    {BOOL, "1", 0, "must be yes or no"},
    {ONE_OF, "auto", 0, NULL},
    {ONE_OF, "tracepoint", 2, NULL},
    {ONE_OF, "trace", 0, "must be one of auto, fexit, tracepoint"},
    {ONE_OF, "auto fexit", 0, "must be one of auto, fexit, tracepoint"},
    {FILE_NAME, "a.db", 0, NULL},
    {FILE_NAME, "../a.db", 0, "must be the name of a file, without a folder: [paths] says where it is"},
    {FILE_NAME, "..", 0, "is not the name of a file"},
    {FILE_NAME, "", 0, "is empty"},
    {{.type = PS_OPTION_TEXT}, "", 0, NULL},
};

static void test_values(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t n = -1;
		const char *wrong = option_parse(&cases[i].option, cases[i].value, &n);

		if (cases[i].wrong)
			is_str(wrong ? wrong : "fine", cases[i].wrong, "\"%s\" is refused", cases[i].value);
		else
			ok(!wrong && n == cases[i].number, "\"%s\" is %lld", cases[i].value, (long long)n);
	}
}

static const struct ps_option list[] = {
    {"file", PS_OPTION_STATE_FILE, "a\\b\n\t\xff.db", 0, 0, NULL, "help", 0, "-wal -shm"},
    {"password", PS_OPTION_TEXT, NULL, 0, 0, NULL, "", PS_OPTION_SECRET | PS_OPTION_REQUIRED, NULL},
    {"format", PS_OPTION_CHOICE, "csv", 0, 0, "csv json", NULL, 0, NULL},
    {"size", PS_OPTION_SIZE, "1 GiB", INT64_MIN, INT64_MAX, NULL, "size", 0, NULL},
    {0},
};

static int same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void test_text(void)
{
	struct buf text;
	struct ps_option *got;
	int cut = 1, broken = 0;

	buf_init(&text);
	option_write(&text, list);
	got = option_read(text.data, text.len);
	ok(got, "a list comes back");
	for (size_t i = 0; got && i < 4; i++)
		ok(same_text(got[i].key, list[i].key) && got[i].type == list[i].type &&
		       same_text(got[i].fallback, list[i].fallback) && got[i].min == list[i].min && got[i].max == list[i].max &&
		       same_text(got[i].choices, list[i].choices) && same_text(got[i].help, list[i].help) &&
		       got[i].flags == list[i].flags && same_text(got[i].companions, list[i].companions),
		   "%s is the same", list[i].key);
	ok(got && !got[4].key, "and ends");
	option_free(got);
	for (size_t len = 0; len < text.len; len++) {
		got = option_read(text.data, len);
		cut &= !got;
		option_free(got);
	}
	ok(cut, "a list that was cut anywhere is refused");
	for (size_t at = 0; at < text.len; at++)
		for (int bit = 0; bit < 8; bit++) {
			text.data[at] ^= (uint8_t)(1 << bit);
			got = option_read(text.data, text.len);
			broken += !got;
			option_free(got);
			text.data[at] ^= (uint8_t)(1 << bit);
		}
	ok(broken > 100, "a flipped bit is refused or read as something else (%d refused)", broken);
	buf_put_str(&text, "\n");
	ok(!option_read(text.data, text.len), "more than was announced is refused");
	buf_done(&text);

#define REFUSED(s, why) ok(!option_read(s, sizeof(s) - 1), why)
	REFUSED("options 257\n", "too many are refused");
	REFUSED("options 1\na b\t0\t0\t0\t0\t\t\t\t\n", "a key of two words is refused");
	REFUSED("options 1\na\t5\t0\t0\t0\t\t\t\t\n", "a choice without words is refused");
	REFUSED("options 1\na\t9\t0\t0\t0\t\t\t\t\n", "an unknown type is refused");
	REFUSED("options 1\na\t0\t0\t2\t1\t\t\t\t\n", "bounds the wrong way round are refused");
	REFUSED("options 1\na\t0\t0\t0\t0\t=x\\x00\t\t\t\n", "a NUL in text is refused");
	REFUSED("options 2\na\t0\t0\t0\t0\t\t\t\t\na\t0\t0\t0\t0\t\t\t\t\n", "a key twice is refused");
	got = option_read("options 0\n", 10);
	ok(got && !got[0].key, "a list of none is one");
	option_free(got);
}

static void test_near(void)
{
	is_str(option_nearest(list, "pasword"), "password", "a letter left out");
	is_str(option_nearest(list, "FORMAT"), "format", "case does not count");
	ok(!option_nearest(list, "retention"), "nothing is near");
	ok(!option_nearest(list, "fi"), "two letters of a short key are too much");
	ok(option_find(list, "size") == &list[3] && !option_find(list, "siz") && !option_find(NULL, "size"), "find");
}

int main(void)
{
	test_values();
	test_text();
	test_near();
	return tap_done();
}

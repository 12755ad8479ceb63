/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines that Python's shlex.join() made, as arguments again; local times of older versions. */
#include <stdlib.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/import/local_time.h"
#include "core/import/words.h"
#include "tests/tap.h"

/* Words are shown with a | behind each. */
static void split(const char *line, size_t len, int whole, const char *want)
{
	static int n;
	struct buf out;
	bool good;

	buf_init(&out);
	good = words_split((struct ps_text){line, (uint32_t)len}, &out);
	for (size_t i = 0; i < out.len; i++)
		if (!out.data[i])
			out.data[i] = '|';
	buf_put_u8(&out, 0);
	ok(good == whole, "line %d: %s", ++n, whole ? "is taken" : "is none for a shell");
	is_str((const char *)out.data, want, "and its words");
	buf_done(&out);
}

static void test_words(void)
{
	static const struct {
		const char *line;
		int good;
		const char *want;
	} cases[] = {
	    {"", 1, ""},
	    {"   ", 1, ""},
	    {"a", 1, "a|"},
	    {" a  b\t\nc\r ", 1, "a|b|c|"},
	    {"''", 1, "|"},
	    {"a '' b", 1, "a||b|"},
	    {"'a b' c", 1, "a b|c|"},
	    {"'it'\"'\"'s'", 1, "it's|"},
	    {"\"a \\\" b \\\\ c \\n $x\"", 1, "a \" b \\ c \\n $x|"},
	    {"a\\ b\\'c", 1, "a b'c|"},
	    {"'a\\b'", 1, "a\\b|"},
	    {"x'y z'w", 1, "xy zw|"},
	    {"#a ;b", 1, "#a|;b|"},
	    {"it's", 0, "it's|"},
	    {"a \"b", 0, "a \"b|"},
	    {"a b\\", 0, "a b\\|"},
	    {"'\xc3\xbc \xff'", 1, "\xc3\xbc \xff|"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		split(cases[i].line, strlen(cases[i].line), cases[i].good, cases[i].want);
	split("a\0b 'c\0d'", 9, 1, "ab|cd|");
	split("a\0'", 3, 0, "a'|");
}

/* Anything at all: no more comes out than went in, and one NUL a word. */
static void test_any(void)
{
	static const char bytes[] = " '\"\\ab\0\n\xff";
	int bad = 0;

	srand(1);
	for (int i = 0; i < 100000; i++) {
		size_t len = (size_t)rand() % 24;
		char *line = mem_alloc(len ? len : 1); /* no byte more, for the sanitizer */
		struct buf out;

		for (size_t k = 0; k < len; k++)
			line[k] = bytes[(size_t)rand() % (sizeof(bytes) - 1)];
		buf_init(&out);
		words_split((struct ps_text){line, (uint32_t)len}, &out);
		bad += out.len > len + 1 || (out.len && out.data[out.len - 1]);
		buf_done(&out);
		free(line);
	}
	is_int(bad, 0, "100,000 lines of anything");
}

static void when(const char *text, int64_t after, enum local_time want, int64_t at)
{
	int64_t got = 0;

	is_int(local_time((struct ps_text){text, (uint32_t)strlen(text)}, after, &got), want, "%s: what it is", text);
	if (want != LOCAL_TIME_NONE)
		is_int(got, at, "and when");
}

static void test_times(void)
{
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	when("2024-01-15 12:00:00", 0, LOCAL_TIME_SURE, 1705316400);
	when("2024-07-15 12:00:00", 0, LOCAL_TIME_SURE, 1721037600);
	when("2023-10-29 02:30:00", 0, LOCAL_TIME_TWICE, 1698539400);
	when("2023-10-29 02:30:00", 1698539400, LOCAL_TIME_TWICE, 1698539400);
	when("2023-10-29 02:30:00", 1698539401, LOCAL_TIME_TWICE, 1698543000);
	when("2023-10-29 03:00:00", 0, LOCAL_TIME_SURE, 1698544800);
	when("2024-03-31 02:30:00", 0, LOCAL_TIME_NEVER, 1711848600);
	when("2024-02-29 00:00:00", 0, LOCAL_TIME_SURE, 1709161200);
	when("2023-02-29 00:00:00", 0, LOCAL_TIME_NONE, 0);
	when("2024-04-31 02:30:00", 0, LOCAL_TIME_NONE, 0);
	when("2024-01-15T12:00:00", 0, LOCAL_TIME_NONE, 0);
	when("2024-01-15 24:00:00", 0, LOCAL_TIME_NONE, 0);
	when("2024-13-15 12:00:00", 0, LOCAL_TIME_NONE, 0);
	when("2024-00-15 12:00:00", 0, LOCAL_TIME_NONE, 0);
	when("2024-01-15 12:00:0", 0, LOCAL_TIME_NONE, 0);
	when("2024-01-15 12:00:00 ", 0, LOCAL_TIME_NONE, 0);
	when("1969-12-31 12:00:00", 0, LOCAL_TIME_NONE, 0);
	when("-024-01-15 12:00:00", 0, LOCAL_TIME_NONE, 0);
	setenv("TZ", "UTC", 1);
	tzset();
	when("2023-10-29 02:30:00", 0, LOCAL_TIME_SURE, 1698546600);
	setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
	tzset();
	when("2023-11-05 01:30:00", 0, LOCAL_TIME_TWICE, 1699162200);
	when("2023-11-05 01:30:00", 1699162201, LOCAL_TIME_TWICE, 1699165800);
}

int main(void)
{
	test_words();
	test_any();
	test_times();
	return tap_done();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of dash that know no server: targets, who is let in, steps, series, tops. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/dash/guard.h"
#include "core/dash/series.h"
#include "core/dash/target.h"
#include "core/dash/tops.h"
#include "tests/tap.h"

static unsigned status_of(const char *raw)
{
	const char *why;
	struct target t;
	unsigned status = target_read(&t, raw, &why);

	target_done(&t);
	return status;
}

static void targets(void)
{
	static const char *const bad[] = {"",          "http://evil/x", "*",       "x",        "/a?b",
	                                  "/a?=b",     "/a?b=%00",      "/a?b=%0", "/a?b=%zz", "/a b",
	                                  "/a?b=\x80", "/a#b",          "/a\\b",   "/a?b=%ff", "/a?b=%c0%80"};
	const char *why;
	struct target t;
	char *longest = mem_alloc(TARGET_MAX + 2);

	is_int(target_read(&t, "/x?f=exe%3D%2Fusr%2Fbin%2Fa+b&f=%C3%BC&g=", &why), 0, "a target is read");
	ok(strcmp(t.path, "/x") == 0 && t.n == 3, "its path and parameters");
	ok(strcmp(t.parameters[0].value, "exe=/usr/bin/a b") == 0 && strcmp(t.parameters[1].value, "\xc3\xbc") == 0,
	   "decoded");
	ok(strcmp(target_value(&t, "g"), "") == 0 && !target_value(&t, "h"), "an empty value is one");
	target_done(&t);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(status_of(bad[i]), 400, "bad target %zu", i);
	memset(longest, '/', TARGET_MAX + 1);
	is_int(status_of(longest), 414, "a target that is too long");
	longest[TARGET_MAX] = 0;
	is_int(status_of(longest), 0, "one that is not");
	free(longest);
}

static void guards(void)
{
	static const char *const good[] = {"localhost",  "LOCALHOST:5100",   "127.0.0.1:1", "[::1]",
	                                   "[::1]:5100", "dash.example.org", "box:443",     "192.0.2.7:80"};
	static const char *const bad[] = {"",
	                                  "localhost.evil.org",
	                                  "evil.org",
	                                  "localhost:",
	                                  "localhost:x",
	                                  "localhost:123456",
	                                  "::1",
	                                  "[::1",
	                                  "[::1]x",
	                                  "[localhost]",
	                                  "127.0.0.2",
	                                  "localhost@evil.org",
	                                  "localhost ",
	                                  "192.0.2.8"};
	struct guard g;

	guard_init(&g, "dash.example.org, box", "0123456789abcdef", 5100);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ok(guard_host(&g, good[i], "192.0.2.7"), "Host: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!guard_host(&g, bad[i], "192.0.2.7"), "no Host: %s", bad[i]);
	ok(!guard_admits(&g, NULL, NULL), "no token");
	ok(guard_admits(&g, "Bearer 0123456789abcdef", NULL), "a token");
	ok(!guard_admits(&g, "Bearer 0123456789abcdeF", NULL) && !guard_admits(&g, "Bearer 0123456789abcdef0", NULL) &&
	       !guard_admits(&g, "Bearer ", NULL) && !guard_admits(&g, "Basic 0123456789abcdef", NULL),
	   "wrong ones");
	ok(guard_admits(&g, NULL, "a=b; picosnitch-5100=0123456789abcdef; c=d"), "a cookie");
	ok(!guard_admits(&g, NULL, "picosnitch-5101=0123456789abcdef") && !guard_admits(&g, NULL, "picosnitch-5100=x;;; ="),
	   "wrong ones");
	guard_done(&g);
	guard_init(&g, NULL, "", 1);
	ok(guard_admits(&g, NULL, NULL), "where no token is wanted");
	guard_done(&g);
}

static void lengths(void)
{
	struct steps s;

	setenv("TZ", "Asia/Kolkata", 1);
	tzset();
	is_int(steps_make(&s, 1000000000, 1000086400, 200, 10, 0), 0, "a day in steps");
	ok(s.n <= 200 && s.first <= 1000000000 && s.first + (int64_t)s.n * s.step >= 1000086400, "that make it up");
	is_int(steps_make(&s, 1000000000, 1002592000, 200, 10, 0), 0, "30 days");
	is_int(s.step, 21600, "by the quarter of a day");
	is_int(steps_make(&s, 1000000000, 1002592000, 200, 86400, 0), 0, "30 days, a day at least");
	is_int(s.step, 86400, "by the day");
	is_int(s.origin % 3600, 0, "from a whole hour of UTC on, in a zone of half hours");
	is_int(steps_at(&s, s.first + 86400), 1, "which step a time is in");
	ok(steps_at(&s, s.first - 1) == s.n && steps_at(&s, s.first + (int64_t)s.n * 86400) == s.n, "or in none");
	is_int(steps_make(&s, 0, 86400, 200, 10, 1), -ERANGE, "too many");
	is_int(steps_make(&s, -(INT64_C(1) << 53), INT64_C(1) << 53, 2, 10, 0), 0, "ages");
	ok(s.n >= 1 && s.n <= 3, "have few steps");
}

static void folding(void)
{
	const struct steps steps = {.first = 100, .step = 10, .n = 3};
	struct series s;

	series_init(&s, &steps, 2);
	series_put(&s, (struct ps_text){"b", 1}, 100, 1, 2);
	series_put(&s, (struct ps_text){"a", 1}, 120, 5, 5);
	series_put(&s, (struct ps_text){"c", 1}, 110, 0, 1);
	series_put(&s, (struct ps_text){"d", 1}, 110, 1, 0);
	series_put(&s, (struct ps_text){"b", 1}, 105, 1, 0);
	series_put(&s, (struct ps_text){"z", 1}, 130, 9, 9);
	series_put(&s, (struct ps_text){"m", 1}, 120, UINT64_MAX, 1);
	series_put(&s, (struct ps_text){"m", 1}, 120, UINT64_MAX, 1);
	series_fold(&s);
	is_int(s.n_groups, 5, "groups; what is in no step is in none");
	ok(s.top == 2 && *s.groups[0]->value.data == 'm' && *s.groups[1]->value.data == 'a', "the largest first");
	ok(s.groups[0]->steps[2].sent == UINT64_MAX && s.groups[0]->steps[2].received == 2,
	   "sums stop at the largest number");
	ok(s.groups[1]->steps[0].sent == 0 && s.groups[1]->steps[2].sent == 5, "zero where there was nothing");
	ok(s.other && s.other[0].sent == 2 && s.other[0].received == 2 && s.other[1].sent == 1 && s.other[1].received == 1,
	   "all others");
	series_done(&s);
}

/* A group may come in any number of parts, in any order. */
static void in_parts(void)
{
	const struct steps steps = {.first = 0, .step = 1, .n = 1000};
	const uint64_t n = 2 * SERIES_CELLS_MAX;
	char text[32];
	uint64_t odd = 0, even = 0;
	struct series s;
	int r = 0, wrong = 0;

	series_init(&s, &steps, 1);
	for (uint64_t i = 0; i < n && r == 0; i++)
		r = series_put(&s, (struct ps_text){i % 2 ? "odd" : "even", i % 2 ? 3 : 4}, (int64_t)(i * 7 % 1000), 1, i % 2);
	series_fold(&s);
	is_int(r, 0, "as many parts as there may be cells, and more");
	for (size_t i = 0; i < steps.n; i++) {
		odd += s.groups[0]->steps[i].sent;
		even += s.other[i].sent;
		wrong += (s.groups[0]->steps[i].sent > 0) != i % 2 || (s.other[i].sent > 0) == i % 2;
	}
	ok(odd == n / 2 && even == n / 2 && s.groups[0]->total.received == n / 2, "are added up");
	is_int(wrong, 0, "each in its step");
	series_done(&s);
	series_init(&s, &steps, 1);
	for (unsigned i = 0; i <= SERIES_CELLS_MAX && r == 0; i++) {
		snprintf(text, sizeof(text), "%u", i);
		r = series_put(&s, (struct ps_text){text, (uint32_t)strlen(text)}, 1, 1, 1);
	}
	is_int(r, -E2BIG, "there is an end to cells");
	series_done(&s);
}

static int put_top(struct tops *t, const char *exe, const char *port, uint64_t sent, uint64_t received)
{
	const struct ps_text values[] = {{exe, (uint32_t)strlen(exe)}, {port, (uint32_t)strlen(port)}};

	return tops_put(t, &(struct ps_answer_row){.values = values, .sent = sent, .received = received, .rows = 1});
}

static const char *nth(const struct tops *t, unsigned dimension, size_t i)
{
	return t->of[dimension].values[i]->value.data;
}

static void tops(void)
{
	static const enum ps_dimension by[] = {PS_BY_EXE, PS_BY_RPORT};
	char text[32];
	struct tops t;
	int r = 0;

	tops_init(&t, by, 2);
	put_top(&t, "a", "443", 5, 1);
	put_top(&t, "b", "80", 1, 9);
	put_top(&t, "a", "80", 1, 1);
	put_top(&t, "", "9", 0, 2);
	tops_order(&t, PS_ORDER_TOTAL);
	ok(t.of[0].n == 3 && t.of[1].n == 3 && t.sent == 7 && t.received == 13 && t.rows == 4, "each dimension by itself");
	is_str(nth(&t, 0, 0), "b", "the largest first");
	is_str(nth(&t, 1, 0), "80", "of each");
	ok(t.of[1].values[0]->sent == 2 && t.of[1].values[0]->received == 10 && t.of[1].values[0]->rows == 2, "added up");
	tops_order(&t, PS_ORDER_SENT);
	is_str(nth(&t, 0, 0), "a", "by what was sent");
	tops_order(&t, PS_ORDER_RECEIVED);
	is_str(nth(&t, 0, 1), "", "what is alike by value");
	put_top(&t, "c", "10", 0, 2);
	put_top(&t, "c", "9", UINT64_MAX, 0);
	put_top(&t, "c", "10", UINT64_MAX, 0);
	tops_order(&t, PS_ORDER_SENT);
	is_str(nth(&t, 1, 0), "9", "ports as numbers");
	ok(t.of[0].values[0]->sent == UINT64_MAX && t.sent == UINT64_MAX, "sums stop at the largest number");
	for (unsigned i = 0; i < 1000000 && r == 0; i++) {
		snprintf(text, sizeof(text), "%u", i);
		r = put_top(&t, text, "1", 1, 1);
	}
	is_int(r, -E2BIG, "there is an end to them");
	tops_done(&t);
	tops_init(&t, by, 2);
	tops_order(&t, PS_ORDER_TOTAL);
	is_int((long long)t.of[0].n, 0, "nothing has no values");
	tops_done(&t);
}

int main(void)
{
	targets();
	guards();
	lengths();
	folding();
	in_parts();
	tops();
	return tap_done();
}

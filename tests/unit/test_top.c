/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `picosnitch top` makes of a live feed: rates, bounds, hostile lines; and lines of text of any width. */
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <wchar.h>

#include "core/base/clock.h"
#include "core/base/columns.h"
#include "core/top/model.h"
#include "core/top/print.h"
#include "core/top/table.h"
#include "tests/tap.h"

#define T0 1700000000000000000LL

static void say(struct top_model *m, const char *line)
{
	top_model_put(m, line, strlen(line));
	top_model_put(m, "\n", 1);
}

__attribute__((format(printf, 2, 3))) static void sayf(struct top_model *m, const char *format, ...)
{
	char line[8192];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	say(m, line);
}

static void traffic(struct top_model *m, const char *exe, unsigned flow, uint64_t sent, uint64_t received)
{
	sayf(m,
	     "{\"kind\":\"traffic\",\"exe\":\"%s\",\"name\":\"n\",\"family\":2,\"protocol\":6,\"lport\":%u,\"rport\":443,"
	     "\"raddr\":\"192.0.2.1\",\"direction\":\"out\",\"sent\":%" PRIu64 ",\"received\":%" PRIu64
	     ",\"uid\":7,\"pid\":9}",
	     exe, flow, sent, received);
}

/* A drain that ends `from` + `ms`, both ms since T0. */
static void tick(struct top_model *m, int64_t from, int64_t ms, uint64_t sent, uint64_t received)
{
	sayf(m,
	     "{\"kind\":\"tick\",\"start_ns\":%" PRId64 ",\"end_ns\":%" PRId64 ",\"sent\":%" PRIu64 ",\"received\":%" PRIu64
	     "}",
	     (int64_t)(T0 + from * NS_PER_MS), (int64_t)(T0 + (from + ms) * NS_PER_MS), sent, received);
}

static struct top_model *begin(struct top_limits limits)
{
	struct top_model *m = top_model_new(&limits);

	top_model_begin(m);
	say(m, "{\"kind\":\"hello\",\"format\":1,\"version\":\"1.2\",\"host\":\"box\",\"time_ns\":1700000000000000000}");
	return m;
}

static const struct top_program *program(const struct top_rows *rows, const char *exe)
{
	for (size_t i = 0; i < rows->n_programs; i++)
		if (strcmp(rows->programs[i].exe, exe) == 0)
			return &rows->programs[i];
	return NULL;
}

static void is_rate(struct top_model *m, const char *exe, uint64_t sent, uint64_t received, const char *what)
{
	struct top_rows *rows = top_model_rows(m);
	const struct top_program *p = program(rows, exe);

	is_int(p ? p->rate.sent : 0, sent, "sent a second: %s", what);
	is_int(p ? p->rate.received : 0, received, "received a second: %s", what);
	is_int(rows->rate.sent, sent, "and of all");
	top_rows_free(rows);
}

static void test_rates(void)
{
	struct top_model *m = begin(TOP_LIMITS);
	struct top_rows *rows;

	traffic(m, "/a", 1, 1000, 50);
	is_rate(m, "/a", 0, 0, "none before a drain has ended");
	tick(m, 0, 500, 1000, 50);
	is_rate(m, "/a", 2000, 100, "1000 in half a second");
	tick(m, 500, 500, 0, 0);
	is_rate(m, "/a", 1000, 50, "and none in another half");
	for (int i = 2; i < 6; i++)
		tick(m, i * 500, 500, 0, 0);
	is_rate(m, "/a", 333, 16, "the mean of three seconds");
	tick(m, 3000, 500, 0, 0);
	is_rate(m, "/a", 0, 0, "gone after more");
	/* Drains that are shorter than a slot. */
	for (int i = 0; i < 100; i++) {
		traffic(m, "/a", 1, 10, 0);
		tick(m, 3500 + i * 100, 100, 10, 0);
	}
	is_rate(m, "/a", 100, 0, "of many short drains");
	rows = top_model_rows(m);
	is_int(rows->programs[0].total.sent, 2000, "the total is of all");
	is_int(rows->total.sent, 2000, "that of the ticks, too");
	is_int(rows->since_ns, T0, "since the first");
	is_int(rows->now_ns, T0 + 13500 * NS_PER_MS, "until the last");
	is_int(rows->programs[0].connections, 1, "one connection");
	is_str(rows->programs[0].peer, "192.0.2.1:443", "to whom");
	is_int(rows->programs[0].uid, 7, "whose");
	top_rows_free(rows);

	top_model_reset(m);
	rows = top_model_rows(m);
	is_int(rows->programs[0].total.sent + rows->total.sent, 0, "after a reset, totals are 0");
	is_int(rows->programs[0].rate.sent, 100, "rates are not");
	is_int(rows->since_ns, rows->now_ns, "since now");
	top_rows_free(rows);
	top_model_free(m);
}

/* A program that is quiet is in nobody's way after a reset; a feed that is lost takes the rates with it. */
static void test_away(void)
{
	struct top_model *m = begin(TOP_LIMITS);
	struct top_rows *rows;

	traffic(m, "/quiet", 1, 1, 1);
	tick(m, 0, 500, 1, 1);
	for (int i = 1; i < 9; i++)
		tick(m, i * 500, 500, 0, 0);
	traffic(m, "/busy", 1, 1000, 1);
	tick(m, 4500, 500, 1000, 1);
	top_model_reset(m);
	rows = top_model_rows(m);
	ok(rows->n_programs == 1 && program(rows, "/busy"), "a reset forgets programs without a rate");
	is_int(rows->state, TOP_LIVE, "the feed is live");
	top_rows_free(rows);

	top_model_put(m, "{\"kind\":\"tra", 12);
	say(m, "ffic\"");
	say(m, "{\"kind\":\"end\",\"why\":\"slow\",\"waiting\":9}");
	top_model_away(m, "it has ended");
	rows = top_model_rows(m);
	is_int(rows->state, TOP_AWAY, "it is away");
	is_str(rows->why, "dropped: too slow", "and says why");
	is_int(rows->cuts, 1, "counted");
	is_int(rows->garbled, 1, "with the line that was none");
	is_int(rows->rate.sent + rows->programs[0].rate.sent, 0, "there are no rates");
	top_rows_free(rows);
	top_model_away(m, "the daemon does not run");
	rows = top_model_rows(m);
	is_str(rows->why, "the daemon does not run", "nor is it there again");
	is_int(rows->cuts, 1, "which is not counted as another loss");
	top_rows_free(rows);
	top_model_begin(m);
	say(m, "{\"kind\":\"hello\",\"format\":2}");
	is_int(top_model_alien(m), 2, "another format is told");
	top_model_free(m);
}

static void test_bounds(void)
{
	struct top_limits limits = {.programs = 3, .flows = 4, .events = 2, .window_ns = 3 * NS_PER_S};
	struct top_model *m = begin(limits);
	struct top_rows *rows;

	for (int i = 0; i < 5; i++) {
		char exe[16];

		snprintf(exe, sizeof(exe), "/p%d", i);
		traffic(m, exe, 1, 10, 1);
		if (i == 2)
			traffic(m, "/p0", 1, 10, 1);
		sayf(m, "{\"kind\":\"program\",\"text\":\"t%d\"}", i);
	}
	rows = top_model_rows(m);
	is_int(rows->n_programs, 3, "no more programs than there may be");
	ok(program(rows, "/p0") && program(rows, "/p3") && program(rows, "/p4"), "the quietest make room");
	is_int(rows->evicted.programs, 2, "counted");
	is_int(rows->evicted.total.sent, 20, "with their bytes");
	is_int(rows->n_connections, 3, "their connections go with them");
	ok(rows->n_events == 2 && strcmp(rows->events[0].text, "t4") == 0, "the newest events stay, newest first");
	top_rows_free(rows);
	for (unsigned i = 2; i < 12; i++)
		traffic(m, "/p4", i, 1, 1);
	rows = top_model_rows(m);
	is_int(rows->n_connections, 4, "no more connections than there may be");
	is_int(rows->evicted.connections, 9, "counted");
	is_int(program(rows, "/p4")->connections, 4, "and no longer the program's");
	top_rows_free(rows);
	for (int i = 0; i < 60; i++)
		tick(m, i * 1000, 1000, 0, 0);
	traffic(m, "/p4", 11, 1, 1);
	tick(m, 60000, 1000, 0, 0);
	rows = top_model_rows(m);
	is_int(rows->n_connections, 1, "those that are quiet for a minute are forgotten");
	is_int(rows->evicted.connections, 9, "which is no eviction");
	top_rows_free(rows);
	/* A clock that is set back, by a year, and forth. */
	tick(m, -31536000000LL, 500, 1, 1);
	tick(m, 0, 31536000000LL, 1, 1);
	traffic(m, "/p4", 12, 1, 1);
	tick(m, 31536000000LL, 500, 1, 1);
	rows = top_model_rows(m);
	is_int(rows->n_connections, 2, "a clock that is set ends no connection");
	top_rows_free(rows);
	sayf(m,
	     "{\"kind\":\"traffic\",\"exe\":\"/p4\",\"name\":\"n\",\"family\":2,\"protocol\":6,\"lport\":12,\"rport\":443,"
	     "\"raddr\":\"192.0.2.1\",\"closed_ns\":5,\"pid\":9,\"sent\":1,\"received\":1}");
	rows = top_model_rows(m);
	ok(rows->connections[0].closed && program(rows, "/p4")->connections == 1,
	   "one that is closed is shown, not counted");
	top_rows_free(rows);
	top_model_free(m);
}

static void test_hostile(void)
{
	static const char *const garbled[] = {
	    "",
	    "x",
	    "[]",
	    "null",
	    "{\"kind\":\"traffic\"",
	    "{\"kind\":\"traffic\",\"sent\":99999999999999999999}",
	    "{\"kind\":\"traffic\",\"sent\":1e999}",
	    "{\"kind\":\"traffic\",\"exe\":\"\xff\xfe\"}",
	    "{\"kind\":\"traffic\",\"exe\":\"a\\u0000b\"}",
	    "{\"kind\":\"traffic\",\"exe\":\"\\ud800\"}",
	};
	struct top_model *m = begin(TOP_LIMITS);
	struct top_rows *rows;
	char *big, *deep;

	for (size_t i = 0; i < sizeof(garbled) / sizeof(*garbled); i++)
		say(m, garbled[i]);
	big = mem_alloc(3 << 20);
	memset(big, 'x', 3 << 20);
	top_model_put(m, big, 3 << 20);
	top_model_put(m, "\n", 1);
	deep = mem_alloc(200001);
	memset(deep, '[', 200000);
	say(m, deep);
	rows = top_model_rows(m);
	is_int(rows->garbled, sizeof(garbled) / sizeof(*garbled) + 2, "what is no object is counted");
	is_int(rows->n_programs, 0, "and does nothing");
	top_rows_free(rows);

	/* Of the wrong type, or out of range. */
	say(m, "{\"kind\":\"traffic\",\"exe\":[],\"name\":5,\"sent\":-5,\"received\":\"9\",\"rport\":-1,\"protocol\":1.5,"
	       "\"direction\":{},\"family\":2,\"raddr\":7,\"start_ns\":-9}");
	say(m, "{\"kind\":\"tick\",\"start_ns\":9223372036854775807,\"end_ns\":-9223372036854775808,\"sent\":1.0}");
	say(m, "{\"kind\":\"tick\",\"start_ns\":0,\"end_ns\":9223372036854775807}");
	say(m, "{\"kind\":5}");
	say(m, "{\"kind\":\"new thing\"}");
	rows = top_model_rows(m);
	is_int(rows->n_programs, 1, "one with nothing known");
	is_int(rows->programs[0].total.sent + rows->programs[0].total.received, 0, "counts that are none are 0");
	top_rows_free(rows);

	for (int i = 0; i < 3; i++)
		traffic(m, "/huge", 1, INT64_MAX, INT64_MAX);
	tick(m, 0, 1, INT64_MAX, INT64_MAX);
	tick(m, 1, 500, INT64_MAX, INT64_MAX);
	rows = top_model_rows(m);
	ok(program(rows, "/huge")->total.sent == UINT64_MAX, "sums that are too large stay at the largest");
	ok(program(rows, "/huge")->rate.sent == UINT64_MAX || program(rows, "/huge")->rate.sent > INT64_MAX, "rates, too");
	top_rows_free(rows);

	/* A text of 100 KiB is cut; two that begin alike are two. */
	memset(big, 'y', 100000);
	big[99999] = 'a';
	big[100000] = 0;
	for (int i = 0; i < 2; i++) {
		say(m, "");
		top_model_put(m, "{\"kind\":\"traffic\",\"exe\":\"", 25);
		top_model_put(m, big, 100000);
		say(m, "\"}");
		big[99999]++;
	}
	rows = top_model_rows(m);
	is_int(rows->n_programs, 4, "long names are told apart");
	for (size_t i = 0; i < rows->n_programs; i++)
		ok(strlen(rows->programs[i].exe) <= 1024, "and cut");
	top_rows_free(rows);

	/* Byte by byte. */
	{
		const char *line = "{\"kind\":\"traffic\",\"exe\":\"/\\u001b[2J\\n\u202e\",\"name\":\"x\",\"sent\":5}\n";

		for (const char *c = line; *c; c++)
			top_model_put(m, c, 1);
	}
	rows = top_model_rows(m);
	ok(program(rows, "/?[2J????"), "nothing that moves a cursor is kept");
	top_rows_free(rows);
	free(big);
	free(deep);
	top_model_free(m);
}

static void is_wide(struct buf *line, const struct top_look *look, const char *what)
{
	bool plain = true;
	unsigned got;

	buf_put_u8(line, 0);
	got = columns_text((char *)line->data);
	for (size_t i = 0; i + 1 < line->len; i++)
		plain &= line->data[i] >= ' ' && line->data[i] != 127 && (look->utf8 || line->data[i] < 127);
	plain &= !strstr((char *)line->data, "\u200d");
	ok(got == look->width && plain, "%s: %u columns of %u", what, got, look->width);
	line->len = 0;
}

static void test_lines(bool utf8)
{
	/* Marks first, many marks, wide ones, joiners, direction, C1, a flag, a skin tone. */
	static const char name[] =
	    "\u0301\u0301e\u0301\u0301\u0301日本語👍🏽\u200d🇩🇪\u202e\xc2\x9b\u0e01\u0e38\xef\xb8\x8f";
	static const unsigned widths[] = {1, 5, 20, 39, 40, 71, 80, 100, 300};
	struct top_model *m = begin(TOP_LIMITS);
	struct top_look look = {.sort = TOP_RATE, .utf8 = utf8};
	struct top_rows *rows;
	struct buf line;

	traffic(m, name, 22, 123456, 999999999999);
	sayf(m, "{\"kind\":\"alert\",\"text\":\"%s\",\"count\":5,\"sent\":6,\"received\":7}", name);
	tick(m, 0, 500, 123456, 999999999999);
	top_model_away(m, name);
	rows = top_model_rows(m);
	top_sort(rows, &look);
	buf_init(&line);
	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		look.width = widths[i];
		for (look.units = ASK_AUTO; look.units <= ASK_GB; look.units++) {
			top_put_titles(&line, &look);
			is_wide(&line, &look, "titles");
			top_put_program(&line, &look, &rows->programs[0]);
			is_wide(&line, &look, "a program");
			top_put_connection(&line, &look, &rows->connections[0]);
			is_wide(&line, &look, "a connection");
			top_put_event(&line, &look, &rows->events[0]);
			is_wide(&line, &look, "an event");
			for (unsigned j = 0; j < TOP_SUMMARY; j++) {
				top_put_summary(&line, &look, rows, j);
				is_wide(&line, &look, "the head");
			}
			top_put_brief(&line, &look, rows);
			is_wide(&line, &look, "the brief head");
		}
	}
	buf_done(&line);
	top_rows_free(rows);
	top_model_free(m);
}

/* A socket of /a's or /b's, and where. */
static void waits(struct top_model *m, const char *exe, const char *where)
{
	sayf(m, "{\"kind\":\"listen\",\"exe\":\"%s\",\"name\":\"n\",\"pid\":9,%s}", exe, where);
}

static void is_listed(struct top_model *m, const char *want, const char *why, const char *what)
{
	struct top_rows *rows = top_model_rows(m);
	struct buf got;

	buf_init(&got);
	for (size_t i = 0; i < rows->n_listening; i++) {
		const struct top_listener *l = &rows->listening[i];

		buf_printf(&got, "%s%s %s %s:%" PRId64 " %" PRId64, i ? "; " : "", l->exe, l->protocol, l->addr, l->port,
		           l->netns);
	}
	buf_put_u8(&got, 0);
	is_str((char *)got.data, want, "%s", what);
	is_str(rows->listening_why, why, "and why it is not whole");
	is_int(rows->listening_known, strcmp(why, "not known yet") != 0 && strcmp(why, "no") != 0,
	       "whether there is a list");
	buf_done(&got);
	top_rows_free(rows);
}

static void is_counted(struct top_model *m, int64_t want, bool more, const char *what)
{
	struct top_rows *rows = top_model_rows(m);
	const struct top_program *p = program(rows, "/a");

	is_int(p ? p->listening : -2, want, "%s", what);
	is_int(p && p->listening_more, more, "whether there may be more");
	top_rows_free(rows);
}

static void test_listening(void)
{
	struct top_model *m =
	    begin((struct top_limits){.programs = 3, .flows = 4, .events = 2, .listening = 3, .window_ns = 1});
	struct top_rows *rows;

	traffic(m, "/a", 1, 1, 1);
	is_listed(m, "", "not known yet", "before the first look");
	is_counted(m, -1, false, "of a program, nothing is known either");
	waits(m, "/a", "\"protocol\":17,\"laddr\":\"::\",\"lport\":53,\"netns\":7");
	waits(m, "/b", "\"protocol\":6,\"laddr\":\"0.0.0.0\",\"lport\":53,\"netns\":8");
	waits(m, "/a", "\"family\":40,\"protocol\":0,\"laddr\":\"any\",\"lport\":5,\"netns\":8");
	is_listed(m, "", "not known yet", "nor before it is whole");
	say(m, "{\"kind\":\"listening\",\"host_netns\":8}");
	is_listed(m, "/a vsock any:5 -1; /b tcp 0.0.0.0:53 -1; /a udp :::53 7", "",
	          "by port; the host's namespace need not be named");
	is_counted(m, 2, false, "a program's are counted");
	waits(m, "/b", "\"lport\":1");
	waits(m, "/b", "\"lport\":\"x\",\"laddr\":[],\"protocol\":-1,\"netns\":1e5,\"family\":null,\"unit\":{}");
	waits(m, "/a\\u001b[2J\\n", "\"lport\":3");
	waits(m, "/b", "\"lport\":4");
	is_listed(m, "/a vsock any:5 -1; /b tcp 0.0.0.0:53 -1; /a udp :::53 7", "", "half a look changes nothing");
	sayf(m, "{\"kind\":\"listening\",\"more\":%" PRId64 "}", INT64_MAX);
	is_listed(m, "/b  :-1 -1; /b  :1 -1; /a?[2J?  :3 -1", "", "what has no room, is of the wrong type, or hostile");
	rows = top_model_rows(m);
	ok(rows->listening_more == (uint64_t)INT64_MAX + 1, "what found no room, here and there, is counted");
	top_rows_free(rows);
	is_counted(m, 0, true, "there may be more");
	waits(m, "/a", "\"lport\":1");
	say(m, "{\"kind\":\"listening\",\"error\":\"some\\n\"}");
	is_listed(m, "/a  :1 -1", "some?", "what was found before an error");
	is_counted(m, 1, true, "of a program, too");
	say(m, "{\"kind\":\"listening\",\"error\":\"no\"}");
	is_listed(m, "", "no", "an error that leaves nothing");
	is_counted(m, -1, true, "says nothing of a program");
	say(m, "{\"kind\":\"listening\",\"error\":5}");
	is_listed(m, "", "", "a look that finds none");
	waits(m, "/a", "\"lport\":1");
	top_model_away(m, "away");
	is_listed(m, "", "not known yet", "without the feed nothing is known");
	top_model_begin(m);
	say(m, "{\"kind\":\"listening\"}");
	is_listed(m, "", "", "and nothing is left of half a look");
	top_model_free(m);
}

static void test_tame(void)
{
	char marks[] = "\u0301e\u0301\u0301\u0301", flag[] = "🇩🇪👍🏽x", ascii[] = "日本 a\u0301";

	columns_tame(marks, true);
	is_str(marks, "?e\u0301\u0301?", "two marks stand on a letter, none on nothing");
	columns_tame(flag, true);
	is_str(flag, "??👍?x", "what terminals join is not shown");
	columns_tame(ascii, false);
	is_str(ascii, "?? a?", "beyond ASCII, nothing is");
}

static void is_order(struct top_rows *rows, enum top_column column, bool reverse, const char *want)
{
	struct top_look look = {.sort = column, .reverse = reverse};
	char got[8] = "";

	top_sort(rows, &look);
	for (size_t i = 0; i < rows->n_programs; i++)
		strcat(got, rows->programs[i].exe + 1);
	is_str(got, want, "by %s%s", top_column_title(column), reverse ? ", reversed" : "");
}

static void test_order(void)
{
	struct top_model *m = begin(TOP_LIMITS);
	struct top_rows *rows;

	traffic(m, "/b", 1, 5, 100);
	traffic(m, "/a", 1, 10, 20);
	traffic(m, "/a", 2, 10, 20);
	tick(m, 0, 500, 25, 140);
	sayf(m, "{\"kind\":\"traffic\",\"exe\":\"/c\",\"sent\":4000,\"received\":1}");
	waits(m, "/a", "\"lport\":1");
	waits(m, "/b", "\"lport\":1");
	waits(m, "/a", "\"lport\":1");
	say(m, "{\"kind\":\"listening\"}");
	rows = top_model_rows(m);
	is_order(rows, TOP_LISTENING, false, "abc");
	is_order(rows, TOP_PROGRAM, false, "abc");
	is_order(rows, TOP_PROGRAM, true, "cba");
	is_order(rows, TOP_SENT_RATE, false, "abc");
	is_order(rows, TOP_SENT_RATE, true, "cba");
	is_order(rows, TOP_RECEIVED_RATE, false, "bac");
	is_order(rows, TOP_RATE, false, "bac");
	is_order(rows, TOP_SENT, false, "cab");
	is_order(rows, TOP_RECEIVED, false, "bac");
	is_order(rows, TOP_TOTAL, true, "abc");
	is_order(rows, TOP_CONNECTIONS, false, "abc");
	is_order(rows, TOP_PEER, false, "bac");
	top_rows_free(rows);
	top_model_free(m);
}

int main(void)
{
	test_rates();
	test_away();
	test_bounds();
	test_hostile();
	test_listening();
	test_order();
	test_lines(false);
	if (ok(setlocale(LC_CTYPE, "C.UTF-8"), "there is a locale with UTF-8")) {
		test_lines(true);
		test_tame();
	}
	return tap_done();
}

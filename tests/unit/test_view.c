/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `picosnitch view` makes of keys and answers: questions, filters, history, orders; and lines of text. */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>

#include "core/base/columns.h"
#include "core/query/names.h"
#include "core/screen/press.h"
#include "core/view/dims.h"
#include "core/view/lines.h"
#include "tests/tap.h"
#include "tests/unit/view_answers.h"

#define NOW 1700000000
#define TEXT(s) s, (uint32_t)strlen(s)

static const struct view_said usual[] = {
    {TEXT("/usr/bin/curl"), 1000, 500000, NOW - 60},
    {TEXT("/usr/lib/firefox/firefox"), 20000, 3000, NOW - 50},
    {TEXT("/usr/sbin/sshd"), 40, 60, NOW - 5},
};
#define USUAL (sizeof(usual) / sizeof(*usual))

static void begin_with(struct view_model *m, int argc, char **argv)
{
	const char *why = NULL;
	struct ask ask;

	ok(ask_parse(&ask, argc, argv, NOW, &why) == 0, "the words are understood");
	view_model_init(m, &ask, NOW);
	view_model_room(m, 10, true);
	ask_done(&ask);
}

static void begin(struct view_model *m)
{
	char word[] = "view", *argv[] = {word, NULL};

	begin_with(m, 1, argv);
}

/* Answers all that is asked. How many questions there were. */
static unsigned settle(struct view_model *m, const struct view_said *said, size_t n)
{
	struct view_job *job;
	unsigned asked = 0;

	while ((job = view_model_next(m)) && ++asked < 20) {
		view_answer(job, said, n, NOW);
		view_model_take(m, job);
	}
	return asked;
}

static void key(struct view_model *m, uint32_t press)
{
	view_model_key(m, press, NOW);
}

static void key_settled(struct view_model *m, uint32_t press)
{
	key(m, press);
	settle(m, usual, USUAL);
}

static const char *selected(const struct view_model *m)
{
	const struct view_row *row = view_model_selected(m);

	return row ? row->shown : "none";
}

static const char *path(const struct view_model *m)
{
	static struct buf line;
	struct view_look look = {.width = 200, .utf8 = true, .store = "sqlite"};

	line.len = 0;
	view_put_head(&line, &look, m, VIEW_HEAD_PATH);
	while (line.len && line.data[line.len - 1] == ' ')
		line.len--;
	buf_put_u8(&line, 0);
	return (char *)line.data;
}

static void questions(void)
{
	struct view_model m;
	struct view_job *job;

	begin(&m);
	job = view_model_next(&m);
	ok(job && job->kind == VIEW_ROWS && job->by[0] == PS_BY_EXE && job->question.from == NOW - 86400 &&
	       job->question.to == INT64_MAX && job->question.order == PS_ORDER_TOTAL && job->question.coarse_ports,
	   "first the rows");
	ok(!view_model_next(&m), "one question at a time");
	view_answer(job, usual, USUAL, NOW);
	view_model_take(&m, job);
	ok(!m.pending && m.rows && m.rows->n == 3 && m.rows->groups == 3 && m.rows->sent == 21040, "they are taken");
	job = view_model_next(&m);
	ok(job && job->kind == VIEW_TRENDS && job->n_asked == 3 && job->question.n_filters == 3 &&
	       job->by[0] == PS_BY_TIME && job->by[1] == PS_BY_EXE && job->steps <= VIEW_STEPS_MAX,
	   "then trends of those in sight");
	view_answer(job, NULL, 0, NOW);
	view_model_take(&m, job);
	ok(m.rows->rows[1].trend && m.rows->rows[1].trend[1] == 101 && m.rows->rows[1].trend[0] == 0, "each its own");
	job = view_model_next(&m);
	ok(job && job->kind == VIEW_STATE && job->question.from == NOW - 86400 && job->by[0] == PS_BY_HOST,
	   "then who writes");
	view_answer(job, NULL, 0, NOW);
	view_model_take(&m, job);
	ok(m.n_hosts == 1 && m.hosts[0].last == NOW - 5 && !view_model_next(&m), "then nothing");
	key(&m, 'r');
	ok(m.pending, "r asks again");
	job = view_model_next(&m);
	key(&m, 'u');
	ok(!view_model_stale(&m, job), "a unit changes no question");
	key(&m, PRESS_TAB);
	ok(view_model_stale(&m, job), "another dimension does");
	job->err = -ECANCELED;
	view_model_take(&m, job);
	ok(m.pending && !m.failed, "one that was given up is no failure");
	job = view_model_next(&m);
	ok(job && job->by[0] == PS_BY_DOMAIN, "and the other is asked");
	job->err = -ETIME;
	job->why = "too long";
	view_model_take(&m, job);
	ok(!m.pending && m.failed && !view_model_next(&m), "an error ends it");
	is_str(m.why, "too long", "with its reason");
	key_settled(&m, 'r');
	ok(!m.failed && m.rows->n == 3, "until it is asked again");
	view_model_done(&m);
}

/* Of a store where nobody has written for long. */
static void state(void)
{
	struct view_model m;
	struct view_job *job;
	int64_t from[3] = {0};
	unsigned n = 0;

	begin(&m);
	m.trends = false;
	job = view_model_next(&m);
	view_answer(job, NULL, 0, NOW);
	view_model_take(&m, job);
	while ((job = view_model_next(&m)) && n < 3) {
		struct ps_answer answer;

		from[n++] = job->question.from;
		view_job_answer(job, &answer);
		view_model_take(&m, job);
	}
	ok(n == 3 && from[0] == NOW - 86400 && from[1] == NOW - 30 * 86400 && from[2] == INT64_MIN,
	   "who has written last is looked for further and further back");
	view_model_done(&m);
}

static void filters(void)
{
	struct view_model m;
	struct view_job *job;

	begin(&m);
	settle(&m, usual, USUAL);
	key(&m, PRESS_DOWN);
	key(&m, ' ');
	ok(m.by == PS_BY_DOMAIN && m.n_filters == 1, "space goes on to domains");
	is_str(path(&m), "exe=/usr/lib/firefox/firefox > by domain", "with a filter");
	key(&m, ' ');
	is_int(m.n_filters, 1, "rows of another question are no filters");
	settle(&m, usual, USUAL);
	key(&m, 'e');
	job = view_model_next(&m);
	ok(m.by == PS_BY_DOMAIN && job->question.n_filters == 2 && job->question.filters[1].exclude &&
	       !job->question.filters[0].exclude,
	   "e leaves out, and stays");
	view_answer(job, usual, USUAL, NOW);
	view_model_take(&m, job);
	job = view_model_next(&m);
	ok(job->kind == VIEW_TRENDS && job->question.n_filters == 2 + 3, "trends have the filters, and the rows' values");
	view_job_free(job);
	key_settled(&m, PRESS_ENTER);
	ok(m.by == PS_BY_RADDR, "Enter goes on to addresses");
	key_settled(&m, 'f');
	ok(m.by == PS_BY_RPORT && m.n_filters == 4, "f to ports");
	key(&m, 'E');
	settle(&m, usual, USUAL);
	ok(m.n_filters == 3 && m.by == PS_BY_DOMAIN, "E removes what is left out");
	is_str(path(&m), "exe=/usr/lib/firefox/firefox > domain=/usr/bin/curl > raddr=/usr/bin/curl > by domain",
	       "only that");
	key_settled(&m, 'E');
	is_str(m.said, "nothing is left out", "once");
	key_settled(&m, 'F');
	ok(m.n_filters == 2 && m.by == PS_BY_RADDR, "F the last that keeps");
	key_settled(&m, PRESS_BACKSPACE);
	key_settled(&m, PRESS_BACKSPACE);
	ok(m.n_filters == 0 && m.by == PS_BY_EXE, "backspace the last");
	is_str(selected(&m), "/usr/lib/firefox/firefox", "and selects what it was");
	key_settled(&m, PRESS_BACKSPACE);
	is_str(m.said, "there is no filter to remove", "and says when there is none");
	view_model_done(&m);
}

static void filters_at_start(void)
{
	char words[] = "view\0-b\0uid\0-f\0exe=/bin/a\0-x\0uid=0\0-l\0all\0-u\0MB\0-o\0sent", *argv[16];
	struct view_model m;
	struct view_job *job;
	int argc = 0;

	for (char *at = words; at < words + sizeof(words); at += strlen(at) + 1)
		argv[argc++] = at;
	argv[argc] = NULL;
	begin_with(&m, argc, argv);
	job = view_model_next(&m);
	ok(job->by[0] == PS_BY_UID && job->question.n_filters == 2 && job->question.from == INT64_MIN &&
	       job->question.order == PS_ORDER_SENT && m.units == ASK_MB,
	   "the command line's question");
	is_str(path(&m), "exe=/bin/a > uid!=root > by user", "is shown");
	view_job_free(job);
	view_model_done(&m);
}

static void time_and_ports(void)
{
	static const struct view_said hours[] = {{TEXT("1699999200"), 1, 2, NOW - 100},
	                                         {TEXT("1699995600"), 3, 4, NOW - 4000}};
	static const struct view_said ports[] = {{TEXT("-2"), 1, 2, NOW}, {TEXT("443"), 3, 4, NOW}, {TEXT("0"), 3, 4, NOW}};
	struct view_model m;
	struct view_job *job;
	int64_t from, to, step;

	begin(&m);
	settle(&m, usual, USUAL);
	key(&m, '0');
	job = view_model_next(&m);
	ok(job->by[0] == PS_BY_TIME && job->question.step > 0 && job->question.order == PS_ORDER_TIME, "steps of time");
	step = job->question.step;
	view_answer(job, hours, 2, NOW);
	view_model_take(&m, job);
	settle(&m, hours, 2);
	key(&m, 'e');
	ok(m.n_filters == 0 && m.said[0], "no step is left out");
	key(&m, PRESS_DOWN);
	key(&m, ' ');
	range_window(&m.range, m.now, &from, &to);
	ok(m.by == PS_BY_EXE && from == 1699995600 && to == from + step, "space narrows the time");
	settle(&m, usual, USUAL);
	key_settled(&m, PRESS_BACKSPACE);
	range_window(&m.range, m.now, &from, &to);
	ok(m.by == PS_BY_TIME && from == NOW - 86400 && to == INT64_MAX, "backspace widens it again");
	key(&m, PRESS_TAB);
	ok(m.order == PS_ORDER_TOTAL, "the order is that of before");
	key(&m, '4');
	settle(&m, ports, 3);
	is_str(selected(&m), "ports of clients", "ports of clients are one");
	ok(m.rows->rows[0].trend && strcmp(m.rows->rows[2].shown, "-") == 0, "without a trend; 0 is not known");
	key(&m, 'e');
	is_int(m.n_filters, 0, "they are not left out");
	key(&m, ' ');
	job = view_model_next(&m);
	ok(job->by[0] == PS_BY_RPORT && !job->question.coarse_ports && !m.n_filters, "space shows each");
	view_job_free(job);
	view_model_done(&m);
}

static void history(void)
{
	struct view_model m;
	int64_t from, to;

	begin(&m);
	settle(&m, usual, USUAL);
	key(&m, 'H');
	is_str(m.said, "this is the latest", "H: nothing is after now");
	key(&m, 'h');
	range_window(&m.range, m.now, &from, &to);
	ok(to <= NOW && to > NOW - 86400 - 1 && m.pending, "h: the day before");
	settle(&m, usual, USUAL);
	view_model_key(&m, 'r', NOW + 100000);
	settle(&m, usual, USUAL);
	range_window(&m.range, m.now, &from, &to);
	ok(to <= NOW, "it stays when it is asked again");
	view_model_key(&m, 'H', NOW + 100000);
	range_window(&m.range, m.now, &from, &to);
	ok(from == NOW + 100000 - 86400, "H: what ends now ends now");
	key(&m, 't');
	is_int(m.range.length, 3 * 86400, "t: three days");
	key(&m, 'T');
	key(&m, 'T');
	is_int(m.range.length, 12 * 3600, "T: half a day");
	while (m.range.length)
		key(&m, 't');
	key(&m, 'h');
	ok(m.said[0] && !m.range.back, "all has no history");
	view_model_done(&m);
}

static void orders(void)
{
	static const struct {
		const char *first;
		enum ps_order order;
		bool asks;
	} want[] = {{"/usr/lib/firefox/firefox", PS_ORDER_SENT, false},
	            {"/usr/bin/curl", PS_ORDER_RECEIVED, false},
	            {"/usr/bin/curl", PS_ORDER_CALLS, false},
	            {"/usr/sbin/sshd", PS_ORDER_TIME, false},
	            {"/usr/sbin/sshd", PS_ORDER_KEY, true},
	            {"/usr/bin/curl", PS_ORDER_TOTAL, false}};
	struct view_model m;

	begin(&m);
	settle(&m, usual, USUAL);
	key(&m, PRESS_DOWN);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		key(&m, 's');
		ok(m.order == want[i].order && m.pending == want[i].asks, "s: order %d", (int)m.order);
		is_str(m.rows->rows[0].shown, want[i].first, "the first");
		/* The answer has no order of its own here. */
		settle(&m, usual, USUAL);
		is_str(selected(&m), "/usr/lib/firefox/firefox", "what was selected is");
	}
	key(&m, 'S');
	ok(m.order == PS_ORDER_KEY, "S: the one before");
	view_model_done(&m);
}

static void select_and_find(void)
{
	struct view_model m;

	begin(&m);
	settle(&m, usual, USUAL);
	key(&m, PRESS_UP);
	is_int(m.selected, 0, "up of the first");
	key(&m, 'j');
	key(&m, PRESS_PAGE_DOWN);
	is_int(m.selected, 2, "to the last");
	key(&m, 'k');
	key(&m, PRESS_HOME);
	key(&m, PRESS_END);
	is_int(m.selected, 2, "End");
	view_model_room(&m, 1, true);
	ok(m.top == 2, "it stays in sight");
	key(&m, '/');
	for (const char *at = "CURLx"; *at; at++)
		key(&m, (uint32_t)*at);
	key(&m, PRESS_BACKSPACE);
	key(&m, PRESS_ENTER);
	ok(m.selected == 0 && m.mode == VIEW_LIST && m.top == 0, "found");
	key(&m, 'n');
	ok(m.selected == 0 && !m.said[0], "the only one");
	key(&m, '/');
	key(&m, 'z');
	key(&m, PRESS_ENTER);
	is_str(m.said, "not found", "not found");
	key(&m, '/');
	key(&m, 'q');
	key(&m, PRESS_ESCAPE);
	ok(m.mode == VIEW_LIST && !m.quit, "given up");
	key(&m, '?');
	ok(m.mode == VIEW_HELP, "help");
	key(&m, 'x');
	key(&m, 'v');
	ok(m.mode == VIEW_WHOLE, "all of it");
	key(&m, 'x');
	key(&m, 'd');
	ok(m.mode == VIEW_MENU, "the menu");
	key(&m, PRESS_DOWN);
	key(&m, PRESS_ENTER);
	ok(m.mode == VIEW_LIST && m.by == PS_BY_DOMAIN, "the next of it");
	key(&m, 'q');
	ok(m.quit, "quit");
	view_model_done(&m);
}

/* Each dimension can be come to, by the menu and by Tab. */
static void dimensions(void)
{
	bool seen[PS_DIMENSIONS] = {false};
	struct view_model m;
	unsigned n = 0;

	for (unsigned i = 0; i < PS_DIMENSIONS; i++)
		if (dims_at(i) >= PS_DIMENSIONS || dims_place(dims_at(i)) != i ||
		    dims_of_key((uint32_t)dims_key(i)) != dims_at(i) || !*dims_title(dims_at(i)))
			ok(0, "place %u", i);
	begin(&m);
	for (unsigned i = 0; i < PS_DIMENSIONS; i++) {
		n += !seen[m.by];
		seen[m.by] = true;
		key_settled(&m, PRESS_TAB);
	}
	ok(n == PS_DIMENSIONS && m.by == PS_BY_EXE, "Tab goes through all %u", n);
	key(&m, PRESS_BACKTAB);
	ok(m.by == dims_at(PS_DIMENSIONS - 1), "and back");
	for (unsigned i = 0; i < PS_DIMENSIONS; i++) {
		key_settled(&m, 'd');
		key_settled(&m, (uint32_t)dims_key(i));
		if (m.by != dims_at(i))
			ok(0, "d and %c", dims_key(i));
	}
	view_model_done(&m);
}

static void bounds(void)
{
	struct view_said said = {.value = "x", .len = 1, .sent = UINT64_MAX, .received = UINT64_MAX, .last = NOW};
	struct view_model m;
	struct view_job *job;
	struct ps_answer answer;
	struct ps_text value;
	char *large = mem_alloc(1 << 20), number[24];

	begin(&m);
	job = view_model_next(&m);
	view_job_answer(job, &answer);
	for (unsigned i = 0; i < VIEW_ROWS_MAX + 5; i++) {
		value = (struct ps_text){number, (uint32_t)snprintf(number, sizeof(number), "%u", i)};
		view_say_row(&answer, &value, &said);
	}
	view_model_take(&m, job);
	ok(m.rows->n == VIEW_ROWS_MAX && m.rows->groups == VIEW_ROWS_MAX + 5, "rows are bounded, and counted");
	ok(m.rows->sent == UINT64_MAX, "sums stop at the largest number");
	key(&m, 's');
	ok(m.pending, "where not all are here, the store sorts");
	job = view_model_next(&m);
	view_job_answer(job, &answer);
	memset(large, '\x1b', 1 << 20);
	for (unsigned i = 0; i < 100; i++) {
		value = (struct ps_text){large, 1 << 20};
		view_say_row(&answer, &value, &said);
	}
	view_model_take(&m, job);
	ok(m.rows->n == 64 && m.rows->groups == 100 && strlen(m.rows->rows[0].shown) < VIEW_SHOWN_MAX &&
	       m.rows->rows[0].shown[0] == '?',
	   "so are their bytes, and what is shown is tame");
	free(large);
	view_model_done(&m);
}

/* All lines are as wide as they are told, whatever is in them. */
static void lines(void)
{
	static const char evil[] = "/opt/\xcc\x81\xcc\x81\xe6\x97\xa5\xe2\x80\xae\x1b[2J\n\t\xff\xfe\xf0\x9f\x91\x8d";
	const struct view_said said[] = {{evil, sizeof(evil) - 1, 1ULL << 62, 1ULL << 62, NOW},
	                                 {"", 0, 0, 0, INT64_MAX / 2},
	                                 {TEXT("x"), 5, 5, INT64_MIN / 2}};
	unsigned wrong = 0;
	struct view_model m;
	struct buf line;

	buf_init(&line);
	begin(&m);
	settle(&m, said, 3);
	key(&m, ' ');
	settle(&m, said, 3);
	for (unsigned width = 1; width < 310; width += width < 60 ? 1 : 13)
		for (unsigned utf8 = 0; utf8 < 2; utf8++) {
			struct view_look look = {.width = width, .utf8 = utf8, .store = evil, .now = NOW, .waited_ms = 1234};
			unsigned kinds = VIEW_HEADS + 4 + (unsigned)m.rows->n;

			for (unsigned kind = 0; kind < kinds; kind++) {
				line.len = 0;
				if (kind < VIEW_HEADS)
					view_put_head(&line, &look, &m, kind);
				else if (kind == VIEW_HEADS)
					view_put_brief(&line, &look, &m);
				else if (kind == VIEW_HEADS + 1)
					view_put_titles(&line, &look, &m);
				else if (kind == VIEW_HEADS + 2)
					view_put_foot(&line, &look, &m);
				else if (kind == VIEW_HEADS + 3)
					view_put_whole(&line, &look, &m, 1);
				else
					view_put_row(&line, &look, &m, &m.rows->rows[kind - VIEW_HEADS - 4]);
				buf_put_u8(&line, 0);
				if (columns_text((char *)line.data) != width) {
					printf("# %u of %u: %s\n", kind, width, (char *)line.data);
					wrong++;
				}
				for (size_t i = 0; i + 1 < line.len; i++)
					wrong += line.data[i] < ' ' || line.data[i] == 127 || (!utf8 && line.data[i] > 127);
			}
		}
	is_int(wrong, 0, "lines of all widths");
	buf_done(&line);
	view_model_done(&m);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	setlocale(LC_CTYPE, "C.UTF-8");
	questions();
	state();
	filters();
	filters_at_start();
	time_and_ports();
	history();
	orders();
	select_and_find();
	dimensions();
	bounds();
	lines();
	return tap_done();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/ledger/losses.h"
#include "tests/tap.h"

static unsigned lines;
static char last_line[4096];

static void on_line(enum log_level level, const char *line)
{
	(void)level;
	lines++;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

struct sums {
	unsigned records;
	uint64_t count, sent;
};

static void add_up(void *arg, const struct ps_record *r, const char *text)
{
	struct sums *s = arg;

	(void)text;
	s->records++;
	s->count += r->alert.count;
	s->sent += r->alert.sent;
}

static struct sums window(struct losses *l)
{
	struct sums s = {0};

	losses_take(l, add_up, &s);
	return s;
}

/* error.log has a line when it begins and one when it has ended; the store a record for each window. */
static void test_lasting(void)
{
	struct losses *l = losses_open();
	struct sums s;

	lines = 0;
	for (unsigned i = 0; i < 5; i++) {
		losses_add(l, PS_STAGE_RING, 2, 0, 0, "no room");
		losses_add(l, PS_STAGE_RING, 1, 7, 0, "no room");
		s = window(l);
		ok(s.records == 1 && s.count == 3 && s.sent == 7, "window %u has a record of its own loss", i);
	}
	is_int(lines, 1, "it is logged once");
	is_int(losses_waiting(l), 0, "nothing waits");
	s = window(l);
	is_int(s.records, 0, "a window without it has none");
	is_int(lines, 2, "and its end is logged");
	ok(strstr(last_line, "15 times, in 5 windows"), "with the sum: %s", last_line);
	losses_add(l, PS_STAGE_RING, 1, 0, 0, "no room");
	is_int(lines, 3, "when it comes back, that is news");
	window(l);
	window(l);
	is_int(lines, 3, "what was there in one window only needs no end");
	losses_add_range(l, PS_STAGE_RESTART, 1, 2, 1, 0, 0, "a gap");
	window(l);
	losses_add_range(l, PS_STAGE_RESTART, 3, 4, 1, 0, 0, "a gap");
	is_int(lines, 5, "each range of time is told");
	losses_close(l);
}

static void test_many(void)
{
	struct losses *l = losses_open();
	struct losses_total total;
	struct sums s;

	lines = 0;
	for (unsigned i = 0; i < 1000; i++)
		losses_add(l, i % 2 ? PS_STAGE_HASH : PS_STAGE_SINK, 1, 0, 0, "kind %u", i);
	s = window(l);
	is_int(s.count, 1000, "of a thousand kinds each is counted");
	is_int(s.records, 258, "in bounded room: those of too many by their stage");
	is_int(lines, 258, "and in bounded lines");
	is_int(losses_totals(l, &total, 1), 1, "there are totals");
	is_int(total.count, 500, "by stage");
	losses_close(l);
}

int main(void)
{
	log_setup("test", LOG_LEVEL_ERROR, 0);
	log_hook(on_line);
	test_lasting();
	test_many();
	return tap_done();
}

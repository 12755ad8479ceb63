/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GET /metrics: for Prometheus, in its text format 0.0.4.
 *
 * A sum over what is stored shrinks when old rows go. So programs' counters count from the start of this process: what
 * the store has since `from`, and a base of what was before. A program that has a label keeps it, and one that has
 * none never gets it: so none of the counters can fall.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "core/daemon/pidfile.h"
#include "core/dash/answer.h"

enum {
	PROGRAMS_MAX = 50,
	PROGRAMS_KNOWN = 40, /* labels for the largest of the day before; the rest is for those that come */
	EXE_MAX = 1024,      /* bytes of a label; longer ones are among the others */
	DAY = 86400,
};

struct sums {
	uint64_t sent, received, calls;
};

struct program {
	char *exe;
	struct sums base, since;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* With the lock. The last one is all others. */
static struct program programs[PROGRAMS_MAX + 1];
static unsigned n_programs;
static int64_t from;

struct loss_count {
	char stage[32];
	uint64_t count, bytes;
};

struct look {
	struct loss_count losses[32];
	unsigned n_losses;
	uint64_t hosts;
};

static struct sums *place(const struct ps_answer_row *row, int base, unsigned most)
{
	struct ps_text exe = row->values[0];
	struct program *p = &programs[PROGRAMS_MAX];

	for (unsigned i = 0; i < n_programs; i++)
		if (strlen(programs[i].exe) == exe.len && memcmp(programs[i].exe, exe.data, exe.len) == 0)
			p = &programs[i];
	if (p == &programs[PROGRAMS_MAX] && n_programs < most && exe.len && exe.len <= EXE_MAX) {
		p = &programs[n_programs++];
		p->exe = mem_copy(exe.data, exe.len + 1);
	}
	return base ? &p->base : &p->since;
}

static void add(struct sums *to, const struct ps_answer_row *row)
{
	to->sent += row->sent;
	to->received += row->received;
	to->calls += row->calls;
}

static int name_row(void *arg, const struct ps_answer_row *row)
{
	(void)arg;
	place(row, 0, PROGRAMS_KNOWN);
	return n_programs == PROGRAMS_KNOWN;
}

static int base_row(void *arg, const struct ps_answer_row *row)
{
	(void)arg;
	add(place(row, 1, PROGRAMS_MAX), row);
	return 0;
}

static int since_row(void *arg, const struct ps_answer_row *row)
{
	(void)arg;
	add(place(row, 0, PROGRAMS_MAX), row);
	return 0;
}

static int host_row(void *arg, const struct ps_answer_row *row)
{
	struct look *look = arg;

	(void)row;
	look->hosts++;
	return 0;
}

static void take_loss(void *arg, const struct ps_answer_loss *loss)
{
	struct look *look = arg;
	struct loss_count *c = &look->losses[look->n_losses];

	if (look->n_losses == sizeof(look->losses) / sizeof(look->losses[0]) || loss->stage.len >= sizeof(c->stage))
		return;
	memcpy(c->stage, loss->stage.data, loss->stage.len);
	c->stage[loss->stage.len] = 0;
	c->count = loss->count;
	c->bytes = loss->sent + loss->received;
	look->n_losses++;
}

static int ask_by(struct asking *a, enum ps_dimension by, int64_t begin, int64_t end,
                  int (*row)(void *, const struct ps_answer_row *), void *arg)
{
	const struct ps_question q = {.from = begin, .to = end, .by = &by, .n_by = 1};
	struct ps_answer to = {.arg = arg, .row = row};

	return answer_ask(a, &q, &to);
}

/* Rows may come late by a day: so what is older has become the base. */
static int count_programs(struct asking *a)
{
	int r = 0;

	if (!from) {
		r = ask_by(a, PS_BY_EXE, a->now - DAY, INT64_MAX, name_row, NULL);
		if (r == 0)
			from = a->now;
	}
	while (r == 0 && a->now - from > 2 * DAY) {
		r = ask_by(a, PS_BY_EXE, from, from + DAY, base_row, NULL);
		if (r == 0)
			from += DAY;
	}
	if (r < 0)
		return r;
	for (unsigned i = 0; i <= PROGRAMS_MAX; i++)
		programs[i].since = (struct sums){0};
	return ask_by(a, PS_BY_EXE, from, INT64_MAX, since_row, NULL);
}

static void put_label(struct buf *out, const char *value)
{
	for (; *value; value++)
		if (*value == '\n')
			buf_put_str(out, "\\n");
		else if (*value == '"' || *value == '\\')
			buf_printf(out, "\\%c", *value);
		else
			buf_put_u8(out, (uint8_t)*value);
}

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_one(struct buf *out, const char *name, const char *help, uint64_t n)
{
	put_head(out, name, "gauge", help);
	buf_printf(out, "%s %" PRIu64 "\n", name, n);
}

static void put_programs(struct buf *out)
{
	static const struct {
		const char *name, *help;
		size_t at;
	} counters[] = {
	    {"picosnitch_sent_bytes_total", "Bytes that a program has sent since the dash was started.",
	     offsetof(struct sums, sent)},
	    {"picosnitch_received_bytes_total", "Bytes that a program has received since the dash was started.",
	     offsetof(struct sums, received)},
	    {"picosnitch_calls_total", "Calls by which a program has sent or received since the dash was started.",
	     offsetof(struct sums, calls)},
	};

	for (size_t c = 0; c < sizeof(counters) / sizeof(*counters); c++) {
		put_head(out, counters[c].name, "counter", counters[c].help);
		for (unsigned i = 0; i <= PROGRAMS_MAX; i++) {
			const struct program *p = &programs[i];
			uint64_t base, since;

			if (i >= n_programs && i < PROGRAMS_MAX)
				continue;
			memcpy(&base, (const char *)&p->base + counters[c].at, sizeof(base));
			memcpy(&since, (const char *)&p->since + counters[c].at, sizeof(since));
			buf_printf(out, "%s{exe=\"", counters[c].name);
			put_label(out, i < PROGRAMS_MAX ? p->exe : "(other)");
			buf_printf(out, "\"} %" PRIu64 "\n", base + since);
		}
	}
}

static void put_losses(struct buf *out, const struct look *look)
{
	put_head(out, "picosnitch_losses_last_day", "gauge", "What was lost in the last 24 hours, by stage: how many.");
	for (unsigned i = 0; i < look->n_losses; i++)
		buf_printf(out, "picosnitch_losses_last_day{stage=\"%s\"} %" PRIu64 "\n", look->losses[i].stage,
		           look->losses[i].count);
	put_head(out, "picosnitch_lost_bytes_last_day", "gauge", "The same: bytes of traffic.");
	for (unsigned i = 0; i < look->n_losses; i++)
		buf_printf(out, "picosnitch_lost_bytes_last_day{stage=\"%s\"} %" PRIu64 "\n", look->losses[i].stage,
		           look->losses[i].bytes);
}

static int put_store(struct asking *a, struct buf *out)
{
	enum ps_dimension by = PS_BY_HOST;
	const struct ps_question day = {.from = a->now - DAY, .to = INT64_MAX, .by = &by, .n_by = 1};
	struct look look = {0};
	struct ps_answer to = {.arg = &look, .row = host_row, .loss = take_loss};
	struct extent extent;
	/* First, as it ends with the time that Prometheus has, and another's look for the extent does not. */
	int r = answer_ask(a, &day, &to);

	if (r == 0)
		r = answer_extent(a, &extent);
	if (r == 0)
		r = count_programs(a);
	if (r < 0)
		return r;
	put_one(out, "picosnitch_store_rows", "Rows in the store.", extent.rows);
	if (extent.rows) {
		put_one(out, "picosnitch_store_first_timestamp_seconds", "When the first row was recorded.",
		        (uint64_t)extent.first);
		put_one(out, "picosnitch_store_last_timestamp_seconds", "When the last row was recorded.",
		        (uint64_t)extent.last);
	}
	put_one(out, "picosnitch_hosts", "Machines that have recorded something in the last 24 hours.", look.hosts);
	put_losses(out, &look);
	put_programs(out);
	return 0;
}

void answer_metrics(struct asking *a)
{
	struct buf out = {0}, store = {0};
	struct ask none;
	int r = answer_read(a, &none, "", "");

	ask_done(&none);
	if (r < 0)
		return;
	/* A second scrape does not wait for the first. */
	if (pthread_mutex_trylock(&lock)) {
		reply_error(a->reply, MHD_HTTP_SERVICE_UNAVAILABLE, "the metrics are being read already");
		return;
	}
	r = a->store->reader ? put_store(a, &store) : -ENODATA;
	pthread_mutex_unlock(&lock);
	/* That the store is away is a metric, too. */
	reply_done(a->reply);
	reply_init(a->reply);
	put_head(&out, "picosnitch_build_info", "gauge", "The version.");
	buf_printf(&out, "picosnitch_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
	put_one(&out, "picosnitch_up", "Whether the daemon of this machine runs.", pidfile_find(a->dash->options->run) > 0);
	put_one(&out, "picosnitch_store_up", "Whether the store can be asked.", r == 0);
	if (r == 0)
		buf_put(&out, store.data, store.len);
	buf_done(&store);
	a->reply->type = "text/plain; version=0.0.4; charset=utf-8";
	a->reply->body = out;
}

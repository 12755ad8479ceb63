/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions about countries, to a store that does not know them: as exact as adding up its answers by hand. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/query/fold.h"
#include "core/query/names.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/fake_host.h"
#include "tests/tap.h"

#define NOW 1700000000
#define QUESTIONS 300

static const struct ps_reader *reader;
static void *self;
static struct country *db;

static uint64_t state = 88172645463325252ULL;

static uint64_t chance(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

/* Where they are: AU, US, US, NL, private, private, loopback, documentation; and US, by IPv6. */
static const uint8_t addresses[][4] = {{1, 0, 0, 0},  {1, 1, 1, 0},     {8, 8, 8, 0},   {193, 0, 0, 0},
                                       {10, 0, 0, 0}, {192, 168, 1, 0}, {127, 0, 0, 0}, {203, 0, 113, 0}};

static void fill(struct made *m, uint64_t seq)
{
	made_usual(m, seq, 0, NOW);
	for (unsigned i = 0; i < 400; i++) {
		struct ps_traffic *t = &made_traffic(m, NOW + (int64_t)chance(3600))->traffic;

		t->exe = 1 + (uint32_t)chance(4);
		t->parent = 1 + (uint32_t)chance(2);
		t->grandparent = 0;
		t->uid = 9 + (uint32_t)chance(3);
		t->rport = chance(2) ? 443 : 53;
		memcpy(t->raddr.bytes, addresses[chance(sizeof(addresses) / 4)], 4);
		t->raddr.bytes[3] = (uint8_t)chance(30);
		if (!chance(8)) {
			static const uint8_t ipv6[16] = {0x26, 0x06, 0x47, 0x00};

			memcpy(t->raddr.bytes, ipv6, 16);
			t->raddr.family = 10;
		} else if (!chance(8)) {
			t->raddr = (struct ps_addr){0};
		}
		t->sent = chance(90) ? chance(1000) : INT64_MAX / 2000;
		t->received = chance(20);
		t->calls = 1 + chance(3);
	}
	made_alert(m, NOW, "no room");
	made_program(m, NOW, "seen")->program.exe = 1;
}

/* An answer, as lines: values, then counts. */
struct answer {
	struct line {
		char *values;
		struct ps_answer_row row;
	} * lines;
	unsigned n, losses, audits, events, enough;
	const struct ps_question *q;
	int by_hand; /* the rows are of the question's dimensions but countries, and of remote addresses */
};

static char *text_of(const struct answer *a, const struct ps_answer_row *row, const char *country)
{
	struct buf out;
	uint32_t at = 0;

	buf_init(&out);
	for (uint32_t i = 0; i < a->q->n_by; i++) {
		if (a->by_hand && a->q->by[i] == PS_BY_COUNTRY)
			buf_put_str(&out, country);
		else
			buf_put_str(&out, row->values[at++].data);
		buf_put_u8(&out, '|');
	}
	buf_put_u8(&out, 0);
	return (char *)out.data;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a + b > INT64_MAX ? INT64_MAX : a + b;
}

static int wanted_by_hand(const struct ps_question *q, const char *country)
{
	int any = 0, one = 0;

	for (uint32_t i = 0; i < q->n_filters; i++)
		if (q->filters[i].dimension == PS_BY_COUNTRY) {
			int is = strcmp(q->filters[i].value.data, country) == 0;

			if (q->filters[i].exclude && is)
				return 0;
			any += !q->filters[i].exclude;
			one += !q->filters[i].exclude && is;
		}
	return !any || one;
}

static int on_row(void *arg, const struct ps_answer_row *row)
{
	struct answer *a = arg;
	char country[COUNTRY_SIZE] = "", *text;
	unsigned i = 0;

	if (a->by_hand) {
		country_of(db, row->values[a->by_hand - 1], country);
		if (!wanted_by_hand(a->q, country))
			return 0;
	}
	text = text_of(a, row, country);
	while (i < a->n && strcmp(a->lines[i].values, text) != 0)
		i++;
	if (i < a->n && a->by_hand) {
		struct ps_answer_row *to = &a->lines[i].row;

		to->sent = add(to->sent, row->sent);
		to->received += row->received;
		to->calls += row->calls;
		to->rows += row->rows;
		to->first = row->first < to->first ? row->first : to->first;
		to->last = row->last > to->last ? row->last : to->last;
		free(text);
	} else {
		a->lines = mem_resize(a->lines, (a->n + 1) * sizeof(*a->lines));
		a->lines[a->n++] = (struct line){text, *row};
	}
	return a->enough && a->n == a->enough;
}

static void on_loss(void *arg, const struct ps_answer_loss *loss)
{
	(void)loss;
	((struct answer *)arg)->losses++;
}

static int on_event(void *arg, const struct ps_answer_event *event)
{
	(void)event;
	((struct answer *)arg)->events++;
	return 0;
}

static void done(struct answer *a)
{
	while (a->n)
		free(a->lines[--a->n].values);
	free(a->lines);
}

static void ask(struct answer *a, const struct ps_question *q)
{
	struct ps_answer to = {.arg = a, .row = on_row, .loss = on_loss};

	*a = (struct answer){.q = q};
	if (fold_ask(reader, self, db, q, &to) != 0)
		ok(0, "it answers");
}

/* The same from the reader's own answers, in no order. */
static void ask_by_hand(struct answer *a, const struct ps_question *q)
{
	struct ps_answer to = {.arg = a, .row = on_row};
	enum ps_dimension by[PS_DIMENSIONS + 1];
	struct ps_filter filters[8];
	struct ps_question inner = *q;

	*a = (struct answer){.q = q};
	inner.n_by = inner.n_filters = inner.limit = 0;
	inner.by = by;
	inner.filters = filters;
	for (uint32_t i = 0; i < q->n_by; i++)
		if (q->by[i] != PS_BY_COUNTRY) {
			if (q->by[i] == PS_BY_RADDR)
				a->by_hand = (int)inner.n_by + 1;
			by[inner.n_by++] = q->by[i];
		}
	if (!a->by_hand) {
		a->by_hand = (int)inner.n_by + 1;
		by[inner.n_by++] = PS_BY_RADDR;
	}
	for (uint32_t i = 0; i < q->n_filters; i++)
		if (q->filters[i].dimension != PS_BY_COUNTRY)
			filters[inner.n_filters++] = q->filters[i];
	if (reader->ask(self, &inner, &to) != 0)
		ok(0, "the store answers");
}

static int same_counts(const struct ps_answer_row *a, const struct ps_answer_row *b)
{
	return a->sent == b->sent && a->received == b->received && a->calls == b->calls && a->rows == b->rows &&
	       a->first == b->first && a->last == b->last;
}

static uint64_t measure(const struct ps_answer_row *row, enum ps_order order)
{
	return order == PS_ORDER_TOTAL      ? row->sent + row->received
	       : order == PS_ORDER_SENT     ? row->sent
	       : order == PS_ORDER_RECEIVED ? row->received
	       : order == PS_ORDER_CALLS    ? row->calls
	       : order == PS_ORDER_TIME     ? (uint64_t)row->last
	                                    : 0;
}

/* What is wrong with an answer, or NULL. */
static const char *judge(const struct ps_question *q)
{
	struct ps_question unlimited = *q;
	struct answer got, want, all;
	const char *wrong = NULL;

	unlimited.limit = 0;
	ask(&got, q);
	ask(&all, &unlimited);
	ask_by_hand(&want, q);
	if (all.n != want.n)
		wrong = "another number of groups";
	for (unsigned i = 0, k; i < all.n && !wrong; i++) {
		for (k = 0; k < want.n && strcmp(all.lines[i].values, want.lines[k].values) != 0; k++)
			;
		wrong = k == want.n                                           ? "a group that is none"
		        : !same_counts(&all.lines[i].row, &want.lines[k].row) ? "other counts"
		                                                              : NULL;
		if (!wrong && i && measure(&all.lines[i - 1].row, q->order) < measure(&all.lines[i].row, q->order))
			wrong = "not in order";
	}
	if (got.n != (q->limit && q->limit < all.n ? q->limit : all.n))
		wrong = "another number of rows";
	for (unsigned i = 0; i < got.n && !wrong; i++)
		if (strcmp(got.lines[i].values, all.lines[i].values) != 0)
			wrong = "not the first of all";
	if (got.losses != 1)
		wrong = "no loss";
	done(&got);
	done(&want);
	done(&all);
	return wrong;
}

static void test_random(void)
{
	static const enum ps_dimension some[] = {PS_BY_COUNTRY, PS_BY_COUNTRY, PS_BY_RADDR, PS_BY_EXE,
	                                         PS_BY_UID,     PS_BY_RPORT,   PS_BY_TIME,  PS_BY_DIRECTION};
	static const char *const countries[] = {"US", "NL", "AU", "private", "loopback", "", "DE", "documentation"};
	unsigned wrong = 0;

	for (unsigned n = 0; n < QUESTIONS; n++) {
		enum ps_dimension by[4];
		struct ps_filter filters[4];
		struct ps_question q = {.from = INT64_MIN, .to = INT64_MAX, .by = by, .filters = filters, .step = 900};
		const char *why;

		for (uint64_t i = chance(4); q.n_by < i;) {
			enum ps_dimension d = some[chance(sizeof(some) / sizeof(*some))];
			uint32_t k = 0;

			while (k < q.n_by && by[k] != d)
				k++;
			if (k == q.n_by)
				by[q.n_by++] = d;
		}
		for (uint64_t i = chance(4); q.n_filters < i;) {
			const char *value = countries[chance(sizeof(countries) / sizeof(*countries))];

			filters[q.n_filters++] =
			    (struct ps_filter){PS_BY_COUNTRY, (int)chance(2), {value, (uint32_t)strlen(value)}};
		}
		if (chance(3) == 0)
			filters[q.n_filters++] = (struct ps_filter){PS_BY_RPORT, 0, {"443", 3}};
		q.order = (enum ps_order)chance(PS_ORDER_KEY + 1);
		q.limit = chance(2) ? 0 : 1 + (uint32_t)chance(6);
		why = judge(&q);
		if (why && !wrong++) {
			printf("# %s: by", why);
			for (uint32_t i = 0; i < q.n_by; i++)
				printf(" %s", names_dimension(by[i]));
			for (uint32_t i = 0; i < q.n_filters; i++)
				printf(", %s \"%s\"", filters[i].exclude ? "not" : "only", filters[i].value.data);
			printf(", order %d, limit %u\n", (int)q.order, q.limit);
		}
	}
	is_int(wrong, 0, "%d questions are answered as by hand", QUESTIONS);
}

/* Equal in order by key: to the byte what a store would say, if it knew. */
static void test_order(void)
{
	enum ps_dimension by[] = {PS_BY_COUNTRY, PS_BY_UID};
	struct ps_question q = {.from = INT64_MIN, .to = INT64_MAX, .by = by, .n_by = 2, .order = PS_ORDER_KEY};
	struct buf got;
	struct answer a;

	ask(&a, &q);
	buf_init(&got);
	for (unsigned i = 0; i < a.n; i++)
		buf_put_str(&got, a.lines[i].values);
	buf_put_u8(&got, 0);
	is_str((char *)got.data,
	       "|9||10||11|AU|9|AU|10|AU|11|NL|9|NL|10|NL|11|US|9|US|10|US|11|documentation|9|documentation|10|"
	       "documentation|11|loopback|9|loopback|10|loopback|11|private|9|private|10|private|11|",
	       "texts by their bytes, numbers as numbers");
	buf_done(&got);
	done(&a);
}

static void test_others(void)
{
	enum ps_dimension by = PS_BY_COUNTRY;
	struct ps_filter filter = {PS_BY_COUNTRY, 0, {"US", 2}};
	struct ps_question q = {.from = INT64_MIN,
	                        .to = INT64_MAX,
	                        .by = &by,
	                        .n_by = 1,
	                        .order = PS_ORDER_TOTAL,
	                        .limit = 1,
	                        .kinds = PS_PROGRAM};
	struct answer a = {.q = &q, .enough = 2};
	struct ps_answer to = {.arg = &a, .row = on_row, .loss = on_loss, .event = on_event};

	is_int(fold_ask(reader, self, db, &q, &to), 0, "rows, losses and events at once");
	ok(a.n == 1 && a.losses == 1 && a.events == 1, "each once, as many as the limit says");
	done(&a);
	q.limit = 0;
	a = (struct answer){.q = &q, .enough = 2};
	is_int(fold_ask(reader, self, db, &q, &to), 0, "who has enough");
	is_int(a.n, 2, "gets no more");
	done(&a);
	by = PS_BY_RADDR;
	q.filters = &filter;
	q.n_filters = 1;
	a = (struct answer){.q = &q, .enough = 2};
	is_int(fold_ask(reader, self, db, &q, &to), 0, "nor where nothing is folded");
	is_int(a.n, 2, "after two");
	done(&a);
	a = (struct answer){.q = &q};
	to.row = NULL;
	is_int(fold_ask(reader, self, db, &q, &to), 0, "losses and events alone");
	ok(a.n == 0 && a.losses == 1 && a.events == 3, "are told");
	to.row = on_row;
	ask(&a, &q);
	ok(a.n > 20, "all of one country: %u addresses", a.n);
	done(&a);
	country_close(db);
	db = NULL;
	ask(&a, &q);
	is_int(a.n, 0, "of which none is known without a database");
	done(&a);
	by = PS_BY_COUNTRY;
	q.n_filters = 0;
	ask(&a, &q);
	is_int(a.n, 4, "but what is in no country");
	done(&a);
}

/* What a store that is asked itself says. */
static void test_refused(struct ps_ctx *ctx)
{
	enum ps_dimension by = PS_BY_COUNTRY;
	struct ps_filter filter = {PS_BY_COUNTRY, 1, {"US", 2}};
	struct ps_question q = {.from = INT64_MIN, .to = INT64_MAX, .by = &by, .n_by = 1};
	struct ps_answer to = {.arg = NULL};

	ok(reader->ask(self, &q, &to) < 0 && strstr(ctx->why, "does not know countries"), "a store refuses: %s", ctx->why);
	q = (struct ps_question){.from = INT64_MIN, .to = INT64_MAX, .filters = &filter, .n_filters = 1};
	ctx->why[0] = 0;
	ok(reader->ask(self, &q, &to) < 0 && strstr(ctx->why, "does not know countries"), "filters, too");
}

int main(void)
{
	const char *build = getenv("top_builddir"), *top = getenv("top_srcdir");
	char *so = mem_printf("%s/plugins/.libs/sqlite.so", build ? build : ".");
	char *path = mem_printf("%s/tests/fixtures/countries/flat.mmdb", top ? top : "."), why[COUNTRY_WHY];
	struct ps_ctx ctx;
	void *sink;

	fake_init(&ctx, fake_load(so), fake_dir(), 0);
	fake_files(&ctx);
	if (ctx.plugin->sink->open(&fake_host, &ctx, &sink) != PS_STORED)
		exit(1);
	for (uint64_t seq = 1; seq <= 3; seq++) {
		struct made m;

		fill(&m, seq);
		is_int(ctx.plugin->sink->write(sink, &m.batch), PS_STORED, "traffic with many addresses");
		made_done(&m);
	}
	ctx.plugin->sink->close(sink);
	reader = ctx.plugin->reader;
	is_int(reader->open(&fake_host, &ctx, &self), 0, "a store");
	is_int(country_open(&db, path, why), 0, "a database of countries");
	test_random();
	test_order();
	test_others();
	test_refused(&ctx);
	reader->close(self);
	fake_done(&ctx);
	free(so);
	free(path);
	return tap_done();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whoever is asked, the answer is the same: what SQLite says of some records, and what another store says:
 *   answers sqlite.so PLUGIN.so [OPTION=VALUE]...
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/question.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/fake_host.h"
#include "tests/tap.h"

#define BATCHES 12
#define QUESTIONS 200

static int64_t now;

#define SEED 88172645463325252ULL
static uint64_t state = SEED;

static uint64_t chance(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

/* Names that are equal where spaces at the end, case, accents or bytes that are no text do not count. */
static const char *const paths[] = {"/bin/a", "/bin/a ", "/bin/A", "/bin/\xc3\xa4", "/bin/\xff", "/bin/a'\";--\\", ""};

static void fill(struct made *m, uint64_t seq)
{
	int64_t start = now - (int64_t)(BATCHES - seq) * 600;
	uint32_t exes[sizeof(paths) / sizeof(*paths)], domains[3];

	made_usual(m, seq, 0, start);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct ps_text path = made_text(m, paths[i], strlen(paths[i]));

		exes[i] = made_exe(m, path, path, made_text(m, "a b", 3));
	}
	domains[0] = 0;
	domains[1] = made_domain(m, made_text(m, "example.org", 11));
	domains[2] = made_domain(m, made_text(m, "EXAMPLE.org", 11));
	made_place(m, "pod");
	for (unsigned i = 0; i < 60; i++) {
		struct ps_traffic *t = &made_traffic(m, start + (int64_t)chance(600))->traffic;

		t->exe = exes[chance(sizeof(paths) / sizeof(*paths))];
		t->parent = exes[chance(3)];
		t->domain = domains[chance(3)];
		t->uid = 1000 + (uint32_t)chance(3);
		t->direction = (uint8_t)chance(3);
		t->rport = chance(2) ? 443 : (int64_t)chance(65536);
		t->raddr.bytes[3] = (uint8_t)chance(6);
		t->sent = chance(50) ? chance(1000) : UINT64_MAX >> 12;
		t->received = chance(1000);
		t->calls = 1 + chance(5);
	}
	made_alert(m, start, seq % 2 ? "no room" : "other");
	made_program(m, start, "seen")->program.exe = exes[seq % 3];
	made_verdict(m, start, "told");
	made_audit(m, start);
}

struct asked {
	struct buf out;
	uint32_t n_by;
	unsigned rows, events;
};

static int on_row(void *arg, const struct ps_answer_row *row)
{
	struct asked *a = arg;

	a->rows++;
	for (uint32_t i = 0; i < a->n_by; i++) {
		buf_put(&a->out, row->values[i].data, row->values[i].len);
		buf_put_u8(&a->out, '|');
	}
	buf_printf(&a->out, "%llu %llu %llu %llu %lld %lld\n", (unsigned long long)row->sent,
	           (unsigned long long)row->received, (unsigned long long)row->calls, (unsigned long long)row->rows,
	           (long long)row->first, (long long)row->last);
	return 0;
}

static void on_loss(void *arg, const struct ps_answer_loss *l)
{
	buf_printf(&((struct asked *)arg)->out, "%.*s %.*s %llu %llu %llu %llu %lld %lld\n", (int)l->stage.len,
	           l->stage.data, (int)l->text.len, l->text.data, (unsigned long long)l->count, (unsigned long long)l->sent,
	           (unsigned long long)l->received, (unsigned long long)l->rows, (long long)l->first, (long long)l->last);
}

static void on_audit(void *arg, const struct ps_answer_audit *a)
{
	buf_printf(&((struct asked *)arg)->out, "%llu %.*s %llu %llu %llu %llu %lld %lld %lld %lld\n",
	           (unsigned long long)a->netns, (int)a->layer.len, a->layer.data, (unsigned long long)a->windows,
	           (unsigned long long)a->sent, (unsigned long long)a->packets_received, (unsigned long long)a->own_calls,
	           (long long)a->rest_sent, (long long)a->rest_packets, (long long)a->first, (long long)a->last);
}

static int on_event(void *arg, const struct ps_answer_event *e)
{
	const struct ps_text texts[] = {e->what, e->text,      e->host,    e->exe,    e->sha256, e->previous,
	                                e->role, e->name,      e->cmdline, e->script, e->parent, e->grandparent,
	                                e->unit, e->container, e->service, e->link};
	struct buf *out = &((struct asked *)arg)->out;

	((struct asked *)arg)->events++;
	buf_printf(out, "%d %lld %lld %lld %d %llu %llu %llu %llu %llu %llu %llu", (int)e->kind, (long long)e->start,
	           (long long)e->end, (long long)e->uid, e->expected, (unsigned long long)e->count,
	           (unsigned long long)e->sent, (unsigned long long)e->received, (unsigned long long)e->malicious,
	           (unsigned long long)e->suspicious, (unsigned long long)e->harmless, (unsigned long long)e->undetected);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		buf_put_u8(out, '|');
		buf_put(out, texts[i].data, texts[i].len);
	}
	buf_put_u8(out, '\n');
	return 0;
}

struct store {
	const struct ps_plugin *plugin;
	struct ps_ctx ctx;
	void *reader;
};

static void ask(struct store *s, const struct ps_question *q, struct asked *a)
{
	struct ps_answer answer = {.arg = a, .row = on_row, .loss = on_loss, .audit = on_audit, .event = on_event};

	*a = (struct asked){.n_by = q->n_by};
	if (s->plugin->reader->ask(s->reader, q, &answer) < 0)
		ok(0, "%s can be asked: %s", s->plugin->name, s->ctx.why);
	buf_put_u8(&a->out, 0);
}

/* Batches first to last into the store; `hostname` of another machine, or NULL. */
static void store(struct store *s, uint64_t first, uint64_t last, const char *hostname)
{
	void *self = NULL;

	if (s->plugin->sink->open(&fake_host, &s->ctx, &self) != PS_STORED) {
		printf("Bail out! %s: %s\n", s->plugin->name, s->ctx.why);
		exit(1);
	}
	for (uint64_t seq = first; seq <= last; seq++) {
		struct made m;

		fill(&m, seq);
		if (hostname) {
			m.batch.host[0] ^= 1;
			m.batch.hostname = made_text(&m, hostname, strlen(hostname));
		}
		if (s->plugin->sink->write(self, &m.batch) != PS_STORED)
			ok(0, "%s stores batch %d: %s", s->plugin->name, (int)seq, s->ctx.why);
		made_done(&m);
	}
	s->plugin->sink->close(self);
}

static void open_reader(struct store *s)
{
	if (!is_int(s->plugin->reader->open(&fake_host, &s->ctx, &s->reader), 0, "%s can be opened for reading",
	            s->plugin->name)) {
		printf("Bail out! %s\n", s->ctx.why);
		exit(1);
	}
}

static void random_filter(struct ps_filter *f)
{
	static const struct {
		enum ps_dimension dimension;
		const char *value;
	} usual[] = {{PS_BY_EXE, "/bin/a"},      {PS_BY_EXE, "/bin/a "},        {PS_BY_EXE, "/bin/a'\";--\\\\"},
	             {PS_BY_NAME, "/bin/A"},     {PS_BY_DOMAIN, "org.example"}, {PS_BY_RPORT, "443"},
	             {PS_BY_UID, "1001"},        {PS_BY_RADDR, "198.51.100.3"}, {PS_BY_DIRECTION, "in"},
	             {PS_BY_DIRECTION, ""},      {PS_BY_CMDLINE, "a b"},        {PS_BY_EXE, "' OR 1=1 -- "},
	             {PS_BY_PEXE, "/bin/\\xff"}, {PS_BY_HOST, "test"},          {PS_BY_HOST, "TEST"}};
	size_t i = chance(sizeof(usual) / sizeof(*usual));

	*f = (struct ps_filter){usual[i].dimension, (int)chance(2), {usual[i].value, (uint32_t)strlen(usual[i].value)}};
}

/* Rooms for what a question is made of. */
struct parts {
	enum ps_dimension by[3];
	struct ps_filter filters[3];
};

static struct ps_question random_question(struct parts *parts)
{
	struct ps_question q = {.by = parts->by, .filters = parts->filters};

	q.from = chance(3) ? now - (int64_t)chance(BATCHES * 600) : INT64_MIN;
	q.to = chance(3) ? (q.from > 0 ? q.from : now - 3600) + 1 + (int64_t)chance(3600) : INT64_MAX;
	for (uint64_t n = chance(4); q.n_by < n;) {
		enum ps_dimension d = chance(4) ? (enum ps_dimension)chance(PS_DIMENSIONS) : PS_BY_TIME;
		uint32_t j = 0;

		if (d == PS_BY_COUNTRY) /* which a store refuses */
			d = PS_BY_RADDR;
		while (j < q.n_by && parts->by[j] != d)
			j++;
		if (j == q.n_by)
			parts->by[q.n_by++] = d;
	}
	for (uint64_t n = chance(4); q.n_filters < n;)
		random_filter(&parts->filters[q.n_filters++]);
	q.step = chance(2) ? 3600 : 1 + (int64_t)chance(900);
	q.origin = (int64_t)chance((uint64_t)q.step);
	q.order = (enum ps_order)chance(PS_ORDER_KEY + 1);
	return q;
}

static void compare(struct store *a, struct store *b)
{
	unsigned wrong = 0, some = 0, events = 0;

	for (unsigned i = 0; i < QUESTIONS; i++) {
		struct parts parts;
		struct ps_question q = random_question(&parts);
		struct asked x, y;

		q.kinds = (uint32_t)(chance(2) * PS_PROGRAM + chance(2) * PS_ALERT + chance(2) * PS_VERDICT);
		q.limit = chance(3) ? 0 : 1 + (uint32_t)chance(10);
		ask(a, &q, &x);
		ask(b, &q, &y);
		some += x.rows > 0;
		events += x.events;
		if ((x.out.len != y.out.len || memcmp(x.out.data, y.out.data, x.out.len) != 0) && !wrong++) {
			printf("# by");
			for (uint32_t j = 0; j < q.n_by; j++)
				printf(" %d", (int)q.by[j]);
			printf(", order %d, limit %u\n# %s:\n%s# %s:\n%s", (int)q.order, q.limit, a->plugin->name,
			       (char *)x.out.data, b->plugin->name, (char *)y.out.data);
		}
		buf_done(&x.out);
		buf_done(&y.out);
	}
	is_int(wrong, 0, "%d questions have the same answers", QUESTIONS);
	ok(some > QUESTIONS / 3, "many of which say something: %u", some);
	ok(events > QUESTIONS, "and tell events: %u", events);
}

/* An answer's groups, its parts put together. */
struct together {
	struct table by_values;
	struct arena memory;
	uint32_t n_by;
	uint64_t rest;
};

struct sums {
	uint64_t key, sent, received, rows;
};

static int put_together(void *arg, const struct ps_answer_row *row)
{
	struct together *t = arg;
	struct buf key = {0};
	struct sums *sums;

	for (uint32_t i = 0; i < t->n_by; i++) {
		buf_put_u32(&key, row->values[i].len);
		buf_put(&key, row->values[i].data, row->values[i].len);
	}
	sums = table_get(&t->by_values, key.data, key.len);
	if (!sums) {
		sums = arena_alloc(&t->memory, sizeof(*sums));
		sums->key = table_hash(key.data, key.len);
		table_add(&t->by_values, arena_copy(&t->memory, key.data, key.len), key.len, sums);
	}
	buf_done(&key);
	sums->sent += row->sent;
	sums->received += row->received;
	sums->rows += row->rows;
	t->rest += row->calls + (uint64_t)row->first + (uint64_t)row->last;
	return 0;
}

static void ask_together(struct store *s, const struct ps_question *q, struct together *t)
{
	struct ps_answer answer = {.arg = t, .row = put_together};

	*t = (struct together){.n_by = q->n_by};
	table_init(&t->by_values);
	arena_init(&t->memory);
	if (s->plugin->reader->ask(s->reader, q, &answer) != 0)
		ok(0, "%s can be asked: %s", s->plugin->name, s->ctx.why);
}

static void together_done(struct together *t)
{
	table_done(&t->by_values);
	arena_done(&t->memory);
}

/* A number that all groups go into, in whatever order. */
static uint64_t fingerprint(const struct together *t)
{
	const struct sums *sums;
	uint64_t all = 0;

	for (size_t at = 0; (sums = table_next(&t->by_values, &at));)
		all += table_hash(sums, sizeof(*sums));
	return all;
}

static void in_parts(struct store *s)
{
	unsigned same = 0, some = 0;
	uint64_t rest = 0;

	for (unsigned i = 0; i < QUESTIONS; i++) {
		struct parts parts;
		struct ps_question q = random_question(&parts);
		struct together whole, put;

		ask_together(s, &q, &whole);
		q.in_parts = 1;
		ask_together(s, &q, &put);
		same += whole.by_values.n == put.by_values.n && fingerprint(&whole) == fingerprint(&put);
		some += whole.by_values.n > 1;
		rest += put.rest;
		together_done(&whole);
		together_done(&put);
	}
	is_int(same, QUESTIONS, "%s: parts come to the whole", s->plugin->name);
	ok(some > QUESTIONS / 4, "which has several groups: %u times", some);
	is_int((long long)rest, 0, "and are of bytes only");
}

static int enough(void *arg, const struct ps_answer_row *row)
{
	(void)row;
	return ++*(int *)arg == 2;
}

static void stopped(struct store *s)
{
	enum ps_dimension by = PS_BY_RPORT;
	struct ps_question q = {.from = INT64_MIN, .to = INT64_MAX, .by = &by, .n_by = 1};
	int rows = 0;
	struct ps_answer answer = {.arg = &rows, .row = enough};
	struct asked a;

	is_int(s->plugin->reader->ask(s->reader, &q, &answer), 0, "who has enough rows gets no more");
	is_int(rows, 2, "two were enough");
	ask(s, &q, &a);
	ok(a.rows > 100, "and can ask again");
	buf_done(&a.out);
}

/* Two machines in one store; one of them was called something else before. */
static void hosts(struct store *s)
{
	enum ps_dimension by = PS_BY_HOST;
	struct ps_filter filter = {PS_BY_HOST, 0, {"renamed", 7}};
	struct ps_question q = {
	    .from = INT64_MIN, .to = INT64_MAX, .by = &by, .n_by = 1, .order = PS_ORDER_KEY, .kinds = PS_PROGRAM};
	struct asked a;

	store(s, 1, 1, "other");
	store(s, 2, 3, "renamed");
	ask(s, &q, &a);
	is_int(a.rows, 2, "a machine is a row");
	ok(strstr((char *)a.out.data, "\nrenamed|") && strstr((char *)a.out.data, "\ntest|"), "by its latest name");
	buf_done(&a.out);
	q.filters = &filter;
	q.n_filters = 1;
	ask(s, &q, &a);
	is_int(a.rows, 1, "one can be asked for");
	is_int(a.events, 3, "and what happened there");
	ok(strstr((char *)a.out.data, "no room 7 ") == NULL, "and its losses alone");
	buf_done(&a.out);
	filter.exclude = 1;
	ask(s, &q, &a);
	is_int(a.events, BATCHES, "or left out");
	buf_done(&a.out);
}

int main(int argc, char **argv)
{
	struct store stores[2] = {0};

	if (argc < 3) {
		fprintf(stderr, "usage: answers sqlite.so PLUGIN.so [OPTION=VALUE]...\n");
		return 2;
	}
	now = clock_wall_ns() / NS_PER_S;
	for (int i = 0; i < 2; i++) {
		stores[i].plugin = fake_load(argv[1 + i]);
		fake_init(&stores[i].ctx, stores[i].plugin, fake_dir(), 0);
	}
	for (int i = 3; i < argc; i++) {
		char *equals = strchr(argv[i], '=');

		if (!equals)
			return 2;
		*equals = 0;
		fake_set(&stores[1].ctx, argv[i], equals + 1);
	}
	for (int i = 0; i < 2; i++) {
		fake_files(&stores[i].ctx);
		state = SEED; /* both get the same records */
		store(&stores[i], 1, BATCHES, NULL);
		open_reader(&stores[i]);
	}
	compare(&stores[0], &stores[1]);
	stopped(&stores[1]);
	for (int i = 0; i < 2; i++)
		in_parts(&stores[i]);
	hosts(&stores[1]);
	for (int i = 0; i < 2; i++) {
		stores[i].plugin->reader->close(stores[i].reader);
		fake_done(&stores[i].ctx);
	}
	return tap_done();
}

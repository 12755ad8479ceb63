/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/top/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/count.h"
#include "core/base/text.h"
#include "core/top/feed_line.h"
#include "core/top/flows.h"
#include "core/top/listeners.h"

enum {
	FORMAT = 1,
	SLOTS = 13, /* of time: twelve make the window, the last is being filled */
	WINDOW_SLOTS = SLOTS - 1,
};
#define FLOW_QUIET_NS (60 * NS_PER_S)
/* Longer than between any two drains: a clock was set. */
#define DRAIN_LONGEST_NS (3600 * NS_PER_S)

struct program {
	uint8_t key[32];
	TAILQ_ENTRY(program) quiet;
	struct flow_count flows;
	size_t row; /* of the last rows */
	struct top_bytes slots[SLOTS];
	struct top_program shown; /* its texts are its own; rate and connections are not kept */
};

struct event {
	int64_t at_ns;
	const char *kind;
	char *text;
};

struct top_model {
	struct top_limits limits;
	struct buf line; /* the beginning of one */
	bool skipping;   /* the rest of one that was too long */
	bool begun, live;
	int64_t alien;
	char host[256], version[64], why[256], said[64];

	struct table programs;
	TAILQ_HEAD(, program) quiet; /* the quietest first */
	uint64_t ids;
	struct flows flows;
	int64_t elapsed_ns;   /* of all drains: no clock that is set changes it */
	struct event *events; /* a ring */
	uint64_t n_events;
	struct listeners listeners;

	/* Rates are bytes of whole slots by the time of these. */
	int64_t slot_ns[SLOTS];
	struct top_bytes slots[SLOTS];
	size_t slot;

	struct top_rows sums; /* totals and counts */
};

static void add_bytes(struct top_bytes *to, struct top_bytes more)
{
	to->sent = count_add(to->sent, more.sent);
	to->received = count_add(to->received, more.received);
}

/* ---- rates ---- */

static void slots_clear(struct top_model *m)
{
	struct program *p;

	memset(m->slot_ns, 0, sizeof(m->slot_ns));
	memset(m->slots, 0, sizeof(m->slots));
	TAILQ_FOREACH(p, &m->quiet, quiet)
	memset(p->slots, 0, sizeof(p->slots));
}

static void slots_next(struct top_model *m)
{
	struct program *p;

	m->slot = (m->slot + 1) % SLOTS;
	m->slot_ns[m->slot] = 0;
	m->slots[m->slot] = (struct top_bytes){0};
	TAILQ_FOREACH(p, &m->quiet, quiet)
	p->slots[m->slot] = (struct top_bytes){0};
}

/* The newest whole slots that make up the window: the first of them, and how many. */
static size_t window(const struct top_model *m, size_t *n, int64_t *ns)
{
	size_t at = m->slot;

	for (*n = 0, *ns = 0; *n < WINDOW_SLOTS && *ns < m->limits.window_ns; ++*n) {
		size_t before = (at + SLOTS - 1) % SLOTS;

		if (!m->slot_ns[before])
			break;
		at = before;
		*ns += m->slot_ns[at];
	}
	return at;
}

static uint64_t a_second(uint64_t bytes, int64_t ns)
{
	unsigned __int128 rate = ns > 0 ? (unsigned __int128)bytes * NS_PER_S / (uint64_t)ns : 0;

	return rate > UINT64_MAX ? UINT64_MAX : (uint64_t)rate;
}

static struct top_bytes rate(const struct top_model *m, const struct top_bytes slots[SLOTS])
{
	struct top_bytes sum = {0};
	size_t n, at;
	int64_t ns;

	at = window(m, &n, &ns);
	for (; n; n--, at = (at + 1) % SLOTS)
		add_bytes(&sum, slots[at]);
	return (struct top_bytes){a_second(sum.sent, ns), a_second(sum.received, ns)};
}

/* ---- programs ---- */

static void program_free(struct top_model *m, struct program *p)
{
	flows_forget(&m->flows, &p->flows);
	table_remove(&m->programs, p->key, sizeof(p->key));
	TAILQ_REMOVE(&m->quiet, p, quiet);
	free((char *)(uintptr_t)p->shown.exe);
	free((char *)(uintptr_t)p->shown.name);
	free((char *)(uintptr_t)p->shown.peer);
	free(p);
}

static void program_evict(struct top_model *m, struct program *p)
{
	m->sums.evicted.programs++;
	add_bytes(&m->sums.evicted.total, p->shown.total);
	program_free(m, p);
}

static char *text_of(const json_t *line, const char *key)
{
	struct buf text;

	buf_init(&text);
	feed_line_text(line, key, &text);
	return (char *)text.data;
}

static struct program *program_get(struct top_model *m, const json_t *line)
{
	uint8_t key[32];
	struct program *p;

	feed_line_program_key(line, key);
	p = table_get(&m->programs, key, sizeof(key));
	if (p) {
		TAILQ_REMOVE(&m->quiet, p, quiet);
		TAILQ_INSERT_TAIL(&m->quiet, p, quiet);
		return p;
	}
	if (m->programs.n >= m->limits.programs)
		program_evict(m, TAILQ_FIRST(&m->quiet));
	p = mem_alloc(sizeof(*p));
	memcpy(p->key, key, sizeof(key));
	LIST_INIT(&p->flows.list);
	p->shown = (struct top_program){
	    .id = ++m->ids, .exe = text_of(line, "exe"), .name = text_of(line, "name"), .peer = mem_strdup("")};
	if (!*p->shown.exe && !*p->shown.name && json_object_get(line, "merged")) {
		free((char *)(uintptr_t)p->shown.name);
		p->shown.name = mem_strdup("(of many programs)");
	}
	table_add(&m->programs, p->key, sizeof(p->key), p);
	TAILQ_INSERT_TAIL(&m->quiet, p, quiet);
	return p;
}

/* ---- lines ---- */

static void flow_fill(struct flow *flow, const json_t *line)
{
	int64_t opened = feed_line_number(line, "opened_ns");
	const char *direction = json_string_value(json_object_get(line, "direction"));

	feed_line_protocol(line, flow->protocol);
	if (direction && (strcmp(direction, "in") == 0 || strcmp(direction, "out") == 0))
		strcpy(flow->direction, direction);
	flow->lport = feed_line_number(line, "lport");
	flow->since_ns = opened > 0 ? opened : feed_line_number(line, "start_ns");
}

static void flow_add(struct top_model *m, struct program *p, const json_t *line)
{
	struct buf peer;
	struct flow *flow;
	uint8_t key[32];
	bool made;

	feed_line_flow_key(line, p->key, key);
	flow = flows_get(&m->flows, key, &p->flows, &made);
	if (made) {
		flow->program = p->shown.id;
		flow_fill(flow, line);
	}
	flow->moved_ns = m->elapsed_ns;
	add_bytes(&flow->total, feed_line_bytes(line));
	if (feed_line_number(line, "closed_ns") > 0)
		flows_close(flow);
	buf_init(&peer);
	feed_line_peer(line, &peer);
	free(flow->peer);
	flow->peer = (char *)peer.data;
	if (*flow->peer) {
		free((char *)(uintptr_t)p->shown.peer);
		p->shown.peer = mem_strdup(flow->peer);
	}
}

static void on_traffic(struct top_model *m, const json_t *line)
{
	struct program *p = program_get(m, line);

	add_bytes(&p->slots[m->slot], feed_line_bytes(line));
	add_bytes(&p->shown.total, feed_line_bytes(line));
	p->shown.last_ns = feed_line_number(line, "end_ns");
	p->shown.uid = feed_line_number(line, "uid");
	p->shown.pid = feed_line_number(line, "pid");
	if (feed_line_is_flow(line))
		flow_add(m, p, line);
}

static void on_tick(struct top_model *m, const json_t *line)
{
	int64_t start = feed_line_number(line, "start_ns"), end = feed_line_number(line, "end_ns");
	struct top_bytes bytes = feed_line_bytes(line);

	add_bytes(&m->sums.total, bytes);
	add_bytes(&m->slots[m->slot], bytes);
	if (end > 0)
		m->sums.now_ns = end;
	if (!m->sums.since_ns)
		m->sums.since_ns = start > 0 ? start : end;
	/* Neither is negative but for -1: nothing overflows. */
	if (start >= 0 && end > start && end - start < DRAIN_LONGEST_NS) {
		m->elapsed_ns += end - start;
		m->slot_ns[m->slot] += end - start;
		if (m->slot_ns[m->slot] >= m->limits.window_ns / WINDOW_SLOTS)
			slots_next(m);
	}
	flows_expire(&m->flows, m->elapsed_ns - FLOW_QUIET_NS);
}

static void event_add(struct top_model *m, const json_t *line, const char *kind)
{
	struct event *e = &m->events[m->n_events++ % m->limits.events];

	free(e->text);
	*e = (struct event){.at_ns = feed_line_number(line, "end_ns"), .kind = kind, .text = text_of(line, "text")};
}

static void on_alert(struct top_model *m, const json_t *line)
{
	m->sums.lost.times = count_add(m->sums.lost.times, 1);
	m->sums.lost.count = count_add(m->sums.lost.count, feed_line_count(line, "count"));
	add_bytes(&m->sums.lost.bytes, feed_line_bytes(line));
	event_add(m, line, "alert");
}

static void copy_text(char *to, size_t size, const json_t *line, const char *key)
{
	char *text = text_of(line, key);
	size_t len = 0;

	for (size_t n; text[len] && len + (n = text_utf8(text + len, strlen(text + len))) < size;)
		len += n;
	memcpy(to, text, len);
	to[len] = 0;
	free(text);
}

static void on_hello(struct top_model *m, const json_t *line)
{
	int64_t format = feed_line_number(line, "format"), time = feed_line_number(line, "time_ns");

	m->alien = format == FORMAT ? 0 : format ? format : -1;
	copy_text(m->host, sizeof(m->host), line, "host");
	copy_text(m->version, sizeof(m->version), line, "version");
	if (time > 0)
		m->sums.now_ns = time;
	m->live = true;
}

static void on_line(struct top_model *m, const char *data, size_t len)
{
	json_t *line = feed_line_read(data, len);
	const char *kind, *state;

	if (!line) {
		m->sums.garbled = count_add(m->sums.garbled, 1);
		return;
	}
	kind = feed_line_kind(line);
	if (strcmp(kind, "traffic") == 0) {
		on_traffic(m, line);
	} else if (strcmp(kind, "tick") == 0) {
		on_tick(m, line);
	} else if (strcmp(kind, "listen") == 0) {
		listeners_add(&m->listeners, line);
	} else if (strcmp(kind, "listening") == 0) {
		listeners_turn(&m->listeners, line);
	} else if (strcmp(kind, "program") == 0) {
		event_add(m, line, "program");
	} else if (strcmp(kind, "alert") == 0) {
		on_alert(m, line);
	} else if (strcmp(kind, "verdict") == 0) {
		state = json_string_value(json_object_get(line, "state"));
		if (state && strcmp(state, "suspicious") == 0)
			event_add(m, line, "verdict");
	} else if (strcmp(kind, "hello") == 0) {
		on_hello(m, line);
	} else if (strcmp(kind, "end") == 0) {
		copy_text(m->said, sizeof(m->said), line, "why");
	}
	json_decref(line);
}

void top_model_put(struct top_model *m, const void *data, size_t n)
{
	const char *at = data, *stop = at + n;

	while (at < stop) {
		const char *newline = memchr(at, '\n', (size_t)(stop - at));
		size_t len = (size_t)((newline ? newline : stop) - at);

		if (!m->skipping && m->line.len + len > TOP_LINE_MAX) {
			m->sums.garbled = count_add(m->sums.garbled, 1);
			m->skipping = true;
		}
		if (m->skipping) {
			m->skipping = !newline;
			m->line.len = 0;
		} else if (newline && !m->line.len) {
			on_line(m, at, len);
		} else {
			buf_put(&m->line, at, len);
			if (newline) {
				on_line(m, (char *)m->line.data, m->line.len);
				m->line.len = 0;
			}
		}
		at += len + (newline != NULL);
	}
}

/* ---- life ---- */

struct top_model *top_model_new(const struct top_limits *limits)
{
	struct top_model *m = mem_alloc(sizeof(*m));

	m->limits = *limits;
	m->events = mem_alloc(limits->events * sizeof(*m->events));
	strcpy(m->why, "not connected");
	buf_init(&m->line);
	table_init(&m->programs);
	TAILQ_INIT(&m->quiet);
	flows_init(&m->flows, limits->flows);
	listeners_init(&m->listeners, limits->listening);
	return m;
}

void top_model_free(struct top_model *m)
{
	while (!TAILQ_EMPTY(&m->quiet))
		program_free(m, TAILQ_FIRST(&m->quiet));
	table_done(&m->programs);
	flows_done(&m->flows);
	listeners_done(&m->listeners);
	for (size_t i = 0; i < m->limits.events; i++)
		free(m->events[i].text);
	free(m->events);
	buf_done(&m->line);
	free(m);
}

void top_model_begin(struct top_model *m)
{
	m->line.len = 0;
	m->skipping = false;
	m->begun = true;
	m->live = false;
	m->said[0] = 0;
}

void top_model_away(struct top_model *m, const char *why)
{
	if (m->begun) {
		if (m->line.len || m->skipping)
			m->sums.garbled = count_add(m->sums.garbled, 1);
		m->sums.cuts += strcmp(m->said, "full") != 0;
		if (strcmp(m->said, "slow") == 0)
			snprintf(m->why, sizeof(m->why), "dropped: too slow");
		else if (strcmp(m->said, "full") == 0)
			snprintf(m->why, sizeof(m->why), "it has too many readers");
		else if (strcmp(m->said, "stopped") == 0)
			snprintf(m->why, sizeof(m->why), "the daemon has stopped");
		else
			snprintf(m->why, sizeof(m->why), "%s", why);
	} else if (strcmp(m->said, "stopped") != 0) {
		snprintf(m->why, sizeof(m->why), "%s", why);
	}
	m->line.len = 0;
	m->begun = m->live = false;
	slots_clear(m);
	listeners_clear(&m->listeners);
}

int64_t top_model_alien(const struct top_model *m)
{
	return m->alien;
}

void top_model_reset(struct top_model *m)
{
	struct program *next;

	for (struct program *p = TAILQ_FIRST(&m->quiet); p; p = next) {
		struct top_bytes now = rate(m, p->slots), filling = p->slots[m->slot];

		next = TAILQ_NEXT(p, quiet);
		p->shown.total = (struct top_bytes){0};
		if (!now.sent && !now.received && !filling.sent && !filling.received)
			program_free(m, p);
	}
	m->flows.evicted = 0;
	m->sums = (struct top_rows){.now_ns = m->sums.now_ns, .since_ns = m->sums.now_ns};
}

/* ---- rows ---- */

static const char *keep(struct top_rows *rows, const char *text)
{
	return arena_copy(&rows->memory, text, strlen(text));
}

/* What an error leaves is something, but that it leaves nothing says nothing. */
static bool listening_known(const struct top_model *m)
{
	const struct listeners *l = &m->listeners;

	return l->error && (!*l->error || l->whole.n);
}

static void rows_programs(const struct top_model *m, struct top_rows *rows)
{
	struct program *p;

	rows->programs = mem_alloc(m->programs.n * sizeof(*rows->programs));
	TAILQ_FOREACH(p, &m->quiet, quiet)
	{
		struct top_program *to = &rows->programs[rows->n_programs++];

		*to = p->shown;
		to->exe = keep(rows, p->shown.exe);
		to->name = keep(rows, p->shown.name);
		to->peer = keep(rows, p->shown.peer);
		to->rate = rate(m, p->slots);
		to->connections = p->flows.open;
		to->listening = listening_known(m) ? 0 : -1;
		to->listening_more = m->listeners.whole.more || (m->listeners.error && *m->listeners.error);
		p->row = rows->n_programs - 1;
	}
}

static const struct program *program_of(const struct flow *flow)
{
	const char *of = (const char *)flow->of;

	return (const struct program *)(const void *)(of - offsetof(struct program, flows));
}

static void rows_connections(const struct top_model *m, struct top_rows *rows)
{
	struct flow **flows = flows_newest(&m->flows, TOP_CONNECTIONS_MAX, &rows->n_connections);

	rows->connections = mem_alloc(rows->n_connections * sizeof(*rows->connections));
	for (size_t i = 0; i < rows->n_connections; i++) {
		const struct program *p = program_of(flows[i]);

		rows->connections[i] = (struct top_connection){
		    .program = flows[i]->program,
		    .exe = keep(rows, p->shown.exe),
		    .name = keep(rows, p->shown.name),
		    .direction = keep(rows, flows[i]->direction),
		    .protocol = keep(rows, flows[i]->protocol),
		    .peer = keep(rows, flows[i]->peer),
		    .lport = flows[i]->lport,
		    .since_ns = flows[i]->since_ns,
		    .closed = flows[i]->closed,
		    .total = flows[i]->total,
		};
	}
	free(flows);
}

static void rows_events(const struct top_model *m, struct top_rows *rows)
{
	rows->n_events = m->n_events < m->limits.events ? m->n_events : m->limits.events;
	rows->events = mem_alloc(rows->n_events * sizeof(*rows->events));
	for (size_t i = 0; i < rows->n_events; i++) {
		const struct event *e = &m->events[(m->n_events - 1 - i) % m->limits.events];

		rows->events[i] = (struct top_event){e->at_ns, e->kind, keep(rows, e->text)};
	}
}

static void rows_listening(const struct top_model *m, struct top_rows *rows)
{
	const struct listener_list *list = &m->listeners.whole;

	rows->n_listening = list->n;
	rows->listening_more = list->more;
	rows->listening_known = listening_known(m);
	rows->listening_why = keep(rows, m->listeners.error ? m->listeners.error : "not known yet");
	rows->listening = mem_alloc(list->n * sizeof(*rows->listening));
	for (size_t i = 0; i < list->n; i++) {
		const struct listener *from = &list->of[i];
		const struct program *p = table_get(&m->programs, from->program, sizeof(from->program));
		struct top_listener *to = &rows->listening[i];

		*to = from->shown;
		to->exe = keep(rows, to->exe);
		to->name = keep(rows, to->name);
		to->protocol = keep(rows, to->protocol);
		to->addr = keep(rows, to->addr);
		to->place = keep(rows, to->place);
		if (p)
			rows->programs[p->row].listening++;
	}
}

struct top_rows *top_model_rows(const struct top_model *m)
{
	struct top_rows *rows = mem_alloc(sizeof(*rows));

	*rows = m->sums;
	arena_init(&rows->memory);
	rows->state = m->live ? TOP_LIVE : m->begun ? TOP_WAIT : TOP_AWAY;
	rows->why = keep(rows, m->why);
	rows->host = keep(rows, m->host);
	rows->version = keep(rows, m->version);
	rows->rate = rate(m, m->slots);
	rows->evicted.connections = m->flows.evicted;
	rows_programs(m, rows);
	rows_connections(m, rows);
	rows_events(m, rows);
	rows_listening(m, rows);
	return rows;
}

void top_rows_free(struct top_rows *rows)
{
	free(rows->programs);
	free(rows->connections);
	free(rows->events);
	free(rows->listening);
	arena_done(&rows->memory);
	free(rows);
}

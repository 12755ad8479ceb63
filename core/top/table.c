/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/top/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/count.h"
#include "core/query/output.h"
#include "core/screen/cells.h"

enum {
	GAP = 1,
	NARROW = 40,
	PROGRAM_LEAST = 16,
	PROGRAM_NARROW = 10,
	PEER_LEAST = 16,
	TEXTS_MORE = 30,
	CONNECTIONS_WIDTH = 5,
	LISTENING_WIDTH = 7,
	LISTENING_WHERE = 28,
	WIDE = 100
};

/* From left to right. */
static const struct {
	const char *title;
	bool text;
	unsigned rank; /* the lower, the sooner there is room for it */
} columns[TOP_COLUMNS] = {
    [TOP_PROGRAM] = {"PROGRAM", true, 0},
    [TOP_SENT_RATE] = {"SENT/s", false, 3},
    [TOP_RECEIVED_RATE] = {"RECV/s", false, 4},
    [TOP_RATE] = {"BOTH/s", false, 1},
    [TOP_SENT] = {"SENT", false, 7},
    [TOP_RECEIVED] = {"RECV", false, 8},
    [TOP_TOTAL] = {"TOTAL", false, 2},
    [TOP_CONNECTIONS] = {"CONN", false, 6},
    [TOP_LISTENING] = {"LISTEN", false, 9},
    [TOP_PEER] = {"LAST PEER", true, 5},
};

const char *top_column_title(enum top_column column)
{
	return columns[column].title;
}

/* ---- order ---- */

static uint64_t both(struct top_bytes b)
{
	return count_add(b.sent, b.received);
}

static uint64_t number(const struct top_program *p, enum top_column column)
{
	switch (column) {
	case TOP_SENT_RATE:
		return p->rate.sent;
	case TOP_RECEIVED_RATE:
		return p->rate.received;
	case TOP_SENT:
		return p->total.sent;
	case TOP_RECEIVED:
		return p->total.received;
	case TOP_TOTAL:
		return both(p->total);
	case TOP_CONNECTIONS:
		return p->connections;
	case TOP_LISTENING:
		return p->listening < 0 ? 0 : (uint64_t)p->listening;
	default:
		return both(p->rate);
	}
}

static int by_number(const struct top_program *a, const struct top_program *b, enum top_column column)
{
	uint64_t x = number(a, column), y = number(b, column);

	return x < y ? 1 : x > y ? -1 : 0;
}

static int by_name(const struct top_program *a, const struct top_program *b)
{
	int order = strcmp(a->exe, b->exe);

	return order ? order : strcmp(a->name, b->name);
}

static int compare(const void *first, const void *second, void *arg)
{
	const struct top_program *a = first, *b = second;
	const struct top_look *look = arg;
	int order;

	if (look->sort == TOP_PROGRAM)
		order = by_name(a, b);
	else if (look->sort == TOP_PEER)
		order = !*a->peer == !*b->peer ? strcmp(a->peer, b->peer) : *a->peer ? -1 : 1;
	else
		order = by_number(a, b, look->sort);
	if (look->reverse)
		order = -order;
	if (!order)
		order = by_number(a, b, TOP_TOTAL);
	if (!order)
		order = by_name(a, b);
	return order ? order : a->id < b->id ? -1 : a->id > b->id;
}

void top_sort(struct top_rows *rows, const struct top_look *look)
{
	struct top_look copy = *look;

	if (rows->n_programs)
		qsort_r(rows->programs, rows->n_programs, sizeof(*rows->programs), compare, &copy);
}

/* ---- cells ---- */

/* A total takes one more: ten TB. */
static unsigned bytes_width(const struct top_look *look, enum top_column column)
{
	return cells_bytes_width(look->units) + (column == TOP_SENT || column == TOP_RECEIVED || column == TOP_TOTAL);
}

static void gap(struct buf *out)
{
	buf_put_u8(out, ' ');
}

static void put_clock(struct buf *out, int64_t ns)
{
	time_t seconds = (time_t)(ns / NS_PER_S);
	char text[16] = "--:--:--";
	struct tm tm;

	if (ns > 0 && localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	buf_put_str(out, text);
}

void top_put_name(struct buf *out, const char *exe, const char *name)
{
	const char *slash = strrchr(exe, '/');

	if (*exe) {
		buf_put_str(out, exe);
		if (*name && strcmp(slash ? slash + 1 : exe, name) != 0)
			buf_printf(out, " (%s)", name);
	} else if (*name == '(') {
		buf_put_str(out, name);
	} else if (*name) {
		buf_printf(out, "[%s]", name);
	} else {
		buf_put_str(out, "(not known)");
	}
	buf_put_u8(out, 0);
}

static void put_name(struct buf *out, const struct top_look *look, const char *exe, const char *name, unsigned width)
{
	struct buf text;

	buf_init(&text);
	top_put_name(&text, exe, name);
	cells_put(out, (char *)text.data, look->utf8, width, COLUMNS_TAIL);
	buf_done(&text);
}

void top_put_text(struct buf *out, const struct top_look *look, const char *text)
{
	cells_put(out, text, look->utf8, look->width, COLUMNS_LEFT);
}

/* Puts what was printed as a line. */
static void put_line(struct buf *out, const struct top_look *look, struct buf *text)
{
	buf_put_u8(text, 0);
	top_put_text(out, look, (char *)text->data);
	buf_done(text);
}

/* ---- programs ---- */

/* 0: there is no room for it. */
static void fit(const struct top_look *look, unsigned widths[TOP_COLUMNS])
{
	unsigned used = look->width < NARROW ? PROGRAM_NARROW : PROGRAM_LEAST;

	memset(widths, 0, TOP_COLUMNS * sizeof(*widths));
	if (used > look->width)
		used = look->width;
	widths[TOP_PROGRAM] = used;
	for (unsigned rank = 1; rank < TOP_COLUMNS; rank++) {
		enum top_column c = 0;
		unsigned width;

		while (columns[c].rank != rank)
			c++;
		width = c == TOP_PEER          ? PEER_LEAST
		        : c == TOP_CONNECTIONS ? CONNECTIONS_WIDTH
		        : c == TOP_LISTENING   ? LISTENING_WIDTH
		                               : bytes_width(look, c);
		/* Rather than more numbers, more of the texts, up to a point. */
		if (used + GAP + width + (c == TOP_SENT || c == TOP_RECEIVED || c == TOP_LISTENING ? TEXTS_MORE : 0) >
		    look->width)
			break;
		widths[c] = width;
		used += GAP + width;
	}
	/* The texts share what is left. */
	if (widths[TOP_PEER]) {
		unsigned share = (look->width - used) / 3;

		widths[TOP_PEER] += share;
		used += share;
	}
	widths[TOP_PROGRAM] += look->width - used;
}

void top_put_titles(struct buf *out, const struct top_look *look)
{
	unsigned widths[TOP_COLUMNS];

	fit(look, widths);
	for (enum top_column c = 0; c < TOP_COLUMNS; c++) {
		char title[24];

		if (!widths[c])
			continue;
		if (c)
			gap(out);
		snprintf(title, sizeof(title), "%s%s", c == look->sort ? look->reverse ? "<" : ">" : "", columns[c].title);
		columns_put(out, title, widths[c], columns[c].text ? COLUMNS_LEFT : COLUMNS_RIGHT);
	}
}

void top_put_program(struct buf *out, const struct top_look *look, const struct top_program *p)
{
	unsigned widths[TOP_COLUMNS];
	char digits[24];

	fit(look, widths);
	put_name(out, look, p->exe, p->name, widths[TOP_PROGRAM]);
	for (enum top_column c = TOP_PROGRAM + 1; c < TOP_COLUMNS; c++) {
		if (!widths[c])
			continue;
		gap(out);
		if (c == TOP_PEER) {
			cells_put(out, p->peer, look->utf8, widths[c], COLUMNS_LEFT);
		} else if (c == TOP_LISTENING && p->listening < 0) {
			columns_put(out, "?", widths[c], COLUMNS_RIGHT);
		} else if (c == TOP_CONNECTIONS || c == TOP_LISTENING) {
			snprintf(digits, sizeof(digits), "%" PRIu64 "%s", number(p, c),
			         c == TOP_LISTENING && p->listening_more ? "+" : "");
			columns_put(out, digits, widths[c], COLUMNS_RIGHT);
		} else {
			cells_put_bytes(out, number(p, c), look->units, widths[c]);
		}
	}
}

/* ---- the other pane ---- */

void top_put_connection(struct buf *out, const struct top_look *look, const struct top_connection *c)
{
	bool in = strcmp(c->direction, "in") == 0;
	unsigned left = look->width, bytes = bytes_width(look, TOP_TOTAL);
	struct buf peer;

	if (left >= NARROW) {
		put_clock(out, c->since_ns);
		gap(out);
		cells_put(out, c->protocol, look->utf8, 4, COLUMNS_LEFT);
		gap(out);
		left -= 14;
	}
	buf_init(&peer);
	buf_printf(&peer, "%s %s", in ? "<-" : *c->direction ? "->" : "--", *c->peer ? c->peer : "?");
	if (in && c->lport > 0)
		buf_printf(&peer, " at :%" PRId64, c->lport);
	if (c->closed)
		buf_put_str(&peer, " (closed)");
	buf_put_u8(&peer, 0);
	if (look->width >= WIDE)
		left -= 2 * (bytes + GAP);
	put_name(out, look, c->exe, c->name, left / 2);
	gap(out);
	cells_put(out, (char *)peer.data, look->utf8, left - left / 2 - GAP, COLUMNS_LEFT);
	buf_done(&peer);
	if (look->width >= WIDE) {
		gap(out);
		cells_put_bytes(out, c->total.sent, look->units, bytes);
		gap(out);
		cells_put_bytes(out, c->total.received, look->units, bytes);
	}
}

void top_put_listener(struct buf *out, const struct top_look *look, const struct top_listener *l)
{
	unsigned left = look->width, where = left >= NARROW ? LISTENING_WHERE : left / 2;
	struct buf text;

	if (left >= NARROW) {
		cells_put(out, l->protocol, look->utf8, 7, COLUMNS_LEFT);
		gap(out);
		left -= 7 + GAP;
	}
	buf_init(&text);
	buf_printf(&text, strchr(l->addr, ':') ? "[%s]:" : "%s:", *l->addr ? l->addr : "?");
	if (l->port >= 0)
		buf_printf(&text, "%" PRId64, l->port);
	else
		buf_put_u8(&text, '?');
	buf_put_u8(&text, 0);
	cells_put(out, (char *)text.data, look->utf8, where, COLUMNS_LEFT);
	buf_done(&text);
	left -= where;
	if (!left)
		return;
	gap(out);
	left -= GAP;
	buf_init(&text);
	if (*l->place)
		buf_put_str(&text, l->place);
	if (l->netns >= 0)
		buf_printf(&text, "%snetns %" PRId64, *l->place ? ", " : "", l->netns);
	buf_put_u8(&text, 0);
	if (look->width < NARROW || text.len == 1) {
		put_name(out, look, l->exe, l->name, left);
	} else {
		put_name(out, look, l->exe, l->name, left / 2);
		gap(out);
		cells_put(out, (char *)text.data, look->utf8, left - left / 2 - GAP, COLUMNS_LEFT);
	}
	buf_done(&text);
}

void top_put_listening(struct buf *out, const struct top_look *look, const struct top_rows *rows)
{
	struct buf text;

	buf_init(&text);
	buf_put_str(&text, "LISTENING");
	if (rows->listening_more)
		buf_printf(&text, " (and %" PRIu64 " more)", rows->listening_more);
	if (*rows->listening_why)
		buf_printf(&text, " (%s%s)", rows->listening_known ? "incomplete: " : "", rows->listening_why);
	put_line(out, look, &text);
}

void top_put_event(struct buf *out, const struct top_look *look, const struct top_event *e)
{
	struct buf line;

	buf_init(&line);
	if (look->width >= NARROW) {
		put_clock(&line, e->at_ns);
		gap(&line);
	}
	if (strcmp(e->kind, "alert") == 0)
		buf_put_str(&line, "ALERT ");
	buf_put_str(&line, e->text);
	put_line(out, look, &line);
}

/* ---- above ---- */

static void put_amount(struct buf *out, const struct top_look *look, uint64_t bytes, const char *after)
{
	char text[OUTPUT_BYTES_SIZE];

	buf_printf(out, "%s%s", output_bytes(text, bytes, look->units), after);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void put_state(struct buf *out, const struct top_rows *rows)
{
	if (rows->state == TOP_AWAY)
		buf_printf(out, "NO FEED (%s), trying again", rows->why);
	else
		buf_put_str(out, rows->state == TOP_LIVE ? "live" : "waiting for the feed");
}

static void put_sums(struct buf *out, const struct top_look *look, const struct top_rows *rows)
{
	buf_put_str(out, "sent ");
	put_amount(out, look, rows->rate.sent, "/s, received ");
	put_amount(out, look, rows->rate.received, "/s; since ");
	put_clock(out, rows->since_ns);
	buf_put_str(out, ": ");
	put_amount(out, look, rows->total.sent, " and ");
	put_amount(out, look, rows->total.received, "");
}

static void put_losses(struct buf *out, const struct top_look *look, const struct top_rows *rows)
{
	buf_printf(out, "%zu program%s; ", rows->n_programs, plural(rows->n_programs));
	if (rows->lost.times) {
		buf_printf(out, "%" PRIu64 " ALERT%s, lost ", rows->lost.times, rows->lost.times == 1 ? "" : "S");
		put_amount(out, look, rows->lost.bytes.sent, " sent, ");
		put_amount(out, look, rows->lost.bytes.received, " received");
	} else {
		buf_put_str(out, "nothing lost");
	}
	if (rows->cuts)
		buf_printf(out, "; feed lost %" PRIu64 " time%s", rows->cuts, plural(rows->cuts));
	if (rows->garbled)
		buf_printf(out, "; %" PRIu64 " line%s not understood", rows->garbled, plural(rows->garbled));
	if (rows->evicted.programs || rows->evicted.connections)
		buf_printf(out, "; no room for %" PRIu64 " program%s, %" PRIu64 " connection%s", rows->evicted.programs,
		           plural(rows->evicted.programs), rows->evicted.connections, plural(rows->evicted.connections));
}

void top_put_summary(struct buf *out, const struct top_look *look, const struct top_rows *rows, unsigned line)
{
	struct buf text;

	buf_init(&text);
	if (line == 0) {
		buf_printf(&text, "picosnitch %s%s%s ", rows->version, *rows->host ? " on " : "", rows->host);
		put_clock(&text, rows->now_ns);
		buf_put_str(&text, " ");
		put_state(&text, rows);
	} else if (line == 1) {
		put_sums(&text, look, rows);
	} else {
		put_losses(&text, look, rows);
	}
	put_line(out, look, &text);
}

void top_put_brief(struct buf *out, const struct top_look *look, const struct top_rows *rows)
{
	struct buf text;

	buf_init(&text);
	if (rows->state != TOP_LIVE)
		buf_put_str(&text, rows->state == TOP_AWAY ? "NO FEED " : "waiting ");
	if (rows->lost.times)
		buf_put_str(&text, "LOST ");
	put_amount(&text, look, both(rows->rate), "/s ");
	buf_printf(&text, "%zu prog", rows->n_programs);
	put_line(out, look, &text);
}

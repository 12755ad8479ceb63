/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/view/lines.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/count.h"
#include "core/query/names.h"
#include "core/query/output.h"
#include "core/query/when.h"
#include "core/screen/cells.h"
#include "core/view/dims.h"
#include "core/view/lines_inside.h"

enum {
	VALUE_LEAST = 16,
	VALUE_NARROW = 10,
	VALUE_MORE = 24, /* before there are further columns */
	COUNTRY_WIDTH = 13,
	VERDICT_WIDTH = 17,
	TREND_LEAST = 12,
	SHARE_WIDTH = 6,
	BAR_WIDTH = 10,
	CALLS_WIDTH = 9,
	MENU_WIDTH = 30,
};

enum column { VALUE, BESIDE, TREND, SENT, RECEIVED, TOTAL, SHARE, BAR, CALLS, LAST, COLUMNS };

static const char *const titles[COLUMNS] = {
    [TREND] = "TREND", [SENT] = "SENT", [RECEIVED] = "RECEIVED", [TOTAL] = "TOTAL",
    [SHARE] = "SHARE", [BAR] = "",      [CALLS] = "CALLS",       [LAST] = "LAST SEEN"};

static enum column sorted(const struct view_model *m)
{
	static const enum column of[] = {[PS_ORDER_TOTAL] = TOTAL, [PS_ORDER_SENT] = SENT, [PS_ORDER_RECEIVED] = RECEIVED,
	                                 [PS_ORDER_CALLS] = CALLS, [PS_ORDER_TIME] = LAST, [PS_ORDER_KEY] = VALUE};

	return of[m->order];
}

/* ---- lines ---- */

void view_put_line(struct buf *out, const struct view_look *look, struct buf *text, enum columns_side side)
{
	buf_put_u8(text, 0);
	cells_put(out, (char *)text->data, look->utf8, look->width, side);
	buf_done(text);
}

void view_put_amount(struct buf *out, const struct view_model *m, uint64_t bytes, const char *after)
{
	char text[OUTPUT_BYTES_SIZE];

	buf_printf(out, "%s%s", output_bytes(text, bytes, m->units), after);
}

/* ---- rows ---- */

/* The columns in the order in which they get room. */
static unsigned put_ranks(const struct view_model *m, enum column ranks[COLUMNS])
{
	static const enum column usual[] = {TOTAL, SHARE, BESIDE, TREND, RECEIVED, SENT, LAST, CALLS, BAR};
	enum column first = sorted(m);
	enum ps_dimension by = m->rows ? m->rows->by : m->by;
	unsigned n = 0;

	if (first != VALUE)
		ranks[n++] = first;
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		if (usual[i] == first || (usual[i] == BESIDE && !dims_is_hash(by) && !dims_is_address(by)) ||
		    (by == PS_BY_TIME && (usual[i] == TREND || usual[i] == LAST)))
			continue;
		ranks[n++] = usual[i];
	}
	return n;
}

static unsigned column_width(const struct view_model *m, enum column c)
{
	enum ps_dimension by = m->rows ? m->rows->by : m->by;

	switch (c) {
	case BESIDE:
		return dims_is_hash(by) ? VERDICT_WIDTH : COUNTRY_WIDTH;
	case TREND:
		return TREND_LEAST;
	case SHARE:
		return SHARE_WIDTH;
	case BAR:
		return BAR_WIDTH;
	case CALLS:
		return CALLS_WIDTH;
	case LAST:
		return (unsigned)strlen("2026-11-28 10:00:00");
	default:
		return cells_bytes_width(m->units) + 1;
	}
}

/* 0: there is no room for it. */
static void fit(const struct view_look *look, const struct view_model *m, unsigned widths[COLUMNS])
{
	unsigned used = look->width < LINES_NARROW ? VALUE_NARROW : VALUE_LEAST, n, more;
	enum column ranks[COLUMNS];

	memset(widths, 0, COLUMNS * sizeof(*widths));
	if (used > look->width)
		used = look->width;
	widths[VALUE] = used;
	n = put_ranks(m, ranks);
	for (unsigned i = 0; i < n; i++) {
		bool is_extra = i && (ranks[i] == LAST || ranks[i] == CALLS || ranks[i] == BAR);
		unsigned width = column_width(m, ranks[i]);

		/* Rather than more numbers, more of the value, up to a point. */
		if (used + 1 + width + (is_extra ? VALUE_MORE : 0) > look->width)
			continue;
		widths[ranks[i]] = width;
		used += 1 + width;
	}
	more = look->width - used;
	if (widths[TREND]) {
		unsigned steps = m->rows && m->rows->steps > TREND_LEAST ? m->rows->steps : TREND_LEAST;
		unsigned share = more / 3 < steps - TREND_LEAST ? more / 3 : steps - TREND_LEAST;

		widths[TREND] += share;
		more -= share;
	}
	widths[VALUE] += more;
}

bool view_has_trends(const struct view_look *look, const struct view_model *m)
{
	unsigned widths[COLUMNS];

	fit(look, m, widths);
	return widths[TREND] != 0;
}

static enum columns_side title_side(enum column c)
{
	return c == VALUE || c == BESIDE || c == TREND || c == BAR || c == LAST ? COLUMNS_LEFT : COLUMNS_RIGHT;
}

void view_put_titles(struct buf *out, const struct view_look *look, const struct view_model *m)
{
	enum ps_dimension by = m->rows ? m->rows->by : m->by;
	unsigned widths[COLUMNS];

	fit(look, m, widths);
	for (enum column c = 0; c < COLUMNS; c++) {
		const char *name = c == VALUE    ? dims_title(by)
		                   : c == BESIDE ? dims_is_hash(by) ? "VERDICT" : "COUNTRY"
		                                 : titles[c];
		char title[64], step[RANGE_NAME_SIZE];

		if (!widths[c])
			continue;
		if (c)
			buf_put_u8(out, ' ');
		snprintf(title, sizeof(title), "%s%s", c == sorted(m) ? c == VALUE ? "<" : ">" : "", name);
		if (c == TREND && m->rows && m->rows->step)
			snprintf(title, sizeof(title), "%s/%s", name, range_name(step, m->rows->step));
		if (c == VALUE)
			for (char *at = title; *at; at++)
				*at = (char)toupper((unsigned char)*at);
		columns_put(out, title, widths[c], title_side(c));
	}
}

static uint64_t both(const struct view_row *row)
{
	return count_add(row->sent, row->received);
}

/* Of what is sorted by, or of both; in thousandths. */
static unsigned share(const struct view_model *m, const struct view_row *row)
{
	const struct view_rows *r = m->rows;
	uint64_t part = both(row), all = count_add(r->sent, r->received);

	if (m->order == PS_ORDER_SENT)
		part = row->sent, all = r->sent;
	else if (m->order == PS_ORDER_RECEIVED)
		part = row->received, all = r->received;
	else if (m->order == PS_ORDER_CALLS)
		part = row->calls, all = r->calls;
	return all ? (unsigned)((double)part * 1000 / (double)all + 0.5) : 0;
}

static void put_blocks(struct buf *out, const struct view_look *look, unsigned eighths, unsigned width)
{
	static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	unsigned full = look->utf8 ? eighths / 8 : (eighths + 4) / 8, used = full;

	for (unsigned i = 0; i < full; i++)
		buf_put_str(out, look->utf8 ? "█" : "#");
	if (look->utf8 && eighths % 8) {
		buf_put_str(out, parts[eighths % 8]);
		used++;
	}
	buf_printf(out, "%*s", (int)(width - used), "");
}

/* Each column stands for as many steps, when there are more of them. */
static void put_trend(struct buf *out, const struct view_look *look, const struct view_rows *r,
                      const struct view_row *row, unsigned width)
{
	static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}, plain[] = " .:-=+*#@";
	unsigned n = r->steps < width ? r->steps : width;
	uint64_t cells[VIEW_STEPS_MAX] = {0}, most = 0;

	if (!row->trend || !n) {
		buf_printf(out, "%*s", (int)width, "");
		return;
	}
	for (unsigned i = 0; i < r->steps; i++) {
		uint64_t *cell = &cells[i * n / r->steps];

		*cell = count_add(*cell, row->trend[i]);
		most = *cell > most ? *cell : most;
	}
	for (unsigned i = 0; i < n; i++) {
		unsigned level = cells[i] ? 1 + (unsigned)((double)cells[i] * 7 / (double)most) : 0;

		buf_printf(out, "%.*s", look->utf8 ? 3 : 1, look->utf8 ? bars[level] : plain + level);
	}
	buf_printf(out, "%*s", (int)(width - n), "");
}

static enum columns_side value_side(enum ps_dimension by)
{
	bool is_path = by == PS_BY_EXE || by == PS_BY_PEXE || by == PS_BY_GPEXE || by == PS_BY_SCRIPT || by == PS_BY_CGROUP;

	return is_path ? COLUMNS_TAIL : COLUMNS_MIDDLE;
}

void view_put_row(struct buf *out, const struct view_look *look, const struct view_model *m, const struct view_row *row)
{
	unsigned widths[COLUMNS], part = share(m, row);
	char text[WHEN_TEXT_SIZE];

	fit(look, m, widths);
	cells_put(out, row->shown, look->utf8, widths[VALUE], value_side(m->rows->by));
	for (enum column c = VALUE + 1; c < COLUMNS; c++) {
		if (!widths[c])
			continue;
		buf_put_u8(out, ' ');
		if (c == BESIDE) {
			cells_put(out, row->beside ? row->beside : "", look->utf8, widths[c], COLUMNS_LEFT);
		} else if (c == TREND) {
			put_trend(out, look, m->rows, row, widths[c]);
		} else if (c == SHARE) {
			snprintf(text, sizeof(text), "%u.%u%%", part / 10, part % 10);
			columns_put(out, text, widths[c], COLUMNS_RIGHT);
		} else if (c == BAR) {
			put_blocks(out, look, part * BAR_WIDTH * 8 / 1000, widths[c]);
		} else if (c == CALLS) {
			snprintf(text, sizeof(text), "%" PRIu64, row->calls);
			columns_put(out, text, widths[c], COLUMNS_RIGHT);
		} else if (c == LAST) {
			columns_put(out, when_text(text, row->last), widths[c], COLUMNS_LEFT);
		} else {
			cells_put_bytes(out,
			                c == SENT       ? row->sent
			                : c == RECEIVED ? row->received
			                                : both(row),
			                m->units, widths[c]);
		}
	}
}

/* ---- below ---- */

void view_put_foot(struct buf *out, const struct view_look *look, const struct view_model *m)
{
	static const char *const orders[] = {
	    [PS_ORDER_TOTAL] = ">TOTAL", [PS_ORDER_SENT] = ">SENT",      [PS_ORDER_RECEIVED] = ">RECEIVED",
	    [PS_ORDER_CALLS] = ">CALLS", [PS_ORDER_TIME] = ">LAST SEEN", [PS_ORDER_KEY] = "<VALUE"};
	struct buf text;

	buf_init(&text);
	if (m->mode == VIEW_FIND)
		buf_printf(&text, "/%s_", m->find.text);
	else if (m->said[0])
		buf_put_str(&text, m->said);
	else if (m->mode == VIEW_HELP || m->mode == VIEW_WHOLE)
		buf_put_str(&text, "any key goes back");
	else if (m->mode == VIEW_MENU)
		buf_put_str(&text, "by what? its key, or arrows and Enter");
	else {
		if (m->pending && look->waited_ms >= 300)
			buf_printf(&text, "ASKING %" PRId64 ".%" PRId64 " s  ", look->waited_ms / 1000, look->waited_ms / 100 % 10);
		buf_printf(&text, "?: help  q: quit  d: by what  sort %s  units %s", orders[m->order], cells_units(m->units));
		if (m->rows && m->rows->n)
			buf_printf(&text, "  %zu/%zu", m->selected + 1, m->rows->n);
	}
	view_put_line(out, look, &text, COLUMNS_LEFT);
}

/* ---- the menu ---- */

unsigned view_menu_columns(const struct view_look *look)
{
	return look->width < 2 * MENU_WIDTH ? 1 : look->width / MENU_WIDTH;
}

void view_put_menu(struct buf *out, const struct view_look *look, const struct view_model *m, unsigned place)
{
	unsigned columns = view_menu_columns(look), width = columns > 1 ? MENU_WIDTH : look->width;
	enum ps_dimension d = dims_at(place);
	char text[96];
	bool known = false;

	for (size_t i = 0; i < m->n_filters; i++)
		known |= m->filters[i].dimension == d;
	snprintf(text, sizeof(text), "%c %s%s", dims_key(place), dims_title(d), known ? " *" : "");
	columns_put(out, text, width, COLUMNS_LEFT);
}

/* ---- one row, all of it ---- */

/* Puts the line of that number of the text, and takes the text's lines off it. */
static bool put_wrapped(struct buf *out, const struct view_look *look, const char *text, size_t *line)
{
	char *tame = mem_strdup(text), *at = tame;
	bool found = false;

	columns_tame(tame, look->utf8);
	do {
		char *stop = at;
		unsigned used = 0, w;
		size_t n;

		for (; *stop; stop += n, used += w) {
			w = columns_char(stop, &n);
			if (used + w > look->width && stop > at)
				break;
		}
		if (!(*line)--) {
			char end = *stop;

			*stop = 0;
			columns_put(out, at, look->width, COLUMNS_LEFT);
			*stop = end;
			found = true;
		}
		at = stop;
	} while (*at && !found);
	free(tame);
	return found;
}

static void print_fact(const struct view_model *m, const struct view_row *row, unsigned which, struct buf *text)
{
	char time[WHEN_TEXT_SIZE];

	text->len = 0;
	switch (which) {
	case 0:
		buf_printf(text, "%s", dims_title(m->rows->by));
		break;
	case 1:
		buf_put_str(text, row->shown);
		break;
	case 3:
		buf_put_str(text, "sent      ");
		view_put_amount(text, m, row->sent, "");
		break;
	case 4:
		buf_put_str(text, "received  ");
		view_put_amount(text, m, row->received, "");
		break;
	case 5:
		buf_printf(text, "calls     %" PRIu64, row->calls);
		break;
	case 6:
		buf_printf(text, "rows      %" PRIu64, row->rows);
		break;
	case 7:
		buf_printf(text, "first     %s", when_text(time, row->first));
		break;
	case 8:
		buf_printf(text, "last      %s", when_text(time, row->last));
		break;
	case 9:
		if (row->beside && *row->beside)
			buf_printf(text, "%s %s", dims_is_hash(m->rows->by) ? "verdict  " : "country  ", row->beside);
		break;
	default:
		break;
	}
	buf_put_u8(text, 0);
}

bool view_put_whole(struct buf *out, const struct view_look *look, const struct view_model *m, size_t line)
{
	const struct view_row *row = view_model_selected(m);
	bool found = false;
	struct buf text;

	buf_init(&text);
	for (unsigned i = 0; i < 10 && row && !found; i++) {
		print_fact(m, row, i, &text);
		found = put_wrapped(out, look, (char *)text.data, &line);
	}
	buf_done(&text);
	return found;
}

bool view_put_nothing(struct buf *out, const struct view_look *look, const struct view_model *m, size_t line)
{
	const char *text = "nothing was recorded in this time: t chooses another, h goes back";

	if (m->failed)
		return put_wrapped(out, look, m->why, &line) || put_wrapped(out, look, "r asks again", &line);
	if (m->pending)
		return false;
	if (m->n_filters)
		text = "nothing was recorded that fits: backspace removes a filter, t chooses another time";
	return put_wrapped(out, look, text, &line);
}

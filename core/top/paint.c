/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "core/screen/cells.h"
#include "core/screen/paint.h"
#include "core/top/screen.h"

enum { SMALL = 10, TALL = 30 };

const char *const screen_help[] = {
    "Keys",
    "space  pause, and go on",
    "z      totals begin again (reset)",
    "Tab    connections, listening, news, none",
    "/      find a program by part of its name",
    "n N    the next, the one before",
    "u U    the next unit, the one before",
    "q      quit",
    "",
    "Sort, with the capital letter in reverse:",
    "b  both a second",
    "s  sent a second",
    "r  received a second",
    "x  sent",
    "y  received",
    "t  both (total)",
    "c  connections",
    "l  listening sockets",
    "p  program",
    "w  with whom",
    "< >  the column before, the next",
    "i  the other way round",
    "",
    "up down PgUp PgDn Home End  select",
    "Esc  select none",
    "[ ]  scroll what is below",
    "Ctrl-L  draw again",
    "",
    "BOTH/s ...: mean of three seconds",
    "CONN: flows of the last minute",
    "-> opened here, <- from outside",
};
const size_t screen_help_lines = sizeof(screen_help) / sizeof(*screen_help);

/* ---- lines ---- */

static int paint_head(struct screen *s, struct buf *line)
{
	attr_t state = s->rows->state == TOP_LIVE ? A_BOLD : paint_colour(&s->terminal, TERMINAL_RED);
	attr_t losses = s->rows->lost.times ? paint_colour(&s->terminal, TERMINAL_RED) : A_NORMAL;

	if (LINES < SMALL) {
		top_put_brief(line, &s->look, s->rows);
		paint_line(0, line, s->rows->lost.times ? losses : state);
		return 1;
	}
	for (unsigned i = 0; i < TOP_SUMMARY; i++) {
		top_put_summary(line, &s->look, s->rows, i);
		paint_line((int)i, line, i == 0 ? state : i == 2 ? losses : A_NORMAL);
	}
	return TOP_SUMMARY;
}

size_t screen_selected(const struct screen *s)
{
	for (size_t i = 0; i < s->rows->n_programs; i++)
		if (s->rows->programs[i].id == s->selected)
			return i;
	return SIZE_MAX;
}

static void paint_programs(struct screen *s, struct buf *line, int y, int height)
{
	size_t at = screen_selected(s), n = s->rows->n_programs;

	if (height <= 0)
		return;
	top_put_titles(line, &s->look);
	paint_line(y, line, A_BOLD | A_UNDERLINE);
	s->page = height > 1 ? (size_t)height - 1 : 1;
	if (at == SIZE_MAX)
		s->selected = 0;
	else if (at < s->top)
		s->top = at;
	else if (at >= s->top + s->page)
		s->top = at - s->page + 1;
	if (s->top + s->page > n)
		s->top = n > s->page ? n - s->page : 0;
	for (size_t i = 0; i < s->page && s->top + i < n; i++) {
		top_put_program(line, &s->look, &s->rows->programs[s->top + i]);
		paint_line(y + 1 + (int)i, line, s->top + i == at ? A_REVERSE : A_NORMAL);
	}
}

/* from: the first row that is shown. */
static void paint_pane(struct screen *s, struct buf *line, enum pane pane, size_t *from, int y, int height)
{
	const struct top_rows *rows = s->rows;
	bool events = pane == PANE_EVENTS, listening = pane == PANE_LISTENING;
	size_t n = events ? rows->n_events : listening ? rows->n_listening : rows->n_connections;

	if (listening)
		top_put_listening(line, &s->look, rows);
	else
		top_put_text(line, &s->look, events ? "NEW PROGRAMS AND ALERTS" : "NEWEST CONNECTIONS");
	paint_line(y, line, A_BOLD | A_UNDERLINE);
	if (*from >= n)
		*from = n ? n - 1 : 0;
	for (size_t i = *from; i < n && --height > 0; i++) {
		bool alert = events && strcmp(rows->events[i].kind, "program") != 0;

		if (events)
			top_put_event(line, &s->look, &rows->events[i]);
		else if (listening)
			top_put_listener(line, &s->look, &rows->listening[i]);
		else
			top_put_connection(line, &s->look, &rows->connections[i]);
		paint_line(++y, line, alert ? paint_colour(&s->terminal, TERMINAL_RED) : A_NORMAL);
	}
	if (!n && (!listening || rows->listening_known)) {
		top_put_text(line, &s->look, listening ? "none" : "none yet");
		paint_line(y + 1, line, A_NORMAL);
	}
}

static void paint_foot(struct screen *s, struct buf *line)
{
	struct buf text;

	buf_init(&text);
	if (s->asking)
		buf_printf(&text, "/%s_", s->find.text);
	else if (s->said)
		buf_printf(&text, "%s", s->said);
	else if (s->helping)
		buf_put_str(&text, "any key goes back");
	else
		buf_printf(&text, "%s?: help  q: quit  sort %s%s  units %s", s->paused ? "PAUSED  " : "",
		           s->look.reverse ? "<" : ">", top_column_title(s->look.sort), cells_units(s->look.units));
	buf_put_u8(&text, 0);
	top_put_text(line, &s->look, (char *)text.data);
	paint_line(LINES - 1, line, s->paused ? paint_colour(&s->terminal, TERMINAL_YELLOW) : A_BOLD);
	buf_done(&text);
}

void screen_paint(struct screen *s)
{
	int y, height, pane = 0, news;
	size_t first = 0;
	struct buf line;

	buf_init(&line);
	s->look.width = COLS > 1 ? (unsigned)COLS : 1;
	erase();
	if (s->helping) {
		paint_help(&s->terminal, &s->help);
	} else {
		y = paint_head(s, &line);
		height = LINES - y - 1;
		/* A small screen has room for one of them. */
		if (s->pane != PANE_NONE && LINES >= SMALL)
			pane = height * 2 / 5;
		else if (s->pane == PANE_EVENTS || s->pane == PANE_LISTENING)
			pane = height;
		/* A tall one has room for all three. */
		news = (s->pane == PANE_CONNECTIONS || s->pane == PANE_LISTENING) && LINES >= TALL ? height / 5 : 0;
		paint_programs(s, &line, y, height - pane - news);
		if (pane)
			paint_pane(s, &line, s->pane, &s->pane_top, y + height - pane - news, pane);
		if (news)
			paint_pane(s, &line, PANE_EVENTS, &first, y + height - news, news);
	}
	paint_foot(s, &line);
	refresh();
	buf_done(&line);
}

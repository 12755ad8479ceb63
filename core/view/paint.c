/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/screen/paint.h"

#include "core/view/dims.h"
#include "core/view/screen.h"

enum { SMALL = 10 };

static int paint_head(const struct view_screen *s, struct buf *line)
{
	const struct view_model *m = &s->model;
	bool lost = m->rows && m->rows->n_losses;
	attr_t alarm = paint_colour(&s->terminal, TERMINAL_RED);
	int y = 0;

	if (LINES < SMALL) {
		view_put_brief(line, &s->look, m);
		paint_line(0, line, lost || m->failed ? alarm : A_BOLD);
		return 1;
	}
	for (enum view_head h = 0; h < VIEW_HEADS; h++) {
		if (h == VIEW_HEAD_LOSSES && !lost)
			continue;
		view_put_head(line, &s->look, m, h);
		paint_line(y++, line,
		           h == VIEW_HEAD_PATH                                           ? A_BOLD
		           : h == VIEW_HEAD_LOSSES || (h == VIEW_HEAD_SUMS && m->failed) ? alarm
		                                                                         : A_NORMAL);
	}
	return y;
}

static void paint_rows(struct view_screen *s, struct buf *line, int y, int height)
{
	struct view_model *m = &s->model;
	size_t n = m->rows && !m->failed ? m->rows->n : 0;

	view_model_room(m, height > 1 ? (size_t)height - 1 : 1, view_has_trends(&s->look, m));
	if (height <= 0)
		return;
	view_put_titles(line, &s->look, m);
	paint_line(y, line, A_BOLD | A_UNDERLINE);
	for (size_t i = 0; i < m->page && m->top + i < n; i++) {
		const struct view_row *row = &m->rows->rows[m->top + i];
		attr_t colour = row->alarming ? paint_colour(&s->terminal, TERMINAL_RED) : A_NORMAL;

		view_put_row(line, &s->look, m, row);
		/* Rows of an earlier question, until there is an answer. */
		paint_line(y + 1 + (int)i, line,
		           m->top + i == m->selected ? colour | A_REVERSE
		           : m->pending              ? colour | A_DIM
		                                     : colour);
	}
	for (size_t i = 0; !n && (int)i < height - 1 && view_put_nothing(line, &s->look, m, i); i++)
		paint_line(y + 1 + (int)i, line, m->failed ? paint_colour(&s->terminal, TERMINAL_RED) : A_NORMAL);
}

static void paint_menu(struct view_screen *s, struct buf *line, int y, int height)
{
	unsigned columns = view_menu_columns(&s->look), rows = (PS_DIMENSIONS + columns - 1) / columns, top = 0;
	int width = COLS / (int)columns;

	s->model.menu_rows = rows;
	if (height < 1)
		return;
	if (s->model.menu % rows >= (unsigned)height)
		top = s->model.menu % rows - (unsigned)height + 1;
	for (unsigned place = 0; place < PS_DIMENSIONS; place++) {
		int at = (int)(place % rows) - (int)top;

		if (at < 0 || at >= height)
			continue;
		view_put_menu(line, &s->look, &s->model, place);
		attrset(place == s->model.menu ? A_REVERSE : A_NORMAL);
		mvaddnstr(y + at, (int)(place / rows) * width, (char *)line->data, (int)line->len);
		attrset(A_NORMAL);
		line->len = 0;
	}
}

static void paint_whole(struct view_screen *s, struct buf *line)
{
	struct view_model *m = &s->model;
	size_t lines = 0;

	while (view_put_whole(line, &s->look, m, lines))
		lines++;
	line->len = 0;
	m->whole_page = LINES > 1 ? (size_t)LINES - 1 : 1;
	if (m->whole_top + m->whole_page > lines)
		m->whole_top = lines > m->whole_page ? lines - m->whole_page : 0;
	for (size_t i = 0; i < m->whole_page && view_put_whole(line, &s->look, m, m->whole_top + i); i++)
		paint_line((int)i, line, m->whole_top + i ? A_NORMAL : A_BOLD);
}

void view_paint(struct view_screen *s)
{
	struct view_model *m = &s->model;
	struct buf line;
	int y;

	buf_init(&line);
	s->look.width = COLS > 1 ? (unsigned)COLS : 1;
	if (m->redraw)
		clearok(curscr, TRUE);
	m->redraw = false;
	erase();
	m->help_page = LINES > 1 ? (size_t)LINES - 1 : 1;
	if (m->mode == VIEW_HELP) {
		paint_help(&s->terminal, &m->help);
	} else if (m->mode == VIEW_WHOLE) {
		paint_whole(s, &line);
	} else {
		y = paint_head(s, &line);
		if (m->mode == VIEW_MENU)
			paint_menu(s, &line, y, LINES - y - 1);
		else
			paint_rows(s, &line, y, LINES - y - 1);
	}
	view_put_foot(&line, &s->look, m);
	paint_line(LINES - 1, &line, m->pending ? paint_colour(&s->terminal, TERMINAL_YELLOW) : A_BOLD);
	refresh();
	buf_done(&line);
}

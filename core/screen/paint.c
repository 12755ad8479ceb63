/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/screen/paint.h"

#include "core/screen/cells.h"

void paint_line(int y, struct buf *line, attr_t attributes)
{
	if (y >= 0 && y < LINES) {
		attrset(attributes);
		mvaddnstr(y, 0, (char *)line->data, (int)line->len);
		attrset(A_NORMAL);
	}
	line->len = 0;
}

attr_t paint_colour(const struct terminal *t, short pair)
{
	return A_BOLD | (t->colour ? COLOR_PAIR(pair) : 0);
}

void paint_help(const struct terminal *t, struct help *h)
{
	size_t room = LINES > 1 ? (size_t)LINES - 1 : 1;
	struct buf line;

	buf_init(&line);
	help_fit(h, room);
	for (size_t i = 0; i < room && h->top + i < h->n; i++) {
		cells_put(&line, h->lines[h->top + i], t->utf8, COLS > 1 ? (unsigned)COLS : 1, COLUMNS_LEFT);
		paint_line((int)i, &line, A_NORMAL);
	}
	buf_done(&line);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ncurses.h>
#include <string.h>

#include "core/screen/cells.h"
#include "core/screen/press.h"
#include "core/top/screen.h"

void screen_renew(struct screen *s)
{
	if (s->rows)
		top_rows_free(s->rows);
	s->rows = top_model_rows(s->reader->model);
	top_sort(s->rows, &s->look);
}

static void sort(struct screen *s, enum top_column column, bool reverse)
{
	s->look.sort = column;
	s->look.reverse = reverse;
	top_sort(s->rows, &s->look);
}

static void select_row(struct screen *s, size_t at)
{
	if (s->rows->n_programs)
		s->selected = s->rows->programs[at < s->rows->n_programs ? at : s->rows->n_programs - 1].id;
}

static void move_by(struct screen *s, long rows)
{
	size_t at = screen_selected(s);

	if (at == SIZE_MAX)
		select_row(s, s->top);
	else
		select_row(s, rows < 0 && at < (size_t)-rows ? 0 : at + (size_t)rows);
}

/* From the selected one on, or back, and round. */
static void find(struct screen *s, bool back)
{
	size_t n = s->rows->n_programs, at = screen_selected(s);
	struct buf name;
	bool found = false;

	if (!s->find.text[0])
		return;
	if (at == SIZE_MAX)
		at = back ? 0 : n - 1;
	buf_init(&name);
	for (size_t i = 1; i <= n && !found; i++) {
		size_t row = (back ? at + n - i : at + i) % n;

		name.len = 0;
		top_put_name(&name, s->rows->programs[row].exe, s->rows->programs[row].name);
		found = strcasestr((char *)name.data, s->find.text);
		if (found)
			select_row(s, row);
	}
	buf_done(&name);
	if (!found)
		s->said = "not found";
}

/* A key while it is typed what to find. */
static void on_find_key(struct screen *s, uint32_t press)
{
	enum typed_state state = typed_key(&s->find, press);

	s->asking = state == TYPED_ON;
	if (state == TYPED_DONE)
		find(s, false);
}

/* False: it is none. */
static bool on_sort_key(struct screen *s, uint32_t key)
{
	static const char keys[] = "psrbxytclw", reverse[] = "PSRBXYTCLW";
	static const enum top_column columns[] = {TOP_PROGRAM,  TOP_SENT_RATE, TOP_RECEIVED_RATE, TOP_RATE,      TOP_SENT,
	                                          TOP_RECEIVED, TOP_TOTAL,     TOP_CONNECTIONS,   TOP_LISTENING, TOP_PEER};
	const char *at;

	if (key == '<' || key == '>')
		sort(s, (s->look.sort + (key == '>' ? 1 : TOP_COLUMNS - 1)) % TOP_COLUMNS, s->look.reverse);
	else if (key == 'i')
		sort(s, s->look.sort, !s->look.reverse);
	else if (key && key < 128 && (at = strchr(keys, (int)key)))
		sort(s, columns[at - keys], false);
	else if (key && key < 128 && (at = strchr(reverse, (int)key)))
		sort(s, columns[at - reverse], true);
	else
		return false;
	return true;
}

/* False: it moves nothing. */
static bool on_move_key(struct screen *s, uint32_t key)
{
	switch (key) {
	case PRESS_UP:
		move_by(s, -1);
		break;
	case PRESS_DOWN:
		move_by(s, 1);
		break;
	case PRESS_PAGE_UP:
		move_by(s, -(long)s->page);
		break;
	case PRESS_PAGE_DOWN:
		move_by(s, (long)s->page);
		break;
	case PRESS_HOME:
		select_row(s, 0);
		break;
	case PRESS_END:
		select_row(s, SIZE_MAX);
		break;
	default:
		return false;
	}
	return true;
}

static void on_letter(struct screen *s, uint32_t key)
{
	switch (key) {
	case 'q':
		s->quit = true;
		break;
	case ' ':
		s->paused = !s->paused;
		screen_renew(s);
		break;
	case 'z':
		top_model_reset(s->reader->model);
		screen_renew(s);
		break;
	case PRESS_TAB:
		s->pane = (s->pane + 1) % PANES;
		s->pane_top = 0;
		break;
	case '/':
		s->asking = true;
		s->find.text[0] = 0;
		break;
	case 'n':
	case 'N':
		find(s, key == 'N');
		break;
	case 'u':
	case 'U':
		s->look.units = cells_units_next(s->look.units, key == 'U');
		break;
	case '?':
	case 'h':
		s->helping = true;
		s->help.top = 0;
		break;
	case '[':
		s->pane_top -= s->pane_top > 0;
		break;
	case ']':
		s->pane_top++;
		break;
	case 'j':
		move_by(s, 1);
		break;
	case 'k':
		move_by(s, -1);
		break;
	case PRESS_ESCAPE:
		s->selected = 0;
		s->top = 0;
		break;
	case PRESS_CTRL('L'):
		clearok(curscr, TRUE);
		break;
	default:
		on_sort_key(s, key);
		break;
	}
}

bool screen_key(void *screen, uint32_t press)
{
	struct screen *s = screen;

	s->said = NULL;
	if (s->asking)
		on_find_key(s, press);
	else if (s->helping)
		s->helping = help_key(&s->help, press, LINES > 1 ? (size_t)LINES - 1 : 1);
	else if (!on_move_key(s, press))
		on_letter(s, press);
	return !s->quit;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "core/screen/cells.h"
#include "core/screen/press.h"
#include "core/view/dims.h"
#include "core/view/lines.h"
#include "core/view/model.h"

/* ---- order, range, find ---- */

static const enum ps_order orders[] = {PS_ORDER_TOTAL, PS_ORDER_SENT, PS_ORDER_RECEIVED,
                                       PS_ORDER_CALLS, PS_ORDER_TIME, PS_ORDER_KEY};
#define ORDERS (sizeof(orders) / sizeof(*orders))

static void next_order(struct view_model *m, bool back, int64_t now)
{
	const struct view_row *selected = view_model_selected(m);
	size_t i = 0;

	while (orders[i] != m->order)
		i++;
	m->order = orders[(i + (back ? ORDERS - 1 : 1)) % ORDERS];
	if (view_model_sort(m))
		return;
	if (selected)
		view_model_want(m, selected->value.data, selected->value.len);
	view_model_ask(m, now);
}

static void refresh(struct view_model *m, int64_t now)
{
	const struct view_row *selected = view_model_selected(m);

	if (selected)
		view_model_want(m, selected->value.data, selected->value.len);
	view_model_ask(m, now);
}

static void next_range(struct view_model *m, bool back, int64_t now)
{
	if (back)
		range_shorter(&m->range);
	else
		range_longer(&m->range);
	refresh(m, now);
}

static void history(struct view_model *m, int direction, int64_t now)
{
	if (range_go(&m->range, direction))
		refresh(m, now);
	else if (!m->range.length)
		view_model_say(m, "this range has no history: t chooses another");
	else
		view_model_say(m, "this is the latest");
}

/* From the selected one on, or back, and round. */
static void find(struct view_model *m, bool back)
{
	size_t n = m->rows ? m->rows->n : 0;

	if (!m->find.text[0])
		return;
	for (size_t i = 1; i <= n; i++) {
		size_t row = (back ? m->selected + n - i : m->selected + i) % n;

		if (strcasestr(m->rows->rows[row].shown, m->find.text)) {
			view_model_move_to(m, row);
			return;
		}
	}
	view_model_say(m, "not found");
}

/* ---- other modes ---- */

static void on_find_key(struct view_model *m, uint32_t press)
{
	enum typed_state state = typed_key(&m->find, press);

	if (state != TYPED_ON)
		m->mode = VIEW_LIST;
	if (state == TYPED_DONE)
		find(m, false);
}

static void on_menu_key(struct view_model *m, uint32_t press, int64_t now)
{
	enum ps_dimension d = dims_of_key(press);
	unsigned last = PS_DIMENSIONS - 1, column = m->menu_rows;

	if (press == PRESS_UP || press == PRESS_BACKTAB)
		m->menu = m->menu ? m->menu - 1 : last;
	else if (press == PRESS_DOWN || press == PRESS_TAB)
		m->menu = m->menu < last ? m->menu + 1 : 0;
	else if (press == PRESS_LEFT || press == PRESS_PAGE_UP)
		m->menu = m->menu > column ? m->menu - column : 0;
	else if (press == PRESS_RIGHT || press == PRESS_PAGE_DOWN)
		m->menu = m->menu + column < last ? m->menu + column : last;
	else if (press == PRESS_HOME)
		m->menu = 0;
	else if (press == PRESS_END)
		m->menu = last;
	else {
		m->mode = VIEW_LIST;
		if (press == PRESS_ENTER || press == ' ')
			d = dims_at(m->menu);
		if (d < PS_DIMENSIONS)
			view_model_by(m, d, now);
	}
}

static void on_whole_key(struct view_model *m, uint32_t press)
{
	if (press == PRESS_DOWN || press == 'j')
		m->whole_top++;
	else if (press == PRESS_UP || press == 'k')
		m->whole_top -= m->whole_top > 0;
	else if (press == PRESS_PAGE_DOWN || press == ' ')
		m->whole_top += m->whole_page;
	else if (press == PRESS_PAGE_UP)
		m->whole_top -= m->whole_top < m->whole_page ? m->whole_top : m->whole_page;
	else
		m->mode = VIEW_LIST;
}

/* ---- the list ---- */

/* False: it moves nothing. */
static bool on_move_key(struct view_model *m, uint32_t press)
{
	size_t at = m->selected;

	if (press == PRESS_UP || press == 'k')
		view_model_move_to(m, at ? at - 1 : 0);
	else if (press == PRESS_DOWN || press == 'j')
		view_model_move_to(m, at + 1);
	else if (press == PRESS_PAGE_UP)
		view_model_move_to(m, at > m->page ? at - m->page : 0);
	else if (press == PRESS_PAGE_DOWN)
		view_model_move_to(m, at + m->page);
	else if (press == PRESS_HOME)
		view_model_move_to(m, 0);
	else if (press == PRESS_END)
		view_model_move_to(m, SIZE_MAX);
	else
		return false;
	return true;
}

/* False: it changes no question. */
static bool on_question_key(struct view_model *m, uint32_t press, int64_t now)
{
	unsigned place = dims_place(m->by);

	if (press == ' ' || press == PRESS_ENTER || press == 'f')
		view_model_include(m, now);
	else if (press == 'e')
		view_model_exclude(m, now);
	else if (press == PRESS_BACKSPACE)
		view_model_remove(m, VIEW_REMOVE_ANY, now);
	else if (press == 'F')
		view_model_remove(m, VIEW_REMOVE_INCLUDE, now);
	else if (press == 'E')
		view_model_remove(m, VIEW_REMOVE_EXCLUDE, now);
	else if (press == 'h' || press == 'H')
		history(m, press == 'h' ? -1 : 1, now);
	else if (press == 't' || press == 'T')
		next_range(m, press == 'T', now);
	else if (press == 's' || press == 'S')
		next_order(m, press == 'S', now);
	else if (press == 'r')
		refresh(m, now);
	else if (press == PRESS_TAB || press == PRESS_RIGHT)
		view_model_by(m, dims_at((place + 1) % PS_DIMENSIONS), now);
	else if (press == PRESS_BACKTAB || press == PRESS_LEFT)
		view_model_by(m, dims_at((place + PS_DIMENSIONS - 1) % PS_DIMENSIONS), now);
	else if (press >= '0' && press <= '9')
		view_model_by(m, dims_of_key(press), now);
	else
		return false;
	return true;
}

static void on_look_key(struct view_model *m, uint32_t press)
{
	switch (press) {
	case 'q':
		m->quit = true;
		break;
	case 'u':
	case 'U':
		m->units = cells_units_next(m->units, press == 'U');
		break;
	case 'd':
		m->mode = VIEW_MENU;
		m->menu = dims_place(m->by);
		break;
	case '/':
		m->mode = VIEW_FIND;
		m->find.text[0] = 0;
		break;
	case 'n':
	case 'N':
		find(m, press == 'N');
		break;
	case 'v':
		m->mode = view_model_selected(m) ? VIEW_WHOLE : VIEW_LIST;
		m->whole_top = 0;
		break;
	case '?':
		m->mode = VIEW_HELP;
		m->help.lines = view_help;
		m->help.n = view_help_lines;
		m->help.top = 0;
		break;
	case PRESS_CTRL('L'):
		m->redraw = true;
		break;
	default:
		break;
	}
}

void view_model_key(struct view_model *m, uint32_t press, int64_t now)
{
	m->said[0] = 0;
	switch (m->mode) {
	case VIEW_FIND:
		on_find_key(m, press);
		break;
	case VIEW_MENU:
		on_menu_key(m, press, now);
		break;
	case VIEW_WHOLE:
		on_whole_key(m, press);
		break;
	case VIEW_HELP:
		if (!help_key(&m->help, press, m->help_page ? m->help_page : 1))
			m->mode = VIEW_LIST;
		break;
	case VIEW_LIST:
		if (!on_move_key(m, press) && !on_question_key(m, press, now))
			on_look_key(m, press);
		break;
	}
}

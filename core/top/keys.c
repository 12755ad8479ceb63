/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <limits.h>
#include <ncurses.h>
#include <string.h>
#include <wchar.h>

#include "core/top/screen.h"

enum { ESCAPE = 27 };

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

	if (!s->find[0])
		return;
	if (at == SIZE_MAX)
		at = back ? 0 : n - 1;
	buf_init(&name);
	for (size_t i = 1; i <= n && !found; i++) {
		size_t row = (back ? at + n - i : at + i) % n;

		name.len = 0;
		top_put_name(&name, s->rows->programs[row].exe, s->rows->programs[row].name);
		found = strcasestr((char *)name.data, s->find);
		if (found)
			select_row(s, row);
	}
	buf_done(&name);
	if (!found)
		s->said = "not found";
}

/* A key while it is typed what to find. */
static void on_find_key(struct screen *s, bool code, wint_t key)
{
	size_t len = strlen(s->find), n;
	char bytes[MB_LEN_MAX];
	mbstate_t state = {0};

	if ((code && key == KEY_ENTER) || (!code && (key == '\n' || key == '\r'))) {
		s->asking = false;
		find(s, false);
	} else if (!code && key == ESCAPE) {
		s->asking = false;
	} else if ((code && key == KEY_BACKSPACE) || (!code && (key == 127 || key == 8))) {
		/* The last whole character. */
		while (len && (s->find[--len] & 0xc0) == 0x80)
			;
		s->find[len] = 0;
	} else if (!code && key >= ' ') {
		n = wcrtomb(bytes, (wchar_t)key, &state);
		if (n != (size_t)-1 && len + n <= SCREEN_FIND_MAX) {
			memcpy(s->find + len, bytes, n);
			s->find[len + n] = 0;
		}
	}
}

static void on_help_key(struct screen *s, bool code, wint_t key)
{
	if ((code && key == KEY_DOWN) || (!code && (key == 'j' || key == ' ')))
		s->help_top++;
	else if ((code && key == KEY_UP) || (!code && key == 'k'))
		s->help_top -= s->help_top > 0;
	else if (code && key == KEY_NPAGE)
		s->help_top += (size_t)LINES - 1;
	else if (code && key == KEY_PPAGE)
		s->help_top -= s->help_top < (size_t)LINES ? s->help_top : (size_t)LINES - 1;
	else
		s->help = false;
}

/* False: it is none. */
static bool on_sort_key(struct screen *s, wint_t key)
{
	static const char keys[] = "psrbxytcw", reverse[] = "PSRBXYTCW";
	static const enum top_column columns[] = {TOP_PROGRAM,  TOP_SENT_RATE, TOP_RECEIVED_RATE, TOP_RATE, TOP_SENT,
	                                          TOP_RECEIVED, TOP_TOTAL,     TOP_CONNECTIONS,   TOP_PEER};
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

static void on_function_key(struct screen *s, wint_t key)
{
	switch (key) {
	case KEY_UP:
		move_by(s, -1);
		break;
	case KEY_DOWN:
		move_by(s, 1);
		break;
	case KEY_PPAGE:
		move_by(s, -(long)s->page);
		break;
	case KEY_NPAGE:
		move_by(s, (long)s->page);
		break;
	case KEY_HOME:
		select_row(s, 0);
		break;
	case KEY_END:
		select_row(s, SIZE_MAX);
		break;
	default:
		break;
	}
}

static void on_letter(struct screen *s, wint_t key)
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
	case '\t':
		s->pane = (s->pane + 1) % PANES;
		s->pane_top = 0;
		break;
	case '/':
		s->asking = true;
		s->find[0] = 0;
		break;
	case 'n':
	case 'N':
		find(s, key == 'N');
		break;
	case 'u':
	case 'U':
		s->look.units = (s->look.units + (key == 'u' ? 1 : ASK_GB)) % (ASK_GB + 1);
		break;
	case '?':
	case 'h':
		s->help = true;
		s->help_top = 0;
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
	case ESCAPE:
		s->selected = 0;
		s->top = 0;
		break;
	case 'L' & 31:
		clearok(curscr, TRUE);
		break;
	default:
		on_sort_key(s, key);
		break;
	}
}

void screen_key(struct screen *s, bool code, wint_t key)
{
	if (code && key == KEY_RESIZE)
		return;
	s->said = NULL;
	if (s->asking)
		on_find_key(s, code, key);
	else if (s->help)
		on_help_key(s, code, key);
	else if (code)
		on_function_key(s, key);
	else
		on_letter(s, key);
}

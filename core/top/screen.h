/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the screen of `picosnitch top` shows, and how it comes there: painted (paint.c), changed by keys
 * (keys.c), both by ncurses, which screen.c begins and ends. */
#ifndef PS_TOP_SCREEN_H
#define PS_TOP_SCREEN_H

#include <stdbool.h>
#include <wchar.h>

#include "core/top/feed_reader.h"
#include "core/top/table.h"

enum { SCREEN_FIND_MAX = 60 };
enum { SCREEN_RED = 1, SCREEN_YELLOW }; /* pairs of colours */

enum pane { PANE_CONNECTIONS, PANE_EVENTS, PANE_NONE, PANES };

struct screen {
	struct feed_reader *reader;
	struct top_look look;
	struct top_rows *rows; /* what is shown: while paused, of then */
	bool paused, help, colour;
	enum pane pane;
	uint64_t selected; /* id of a program; 0: none */
	size_t top, pane_top, help_top;
	size_t page; /* programs that have room */
	bool asking; /* what to find is being typed: */
	char find[SCREEN_FIND_MAX + 1];
	const char *said; /* until the next key */
	bool quit;
};

/* Paints all of it. Keeps the selected program in sight. */
void screen_paint(struct screen *);

/* The row that is selected, or SIZE_MAX. */
size_t screen_selected(const struct screen *);

/* Shows what there is now. */
void screen_renew(struct screen *);

/* A character, or `code`: a function key of ncurses. */
void screen_key(struct screen *, bool code, wint_t key);

#endif

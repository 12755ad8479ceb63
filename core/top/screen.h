/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the screen of `picosnitch top` shows, and how it comes there: painted (paint.c), changed by keys
 * (keys.c), in a loop (screen.c). */
#ifndef PS_TOP_SCREEN_H
#define PS_TOP_SCREEN_H

#include "core/screen/help.h"
#include "core/screen/terminal.h"
#include "core/screen/typed.h"
#include "core/top/feed_reader.h"
#include "core/top/table.h"

enum pane { PANE_CONNECTIONS, PANE_LISTENING, PANE_EVENTS, PANE_NONE, PANES };

struct screen {
	struct feed_reader *reader;
	struct top_look look;
	struct top_rows *rows; /* what is shown: while paused, of then */
	struct terminal terminal;
	bool paused, helping;
	struct help help;
	enum pane pane;
	uint64_t selected; /* id of a program; 0: none */
	size_t top, pane_top;
	size_t page; /* programs that have room */
	bool asking; /* what to find is being typed: */
	struct typed find;
	const char *said; /* until the next key */
	bool quit;
};

extern const char *const screen_help[];
extern const size_t screen_help_lines;

/* Paints all of it. Keeps the selected program in sight. */
void screen_paint(struct screen *);

/* The row that is selected, or SIZE_MAX. */
size_t screen_selected(const struct screen *);

/* Shows what there is now. */
void screen_renew(struct screen *);

/* A key (press.h); of what `screen` is. False: it was that to quit. */
bool screen_key(void *screen, uint32_t press);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen of `picosnitch view`: painted (paint.c), in a loop (screen.c). */
#ifndef PS_VIEW_SCREEN_H
#define PS_VIEW_SCREEN_H

#include "core/query/ask.h"
#include "core/screen/terminal.h"
#include "core/view/asker.h"
#include "core/view/lines.h"

struct view_screen {
	struct terminal terminal;
	struct view_model model;
	struct view_look look;
	struct asker *asker;
	struct view_job *out; /* the question that is out; the asker's */
	uint64_t out_serial;
	bool given_up;
	int64_t asked_ns; /* since when an answer is waited for */
};

/* Until it is quit. 0, or 1 with the reason on stderr; the terminal is as it was before. */
int view_screen(struct asker *, const struct ask *);

void view_paint(struct view_screen *);

#endif

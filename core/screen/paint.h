/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines onto the screen (ncurses). */
#ifndef PS_SCREEN_PAINT_H
#define PS_SCREEN_PAINT_H

#include <ncurses.h>

#include "core/base/buf.h"
#include "core/screen/help.h"
#include "core/screen/terminal.h"

/* The line, which is no wider than the screen, and has nothing in it that moves a cursor; it is emptied. */
void paint_line(int y, struct buf *line, attr_t);

/* Bold, and in the colour where there are any. */
attr_t paint_colour(const struct terminal *, short pair);

/* Help, on all lines but the last. */
void paint_help(const struct terminal *, struct help *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A key that was pressed: a character, or one of these. The same for all terminals. */
#ifndef PS_SCREEN_PRESS_H
#define PS_SCREEN_PRESS_H

#include <stdint.h>

enum {
	PRESS_UP = 0x110000, /* beyond all characters */
	PRESS_DOWN,
	PRESS_LEFT,
	PRESS_RIGHT,
	PRESS_PAGE_UP,
	PRESS_PAGE_DOWN,
	PRESS_HOME,
	PRESS_END,
	PRESS_ENTER,
	PRESS_BACKSPACE,
	PRESS_TAB,
	PRESS_BACKTAB,
	PRESS_ESCAPE,
	PRESS_OTHER, /* a function key that means nothing here */
};

#define PRESS_CTRL(letter) ((letter)&31)

#endif

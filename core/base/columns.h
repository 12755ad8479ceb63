/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text in the columns of a terminal. Widths are those of the locale (LC_CTYPE): where it has no wide
 * characters, each takes one.
 */
#ifndef PS_BASE_COLUMNS_H
#define PS_BASE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"

/* Columns that the character at s takes, and its length in *n. */
unsigned columns_char(const char *s, size_t *n);

unsigned columns_text(const char *s);

enum columns_side {
	COLUMNS_LEFT,   /* flush left; of what is too long, the beginning */
	COLUMNS_RIGHT,  /* flush right; of what is too long, the beginning */
	COLUMNS_TAIL,   /* flush left; of what is too long, the end */
	COLUMNS_MIDDLE, /* flush left; of what is too long, the beginning and the end */
};

/* Puts text into exactly `width` columns, with spaces beside it, or three dots for what does not fit (in
 * less than eight columns it is only cut). */
void columns_put(struct buf *, const char *text, unsigned width, enum columns_side);

/* Makes text fit for a screen, in place: a ? for each thing that could do more there than stand in its own
 * columns, which is what text_clean() does not let through, marks that have no column of their own (but two on
 * a letter), joiners, and what terminals disagree on. Not utf8: a ? for each character beyond ASCII. */
void columns_tame(char *s, bool utf8);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cells of a line on a screen, each as wide as it is told, whatever is in them. */
#ifndef PS_SCREEN_CELLS_H
#define PS_SCREEN_CELLS_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/columns.h"
#include "core/query/ask.h"

/* A text that may have anything in it, made tame. utf8: what the locale has. */
void cells_put(struct buf *, const char *text, bool utf8, unsigned width, enum columns_side);

void cells_put_bytes(struct buf *, uint64_t bytes, enum ask_units, unsigned width);

/* Room for a TB. */
unsigned cells_bytes_width(enum ask_units);

/* "auto", "B", ... and back; false: there is none such. */
const char *cells_units(enum ask_units);
bool cells_units_find(const char *word, enum ask_units *);

/* The next unit, or the one before; round. */
enum ask_units cells_units_next(enum ask_units, bool back);

#endif

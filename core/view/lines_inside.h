/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Within lines*.c. */
#ifndef PS_VIEW_LINES_INSIDE_H
#define PS_VIEW_LINES_INSIDE_H

#include "core/base/columns.h"
#include "core/view/lines.h"

enum { LINES_NARROW = 40 }; /* below that, words are short */

/* Puts what was printed as a line, and frees it. */
void view_put_line(struct buf *, const struct view_look *, struct buf *text, enum columns_side);

/* "1.5 MB", in the model's unit. */
void view_put_amount(struct buf *, const struct view_model *, uint64_t bytes, const char *after);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A round of `picosnitch top` for scripts and files. The rows are sorted. 0, or -errno of writing. */
#ifndef PS_TOP_PRINT_H
#define PS_TOP_PRINT_H

#include <stdio.h>

#include "core/top/table.h"

enum { TOP_PRINT_CONNECTIONS = 20, TOP_PRINT_EVENTS = 20 }; /* of text: the newest; of listeners all */

int top_print_text(const struct top_rows *, const struct top_look *, FILE *out);

/* One object in one line: picosnitch(1) says what is in it. */
int top_print_json(const struct top_rows *, FILE *out);

#endif

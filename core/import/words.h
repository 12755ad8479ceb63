/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command line that was written for a shell, as arguments again. Pure. */
#ifndef PS_IMPORT_WORDS_H
#define PS_IMPORT_WORDS_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/value.h"

/* Appends the words of a line, each followed by a NUL, as a POSIX shell without expansions would take it:
 * blanks between words; 'as it is'; "as it is but for \" and \\"; a backslash before any other byte. NULs of the
 * line are left out. False if a quote or a backslash has nothing behind it: then the whole line is one word. */
bool words_split(struct ps_text line, struct buf *out);

#endif

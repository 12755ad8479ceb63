/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records as lines of text: CSV of 17 fields, or JSON with every field. */
#ifndef PS_TEXTLOG_LINES_H
#define PS_TEXTLOG_LINES_H

#include "core/base/buf.h"
#include "core/plugin.h"

enum lines_format { LINES_CSV, LINES_JSON };

/* Adds the line of one record of the batch; none for an alert in CSV. No line holds a control
 * character, so that nothing in a record can begin another. */
void lines_put(struct buf *out, enum lines_format, const struct ps_host *, const struct ps_batch *,
               const struct ps_record *);

#endif

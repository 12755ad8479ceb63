/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sums of connections by hour, quarter of a day and day, and of who it was alone by ten minutes, hour and day. They are
 * kept by the sink between batches, an hour at a time, once the hour is over; a row that comes later makes its hour
 * stale, and it is summed again.
 */
#ifndef PS_SQLITE_ROLLUP_H
#define PS_SQLITE_ROLLUP_H

#include <sqlite3.h>
#include <stdbool.h>

#include "core/query/sql.h"

#define ROLLUP_TEN_MINUTES 600
#define ROLLUP_HOUR 3600
#define ROLLUP_QUARTER 21600
#define ROLLUP_DAY 86400

/* Instead of a port from ROLLUP_EPHEMERAL on that is a client's own. */
#define ROLLUP_ANY_PORT (-2)
#define ROLLUP_EPHEMERAL 32768

struct store;

/* When the stretch of `unit` seconds begins that the time is in. */
static inline int64_t rollup_floor(int64_t time, int64_t unit)
{
	return time - ((time % unit) + unit) % unit;
}

/* Reads from a file that was opened what is summed up already. An SQLite code. */
int rollup_begin(struct store *);

/* Sums up one hour that is over or stale; *done when there is none. An SQLite code. */
int rollup_step(struct store *, bool *done);

/* Notes that a row of contime was written. Within the batch's transaction. An SQLite code. */
int rollup_late(struct store *, int64_t contime);

/* Stale hours that a question goes around: each parts the sums once more. */
#define ROLLUP_STALE_MAX 4
#define ROLLUP_SPANS_MAX (2 + ROLLUP_STALE_MAX + 5 * (ROLLUP_STALE_MAX + 1))

/* Which tables of a file of that version answer a question, within a transaction of the reader's. *n is 0 if
 * connections has to do it alone. An SQLite code. */
int rollup_spans(sqlite3 *, int version, const struct ps_question *, struct sql_span spans[ROLLUP_SPANS_MAX],
                 unsigned *n);

/* Makes the aggregate add_up(), which is sum() but stops at the largest number where sum() fails. */
int rollup_functions(sqlite3 *);

#endif

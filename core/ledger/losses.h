/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was lost, and what went wrong: counted per stage, logged when it begins and, if it lasts for
 * more than a window, when it has ended, and handed to the ledger as one alert record a window. Main
 * thread only.
 */
#ifndef PS_LEDGER_LOSSES_H
#define PS_LEDGER_LOSSES_H

#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

struct losses;

struct losses_total {
	enum ps_stage stage;
	uint64_t count, sent, received; /* since start */
	int64_t last_ns;                /* wall clock of the last one; 0: never */
};

struct losses *losses_open(void);
void losses_close(struct losses *);

/* Adds to what was lost at a stage since the last window. Losses of one stage with the same text
 * are one record; the text is the caller's format, for a person, without the counts. */
void losses_add(struct losses *, enum ps_stage stage, uint64_t count, uint64_t sent, uint64_t received,
                const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The same for a time range of its own (ns since the Unix epoch). */
void losses_add_range(struct losses *, enum ps_stage stage, int64_t start_ns, int64_t end_ns, uint64_t count,
                      uint64_t sent, uint64_t received, const char *text);

/* A record of what should be known, and is no loss: it is logged as a notice. Without a range of its
 * own, both ends are 0. */
void losses_tell(struct losses *, enum ps_stage stage, int64_t start_ns, int64_t end_ns, const char *text);

/* The same for what may lead to losses: it is logged as a warning. */
void losses_warn(struct losses *, enum ps_stage stage, const char *text);

/* Calls `each` for what came since the last call; the text lives until it returns. Records without
 * a range of their own have start_ns and end_ns 0. */
void losses_take(struct losses *, void (*each)(void *arg, const struct ps_record *, const char *text), void *arg);
size_t losses_waiting(const struct losses *);

/* Whoever wants to know at once: called for the first of its kind in a window; for more of the same when
 * losses_show_more() or losses_take() is called. Counts are those since the call before. NULL: nobody. */
void losses_show(struct losses *, void (*seen)(void *arg, const struct ps_record *, const char *text), void *arg);
void losses_show_more(struct losses *);

/* Since start, for each stage that has lost something; returns how many of `max` were set. */
size_t losses_totals(const struct losses *, struct losses_total *out, size_t max);
const char *losses_stage_name(enum ps_stage stage); /* "ring", "flows", ... */

#endif

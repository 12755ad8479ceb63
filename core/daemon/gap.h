/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The time that nobody watched, between the daemon before and this one. Main thread only. */
#ifndef PS_DAEMON_GAP_H
#define PS_DAEMON_GAP_H

#include "core/delivery/journal.h"
#include "core/ledger/losses.h"

/* Tells it: what the journal says of the run before, when the pid file says that this one ended its last window
 * (0: not known), and when this run has started. */
void gap_tell(struct losses *, const struct journal_start *, int64_t before_ns, int64_t started_ns);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was lost on the way from the kernel to the ledger, and what may be soon. Main thread only. */
#ifndef PS_DAEMON_WATCH_LOSSES_H
#define PS_DAEMON_WATCH_LOSSES_H

#include "core/daemon/watch.h"

/* After a drain: tells what has been lost since the one before. */
void watch_losses(struct watch *);

#endif

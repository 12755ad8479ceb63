/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the daemon says of itself, as JSON. Main thread only. */
#ifndef PS_DAEMON_STATUS_H
#define PS_DAEMON_STATUS_H

#include "core/daemon/countries.h"
#include "core/daemon/couriers.h"
#include "core/daemon/watch.h"

/* A string for free(). Fields: see picosnitch(1). */
char *status_json(const struct watch *, struct couriers *, const struct countries *, const char *config,
                  int64_t started_ns);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the daemon says of itself, as JSON. Main thread only. */
#ifndef PS_DAEMON_STATUS_H
#define PS_DAEMON_STATUS_H

#include "core/daemon/watch.h"
#include "core/delivery/courier.h"

/* A string for free(). Fields: see picosnitch(1). */
char *status_json(const struct watch *, struct courier *const *couriers, size_t n_couriers, const char *config,
                  int64_t started_ns);

#endif

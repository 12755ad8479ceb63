/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From what the kernel side overheard to what is known of names: takes the evidence out of its ring
 * buffer, parses it and hands it to the store. No more of it in a second than can be afforded: what
 * is beyond that is lost in the kernel, and counted there. Main thread only.
 */
#ifndef PS_DAEMON_EVIDENCE_H
#define PS_DAEMON_EVIDENCE_H

#include <uv.h>

#include "core/capture/lookups.h"
#include "core/capture/probe.h"
#include "core/identify/domain.h"
#include "core/ledger/losses.h"

struct evidence;

/* Begins; takes what comes from now on when its buffer fills up. */
struct evidence *evidence_open(uv_loop_t *, struct probe *, struct domains *, struct losses *);

/* With each drain: takes what there is, and tells of what was lost since the last time. lost: what the
 * kernel side has counted so far. */
void evidence_drain(struct evidence *, uint64_t lost);

/* Of what is probed. */
void evidence_get_stats(const struct evidence *, struct lookups_stats *);

/* Ends; calls closed() when nothing of it is in the loop any more. */
void evidence_close(struct evidence *, void (*closed)(void *arg), void *arg);

#endif

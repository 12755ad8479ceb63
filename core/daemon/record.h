/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon's care for record.json: loads it by a worker, so that the start does not wait; writes it by a
 * worker when something has changed; and answers `picosnitch record`. Main thread only.
 */
#ifndef PS_DAEMON_RECORD_H
#define PS_DAEMON_RECORD_H

#include <uv.h>

#include "core/config/settings.h"
#include "core/delivery/journal.h"
#include "core/ledger/first_seen.h"
#include "core/ledger/losses.h"

struct record;

/* Begins to load; the memory goes to first_seen, then loaded(arg) is called. */
struct record *record_open(uv_loop_t *, const struct settings *, struct first_seen *, struct losses *, struct journal *,
                           void (*loaded)(void *arg), void *arg);

/* To be called about once a second: begins to write if there is something to write, at most every few seconds,
 * and only what is new in batches that are durable: what is in the file has been told. */
void record_tick(struct record *);

/* Waits for what is under way and, with `save`, writes what is left. */
void record_close(struct record *, bool save);

/* Answers a request: "" for what is in the file, or an order (memory_order.h). May change the memory only with `root`.
 * A string for free(): the file's text, {"changed": N} or {"error": TEXT}. */
char *record_answer(struct record *, const char *request, bool root);

#endif

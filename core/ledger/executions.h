/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * [core] every_exe: programs that are executed, as rows of the ledger without a family and with
 * port -1, whether they use the network or not. Main thread only.
 */
#ifndef PS_LEDGER_EXECUTIONS_H
#define PS_LEDGER_EXECUTIONS_H

#include "core/ledger/ledger.h"

/* They are told of before their command lines are whole: they wait here until the next drain, or
 * until so many others came. */
enum { EXECUTIONS_MAX = 16384 };

struct executions;

struct executions *executions_open(struct ledger *);
void executions_close(struct executions *);

/* An image that was executed (times: 1), or that was there at start (0). */
void executions_add(struct executions *, const struct wire_image *, uint32_t uid, uint32_t netns, unsigned times);

/* Adds to the window those that wait: after each drain, before processes_expire(). */
void executions_flush(struct executions *);

#endif

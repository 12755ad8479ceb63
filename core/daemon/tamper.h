/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What picosnitch stands on, looked at every few seconds: its own files, the clock, its programs
 * and maps in the kernel; and the channels (channels.h) past these. Each change is an alert. Main thread; the looking
 * is done by a worker.
 */
#ifndef PS_DAEMON_TAMPER_H
#define PS_DAEMON_TAMPER_H

#include <uv.h>

#include "core/capture/probe.h"
#include "core/config/settings.h"
#include "core/daemon/own_file.h"
#include "core/identify/process.h"
#include "core/ledger/losses.h"

struct tamper;

/* As it is now is how it should be. `program` and `config` are paths that
 * live on; settings are used only by this call. Touches the disk: at start only. */
struct tamper *tamper_open(uv_loop_t *, struct probe *, struct processes *, struct losses *, const struct settings *,
                           const char *program, const char *config);

/* The configuration was read again, as it was in state `read`: it and the plugins that it names are
 * the reference from now on. */
void tamper_reload(struct tamper *, const struct settings *, const struct own_state *read);

/* Ends it, and frees it; closed(arg) when the loop has let go. */
void tamper_close(struct tamper *, void (*closed)(void *arg), void *arg);

/* By how much the wall clock was set between two looks at its distance from the time since boot;
 * 0: by not more than a second, which is what keeping it right takes. */
int64_t tamper_step(int64_t before_ns, int64_t now_ns);

#endif

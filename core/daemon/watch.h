/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The watch: everything between the kernel and the journal, on the main thread's loop. Process
 * events and executions are taken as they come; flows are drained on a timer by a worker; a
 * window that ends goes to the journal. It knows no sink.
 */
#ifndef PS_DAEMON_WATCH_H
#define PS_DAEMON_WATCH_H

#include <stdint.h>
#include <uv.h>

#include "core/capture/exec_watch.h"
#include "core/capture/namespaces.h"
#include "core/capture/probe.h"
#include "core/capture/self_child.h"
#include "core/config/settings.h"
#include "core/daemon/changes.h"
#include "core/daemon/evidence.h"
#include "core/daemon/hosts.h"
#include "core/daemon/live.h"
#include "core/daemon/programs.h"
#include "core/daemon/reverse.h"
#include "core/daemon/tamper.h"
#include "core/delivery/journal.h"
#include "core/identify/domain.h"
#include "core/identify/executable.h"
#include "core/identify/process.h"
#include "core/ledger/audit.h"
#include "core/ledger/executions.h"
#include "core/ledger/fill.h"
#include "core/ledger/ledger.h"
#include "core/ledger/losses.h"

struct watch {
	uv_loop_t *loop;
	const struct settings *settings; /* of the last reload: intervals are read anew */
	struct probe *probe;
	struct exec_watch *exec_watch; /* NULL: fanotify is not to be had */
	struct executables *executables;
	struct processes *processes;
	struct domains *domains;
	struct evidence *evidence;
	struct hosts *hosts;
	struct reverse *reverse; /* NULL: no name was asked for yet */
	struct losses *losses;
	struct ledger *ledger;
	struct executions *executions;
	struct namespaces *namespaces; /* the worker's while it drains */
	struct audit *audit;
	struct journal *journal;
	struct tamper *tamper;
	struct programs programs;
	struct changes *changes;
	struct live *live;
	const char *program, *config; /* paths of this program and of its configuration */
	struct self_test self_test;
	void (*window_ended)(void *arg);
	void (*stopped)(void *arg);
	void *arg;

	/* private */
	uv_poll_t events, opened, mounts;
	uv_timer_t timer;
	uv_work_t drain;
	struct buf flows;
	int drained;
	struct self_child *self_child; /* NULL: not, or no longer */
	struct self_moved *self_moved; /* what it said; NULL: nothing */
	char self_why[160];
	bool self_ended, drain_judges; /* the child has ended; the drain under way began after that */
	bool draining, stopping, finished;
	bool drain_is_last;   /* it began after the stop was asked for: an earlier one may miss what came between */
	bool window_ends;     /* with this drain */
	bool hosts_looked_at; /* at least once */
	bool audits;          /* this drain reads the kernel's own counters */
	bool audited_last;    /* they were read after the stop was asked for */
	bool audit_cut;       /* it has been said that not all namespaces are audited */
	int64_t window_due_ns, stop_by_ns;
	struct fill flow_fill; /* of the flow map, drain by drain */
	uint64_t counters[WIRE_COUNTERS], missed, overflows, unopened, refused, scripts_refused;
	unsigned handles;
};

/* Loads the BPF programs, finds the processes that run, and begins. Losses and journal are given;
 * the rest is made here. Blocks for some hundred milliseconds. 0 or -errno, with a message. */
int watch_start(struct watch *, const struct ledger_origin *);

/* Other settings are in force. */
void watch_reload(struct watch *, const struct settings *);

/* Drains the kernel, waits for the hashes under way until the deadline (CLOCK_MONOTONIC), ends
 * the last window, and then calls stopped(). */
void watch_stop(struct watch *, int64_t deadline_ns);

/* After stopped(), when the loop has ended. durable: the journal has taken all that was handed over. */
void watch_done(struct watch *, bool durable);

#endif

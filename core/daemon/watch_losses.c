/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/watch_losses.h"

#include <stdio.h>
#include <string.h>

/* The flow map is nearly full, or is so no more. Of what found no room, more is said than that. */
static void tell_fill(struct watch *w, bool overflowed)
{
	uint32_t n, room;
	char text[256];

	probe_fill(w->probe, &n, &room);
	if (!fill_see(&w->flow_fill, n, room))
		return;
	if (!w->flow_fill.near) {
		losses_tell(w->losses, PS_STAGE_FLOWS, 0, 0, "the flow map is not nearly full any more");
	} else if (!overflowed) {
		snprintf(
		    text, sizeof(text),
		    "the flow map was nearly full when it was drained, %u of %u flows: raise [capture] max_flows, or flows "
		    "may be counted without addresses and ports",
		    n, room);
		losses_warn(w->losses, PS_STAGE_FLOWS, text);
	}
}

void watch_losses(struct watch *w)
{
	uint64_t now[WIRE_COUNTERS], d[WIRE_COUNTERS], missed = probe_missed(w->probe);
	struct exec_watch_stats opened = {0};
	const struct probe_hook *hook;
	struct executables_stats stats;
	struct processes_stats processes;

	while ((hook = probe_overslept(w->probe)))
		losses_add(w->losses, PS_STAGE_CHANNEL, 1, 0, 0,
		           "the kernel module %s was loaded after picosnitch: not seen until `picosnitch restart`: %s",
		           hook->module, hook->without);
	probe_counters(w->probe, now);
	for (int i = 0; i < WIRE_COUNTERS; i++)
		d[i] = now[i] - w->counters[i];
	memcpy(w->counters, now, sizeof(now));
	evidence_drain(w->evidence, now[WIRE_LOST_NAMES]);
	if (d[WIRE_LOST_EXECS])
		losses_add(
		    w->losses, PS_STAGE_RING, d[WIRE_LOST_EXECS], 0, 0,
		    "executions found no room in the ring buffer ([capture] ring_buffer_pages = %u): what these programs "
		    "do is stored without a name, unless they live on",
		    w->settings->capture.ring_buffer_pages);
	if (d[WIRE_LOST_EVENTS] > d[WIRE_LOST_EXECS])
		losses_add(w->losses, PS_STAGE_RING, d[WIRE_LOST_EVENTS] - d[WIRE_LOST_EXECS], 0, 0,
		           "process events found no room in the ring buffer ([capture] ring_buffer_pages = %u)",
		           w->settings->capture.ring_buffer_pages);
	tell_fill(w, d[WIRE_COARSE] != 0);
	if (d[WIRE_COARSE])
		losses_add(w->losses, PS_STAGE_FLOWS, d[WIRE_COARSE], 0, 0,
		           "calls of flows that found no room in the flow map ([capture] max_flows = %u): counted for their "
		           "program, without addresses and ports",
		           w->settings->capture.max_flows);
	if (d[WIRE_FULL_CALLS])
		losses_add(w->losses, PS_STAGE_FLOWS, d[WIRE_FULL_CALLS], d[WIRE_FULL_SENT], d[WIRE_FULL_RECEIVED],
		           "calls of more programs than the flow map has room for: counted, not attributed");
	if (d[WIRE_NO_PEER])
		losses_add(w->losses, PS_STAGE_FLOWS, d[WIRE_NO_PEER], 0, 0,
		           "datagrams whose peer found no room: counted, without the peer");
	if (d[WIRE_NO_STORAGE])
		losses_add(w->losses, PS_STAGE_FLOWS, d[WIRE_NO_STORAGE], 0, 0,
		           "TCP connections that found no room for what is known of them: what they receive may be missed");
	if (missed != w->missed)
		losses_add(w->losses, PS_STAGE_PROGRAMS, missed - w->missed, 0, 0,
		           "calls that the kernel did not show to a BPF program, the last at %s", probe_missing(w->probe));
	w->missed = missed;
	if (w->exec_watch)
		exec_watch_get_stats(w->exec_watch, &opened);
	if (opened.overflows != w->overflows)
		losses_add(
		    w->losses, PS_STAGE_FANOTIFY, opened.overflows - w->overflows, 0, 0,
		    "overflows of the fanotify queue: executables are opened through /proc instead, if they live long enough");
	if (opened.unopened != w->unopened)
		losses_add(
		    w->losses, PS_STAGE_FANOTIFY, opened.unopened - w->unopened, 0, 0,
		    "executables that fanotify could not open for us (%s): they are opened through /proc instead, if they "
		    "live long enough",
		    strerror(opened.error));
	w->overflows = opened.overflows;
	w->unopened = opened.unopened;
	executables_get_stats(w->executables, &stats);
	if (stats.refused != w->refused)
		losses_add(w->losses, PS_STAGE_HASH, stats.refused - w->refused, 0, 0,
		           "executables found no room among those that wait to be hashed");
	w->refused = stats.refused;
	processes_get_stats(w->processes, &processes);
	if (processes.scripts.refused != w->scripts_refused)
		losses_add(w->losses, PS_STAGE_HASH, processes.scripts.refused - w->scripts_refused, 0, 0,
		           "scripts found no room among those that wait to be opened");
	w->scripts_refused = processes.scripts.refused;
}

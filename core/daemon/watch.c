/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/daemon/watch_losses.h"
#include "core/delivery/codec.h"

enum {
	EVENTS_AT_ONCE = 4096, /* process events between two looks at everything else */
	OPENED_AT_ONCE = 1024,
	WINDOW_SLACK_MS = 5, /* a timer may be as early as this */
	WINDOWS_QUEUED = 4,  /* windows that the journal has not committed, before one stays open */
};

/* ---- processes ---- */

static void on_process_event(void *arg, const void *data, size_t len)
{
	struct executed executed;
	struct process_event e;
	struct watch *w = arg;
	bool told = false;

	if (decode_event(&e, data, len))
		return;
	if (e.kind == WIRE_EXEC && e.file.ino) {
		int64_t exec_ns = (int64_t)e.time_ns + clock_offset_ns();
		const char *asked = e.interpreted ? e.filename : NULL;
		pid_t pid = (pid_t)e.image.tgid;

		/* Not so an interpreter: it may be known from before, and its script is not. */
		told = !asked && executables_executed(w->executables, pid, &e.file, exec_ns, NULL, &executed);
		/* What is executed was opened before that was told: if it was seen at all, it is in the queue by now. */
		if (!told) {
			executables_take(w->executables, 0);
			told = executables_executed(w->executables, pid, &e.file, exec_ns, asked, &executed);
		}
	}
	processes_event(w->processes, &e, told ? &executed : NULL);
	if (e.kind == WIRE_EXEC && w->settings->core.every_exe)
		executions_add(w->executions, &e.image, e.uid, e.netns, 1);
}

static void on_events(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;

	(void)events;
	if (status)
		return;
	probe_consume(w->probe, on_process_event, w, EVENTS_AT_ONCE);
}

static void on_opened(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;

	(void)events;
	if (!status)
		executables_take(w->executables, OPENED_AT_ONCE);
}

static void on_mounts(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;

	(void)events;
	if (!status)
		exec_watch_refresh(w->exec_watch);
}

static void on_task(void *arg, const struct wire_task *task)
{
	struct watch *w = arg;

	processes_existing(w->processes, task);
	if (task->file.ino && w->settings->core.every_exe)
		executions_add(w->executions, &task->image, task->uid, task->netns, 0);
}

/* ---- the self-test ---- */

static void self_netns(void *arg, uint32_t inode)
{
	struct watch *w = arg;

	w->self_test.netns = inode;
}

static void self_closed(void *arg)
{
	struct watch *w = arg;

	w->self_child = NULL;
	if (!--w->handles)
		w->stopped(w->arg);
}

/* Its last bytes are judged with the next drain. */
static void self_ended(void *arg, const struct self_moved *moved, int64_t time_ns, const char *why)
{
	struct watch *w = arg;

	if (moved) {
		w->self_moved = mem_alloc(SELF_PATHS * sizeof(*moved));
		memcpy(w->self_moved, moved, SELF_PATHS * sizeof(*moved));
	}
	snprintf(w->self_why, sizeof(w->self_why), "%s", why);
	w->self_test.took_ns = time_ns;
	w->self_ended = true;
	if (w->finished)
		self_child_close(w->self_child, self_closed);
}

static void self_start(struct watch *w)
{
	struct self_child_events events = {w, self_netns, self_ended};
	int err;

	w->self_test.door = probe_door(w->probe);
	if (!w->settings->core.self_test)
		return;
	err = self_child_open(&w->self_child, w->loop, w->program, &events);
	if (err) {
		self_test_judge(&w->self_test, NULL, strerror(-err));
		losses_add(w->losses, PS_STAGE_SELFTEST, 1, 0, 0, "the self-test could not be run: %s", strerror(-err));
		return;
	}
	w->self_test.state = SELF_RUNNING;
	w->handles++;
}

static void self_judge(struct watch *w)
{
	struct self_test *t = &w->self_test;
	char text[256];

	self_test_judge(t, w->self_moved, w->self_why);
	free(w->self_moved);
	w->self_moved = NULL;
	w->self_ended = w->drain_judges = false;
	self_child_close(w->self_child, self_closed);
	if (t->state == SELF_BROKEN)
		losses_add(w->losses, PS_STAGE_SELFTEST, 1, 0, 0, "the self-test could not be run: %s", t->why);
	for (int path = 0; t->state == SELF_FAILED && path < SELF_PATHS; path++) {
		if (t->results[path].verdict != SELF_NOT_COUNTED && t->results[path].verdict != SELF_NO_PEER)
			continue;
		self_result_text(text, sizeof(text), t, (enum self_path)path);
		losses_add(w->losses, PS_STAGE_SELFTEST, 1, 0, 0, "%s", text);
	}
	log_info("self-test: %u paths are counted, %u are not, %u this kernel does not have", t->n[SELF_COUNTED],
	         t->n[SELF_NOT_COUNTED] + t->n[SELF_NO_PEER], t->n[SELF_NOT_TRIED]);
}

/* ---- windows ---- */

static void end_window(struct watch *w, int final)
{
	struct buf *batches;
	int64_t end_ns;
	size_t n;

	if (!final && journal_queued(w->journal) >= WINDOWS_QUEUED) {
		losses_add(w->losses, PS_STAGE_HANDOFF, 1, 0, 0,
		           "the journal is behind: this window stays open, so its times are less precise; no bytes are lost");
		return;
	}
	n = ledger_end_window(w->ledger, final, &batches, &end_ns);
	/* The last one says until when the watch lasted, even if it was quiet. */
	if (n || final)
		journal_append(w->journal, batches, n, end_ns);
	free(batches);
	w->window_ended(w->arg);
}

static void part_closed(void *arg)
{
	struct watch *w = arg;

	if (!--w->handles)
		w->stopped(w->arg);
}

static void handle_closed(uv_handle_t *handle)
{
	part_closed(handle->data);
}

static void finish(struct watch *w)
{
	uv_handle_t *all[] = {(uv_handle_t *)&w->events, (uv_handle_t *)&w->opened, (uv_handle_t *)&w->mounts,
	                      (uv_handle_t *)&w->timer};

	changes_close(w->changes, part_closed, w);
	programs_stop(&w->programs, part_closed, w);
	end_window(w, 1);
	live_close(w->live, part_closed, w);
	w->live = NULL;
	tamper_close(w->tamper, part_closed, w);
	evidence_close(w->evidence, part_closed, w);
	w->evidence = NULL;
	executables_end(w->executables, part_closed, w);
	hosts_close(w->hosts, part_closed, w);
	if (w->reverse)
		reverse_close(w->reverse, part_closed, w);
	w->reverse = NULL;
	w->finished = true;
	if (w->self_child && w->self_ended)
		self_child_close(w->self_child, self_closed);
	else if (w->self_child)
		self_child_kill(w->self_child, "picosnitch was stopped");
	for (size_t i = 0; i < 4; i++)
		if (all[i]->type != UV_UNKNOWN_HANDLE)
			uv_close(all[i], handle_closed);
}

static void next_drain(struct watch *w);

static void drain_work(uv_work_t *work)
{
	struct watch *w = work->data;

	/* Right before the maps are swapped, so that both counted the same. */
	if (w->audits)
		namespaces_read(w->namespaces);
	w->drained = probe_drain(w->probe, &w->flows);
}

static void on_audit(void *arg, const struct ps_record *record)
{
	struct watch *w = arg;

	ledger_append(w->ledger, record);
}

static void take_audit(struct watch *w)
{
	const struct namespace_counters *counters;
	size_t n;

	ledger_set_addresses(w->ledger, namespaces_addresses(w->namespaces));
	counters = namespaces_counters(w->namespaces, &n);
	audit_read(w->audit, counters, n, clock_wall_ns(), w->settings->core.audit_threshold, on_audit, w);
	if (namespaces_cut(w->namespaces) && !w->audit_cut)
		losses_add(w->losses, PS_STAGE_AUDIT, 0, 0, 0,
		           "there are more network namespaces than %d: the kernel's counters of the others are not looked at",
		           NAMESPACES_MAX);
	w->audit_cut = namespaces_cut(w->namespaces);
}

static void on_nameless(void *arg, const struct observation *o, const struct lineage *who)
{
	struct watch *w = arg;

	/* What we and the hosts of our sinks do would lead to more of the same. */
	if (w->finished || strcmp(who->self->path.data, w->program) == 0)
		return;
	if (!w->reverse) {
		w->reverse = reverse_open(w->loop, w->domains, w->losses);
		w->handles++;
	}
	reverse_ask(w->reverse, o->netns, &o->raddr);
}

static bool on_unnamed(void *arg, uint32_t netns, const struct ps_addr *addr)
{
	struct watch *w = arg;

	return w->reverse && reverse_awaits(w->reverse, netns, addr);
}

static void set_ptr(struct watch *w)
{
	bool wanted = w->settings->core.ptr;

	ledger_on_nameless(w->ledger, wanted ? on_nameless : NULL, wanted ? on_unnamed : NULL, w);
}

static void look_at_hosts(struct watch *w)
{
	struct namespace_process processes[NAMESPACES_MAX];

	hosts_look(w->hosts, processes, namespaces_processes(w->namespaces, processes));
	w->hosts_looked_at = true;
}

static void drain_done(uv_work_t *work, int status)
{
	struct watch *w = work->data;
	struct executables_stats stats;
	struct processes_stats processes;
	int64_t now;

	(void)status;
	w->draining = false;
	/* Whose flows these are was told before they were drained: take that in first. */
	probe_consume(w->probe, on_process_event, w, 0);
	processes_take(w->processes);
	live_drained(w->live);
	for (size_t at = 0; at + DECODE_FLOW_SIZE <= w->flows.len; at += DECODE_FLOW_SIZE) {
		struct observation o;

		if (decode_flow(&o, w->flows.data + at, DECODE_FLOW_SIZE) || self_test_observe(&w->self_test, &o))
			continue;
		ledger_add(w->ledger, &o);
		audit_add(w->audit, &o);
		changes_see(w->changes, &o.image, o.uid);
	}
	buf_done(&w->flows);
	executions_flush(w->executions);
	if (w->drained < 0)
		losses_add(w->losses, PS_STAGE_FLOWS, 1, 0, 0, "the flow map could not be read: %s", strerror(-w->drained));
	if (w->drain_judges)
		self_judge(w);
	processes_expire(w->processes);
	if (w->audits)
		take_audit(w);
	if (w->audits || !w->hosts_looked_at)
		look_at_hosts(w);
	changes_tick(w->changes);
	programs_tick(&w->programs);
	watch_losses(w);
	live_tick(w->live);

	now = clock_monotonic_ns();
	if (w->stopping && w->drain_is_last) {
		executables_get_stats(w->executables, &stats);
		processes_get_stats(w->processes, &processes);
		if ((!stats.waiting && !processes.scripts.waiting && programs_idle(&w->programs)) || now >= w->stop_by_ns) {
			finish(w);
			return;
		}
	} else if (!w->stopping && w->window_ends) {
		end_window(w, 0);
		w->window_due_ns = now + w->settings->core.write_interval_ms * NS_PER_MS;
	}
	next_drain(w);
}

static void on_timer(uv_timer_t *timer)
{
	struct watch *w = timer->data;

	w->draining = true;
	w->drain_is_last = w->stopping;
	w->drain_judges = w->self_ended;
	w->window_ends = clock_monotonic_ns() + WINDOW_SLACK_MS * NS_PER_MS >= w->window_due_ns;
	/* Once in a window that will be handed over, and once at the end. */
	w->audits = w->stopping ? !w->audited_last : w->window_ends && journal_queued(w->journal) < WINDOWS_QUEUED;
	w->audited_last |= w->stopping;
	if (w->audits) {
		audit_hint(w->audit, w->namespaces);
		namespaces_want_addresses(w->namespaces, ledger_wants_addresses(w->ledger));
	}
	uv_queue_work(w->loop, &w->drain, drain_work, drain_done);
}

static void next_drain(struct watch *w)
{
	int64_t left = (w->window_due_ns - clock_monotonic_ns()) / NS_PER_MS;
	int64_t wait = live_interval_ms(w->live);

	if (w->stopping)
		wait = 20;
	else if (left < wait)
		wait = left > 0 ? left : 0;
	uv_timer_start(&w->timer, on_timer, (uint64_t)wait, 0);
}

/* ---- the live feed ---- */

static void on_note(void *arg, const struct first_note *note)
{
	struct watch *w = arg;

	live_note(w->live, note);
}

static void on_judged(void *arg, const struct finding *f)
{
	struct watch *w = arg;

	live_finding(w->live, f);
}

/* Never later than it was due already. */
static void on_reader(void *arg)
{
	struct watch *w = arg;

	if (!w->draining && !w->stopping && uv_timer_get_due_in(&w->timer) > (uint64_t)live_interval_ms(w->live))
		next_drain(w);
}

static void start_live(struct watch *w, const struct ledger_origin *origin)
{
	struct live_parts parts = {
	    .settings = w->settings,
	    .probe = w->probe,
	    .processes = w->processes,
	    .ledger = w->ledger,
	    .losses = w->losses,
	    .host = origin->hostname,
	    .watched = on_reader,
	    .arg = w,
	};

	w->live = live_open(w->loop, &parts);
	w->handles++;
	w->programs.told = on_note;
	w->programs.judged = on_judged;
	w->programs.told_arg = w;
}

/* ---- life ---- */

static void set_mask(struct watch *w)
{
	int64_t mask = w->settings->core.st_dev_mask;

	if (mask < 0)
		executables_set_mask_auto(w->executables);
	else
		executables_set_mask(w->executables, (uint32_t)mask);
}

static void poll_start(struct watch *w, uv_poll_t *poll, int fd, int events, uv_poll_cb callback)
{
	if (uv_poll_init(w->loop, poll, fd))
		return;
	poll->data = w;
	w->handles++;
	uv_poll_start(poll, events, callback);
}

int watch_start(struct watch *w, const struct ledger_origin *origin)
{
	int err;

	/* Before the programs: what is executed from then on has been opened before. */
	err = exec_watch_open(&w->exec_watch);
	if (err)
		losses_add(w->losses, PS_STAGE_CAPTURE, 1, 0, 0,
		           "fanotify cannot be used (%s): executables are opened through /proc, which short-lived ones evade",
		           strerror(-err));
	w->executables = executables_open(w->loop, (unsigned)w->settings->core.hash_threads, w->exec_watch);
	set_mask(w);
	w->processes = processes_open(w->loop, w->executables);
	err = probe_open(&w->probe, w->settings);
	if (err)
		return err;
	executables_read_apart(w->executables, w->program);
	w->handles++;
	w->ledger = ledger_open(w->processes, w->executables, w->losses, origin, codec_encode,
	                        (size_t)w->settings->capture.max_flows * 4);
	ledger_set_log(w->ledger, &w->settings->log);
	programs_open(&w->programs, w->loop, w->settings, w->processes, w->losses, w->journal, w->ledger);
	w->handles++;
	w->changes = changes_open(w->loop, w->executables, w->processes, w->programs.first_seen, w->losses);
	w->handles++;
	w->executions = executions_open(w->ledger);
	w->domains = domains_open();
	ledger_name_by(w->ledger, w->domains);
	set_ptr(w);
	w->evidence = evidence_open(w->loop, w->probe, w->domains, w->losses);
	w->hosts = hosts_open(w->loop, w->domains, w->losses);
	w->handles += 2;
	w->namespaces = namespaces_open();
	w->audit = audit_open(w->losses);
	namespaces_want_addresses(w->namespaces, ledger_wants_addresses(w->ledger));
	namespaces_read(w->namespaces);
	take_audit(w);
	err = probe_tasks(w->probe, on_task, w);
	if (err)
		losses_add(w->losses, PS_STAGE_CAPTURE, 1, 0, 0, "the processes that run already cannot be listed: %s",
		           strerror(-err));
	processes_existing_done(w->processes);
	probe_consume(w->probe, on_process_event, w, 0);

	poll_start(w, &w->events, probe_fd(w->probe), UV_READABLE, on_events);
	if (w->exec_watch) {
		poll_start(w, &w->opened, exec_watch_fd(w->exec_watch), UV_READABLE, on_opened);
		poll_start(w, &w->mounts, exec_watch_mounts_fd(w->exec_watch), UV_PRIORITIZED, on_mounts);
	}
	uv_timer_init(w->loop, &w->timer);
	w->timer.data = w;
	w->handles++;
	w->drain.data = w;
	w->tamper = tamper_open(w->loop, w->probe, w->processes, w->losses, w->settings, w->program, w->config);
	w->handles++;
	w->window_due_ns = clock_monotonic_ns() + w->settings->core.write_interval_ms * NS_PER_MS;
	start_live(w, origin);
	next_drain(w);
	self_start(w);
	return 0;
}

void watch_reload(struct watch *w, const struct settings *settings)
{
	w->settings = settings;
	ledger_set_log(w->ledger, &settings->log);
	set_ptr(w);
	set_mask(w);
	live_reload(w->live, settings);
}

void watch_stop(struct watch *w, int64_t deadline_ns)
{
	w->stop_by_ns = deadline_ns;
	if (w->stopping)
		return;
	w->stopping = true;
	if (!w->draining)
		uv_timer_start(&w->timer, on_timer, 0, 0);
}

void watch_done(struct watch *w, bool durable)
{
	executions_close(w->executions);
	if (w->ledger)
		programs_close(&w->programs, durable);
	if (w->ledger)
		ledger_close(w->ledger);
	if (w->processes)
		processes_close(w->processes);
	domains_close(w->domains);
	audit_close(w->audit);
	namespaces_close(w->namespaces);
	if (w->executables)
		executables_close(w->executables);
	exec_watch_close(w->exec_watch);
	probe_close(w->probe);
	buf_done(&w->flows);
	free(w->self_moved);
}

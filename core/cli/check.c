/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picosnitch check: is the configuration right, and what can be seen on this kernel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/capture/exec_watch.h"
#include "core/capture/probe.h"
#include "core/capture/self_child.h"
#include "core/cli/check_sinks.h"
#include "core/cli/cli.h"
#include "core/daemon/daemon.h"

static const char help[] =
    "usage: picosnitch check [--sinks]\n"
    "\n"
    "Reports every mistake in the configuration with its line. As root, it also loads the BPF\n"
    "programs for a moment, moves known amounts over each path of bytes, and says which\n"
    "of them this kernel lets picosnitch count, and which not.\n"
    "\n"
    "  --sinks   also opens each sink that is enabled, as the daemon would: its files, its server\n"
    "\n"
    "Exit status: 0 all is well, 1 something is wrong.\n";

/* One run of the self-test, waited for. */
struct trial {
	struct self_test test;
	struct self_child *child;
	struct self_moved moved[SELF_PATHS];
	bool whole;
	char why[160];
};

static void on_netns(void *arg, uint32_t inode)
{
	struct trial *t = arg;

	t->test.netns = inode;
}

static void on_ended(void *arg, const struct self_moved *moved, int64_t time_ns, const char *why)
{
	struct trial *t = arg;

	t->test.took_ns = time_ns;
	t->whole = moved;
	if (moved)
		memcpy(t->moved, moved, sizeof(t->moved));
	snprintf(t->why, sizeof(t->why), "%s", why);
	uv_stop(uv_default_loop());
}

static void try_paths(struct trial *t, struct probe *probe)
{
	struct self_child_events events = {t, on_netns, on_ended};
	struct buf flows;
	int err = self_child_open(&t->child, uv_default_loop(), cli.program, &events);

	t->test.door = probe_door(probe);
	if (err) {
		self_test_judge(&t->test, NULL, strerror(-err));
		return;
	}
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	buf_init(&flows);
	err = probe_drain(probe, &flows);
	for (size_t at = 0; at + DECODE_FLOW_SIZE <= flows.len; at += DECODE_FLOW_SIZE) {
		struct observation o;

		if (!decode_flow(&o, flows.data + at, DECODE_FLOW_SIZE))
			self_test_observe(&t->test, &o);
	}
	buf_done(&flows);
	if (err < 0)
		snprintf(t->why, sizeof(t->why), "the flow map could not be read: %s", strerror(-err));
	self_test_judge(&t->test, err < 0 || !t->whole ? NULL : t->moved, t->why);
	self_child_close(t->child, NULL);
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

/* The table of what this kernel lets us see. */
static int check_paths(struct probe *probe)
{
	struct trial *t = mem_alloc(sizeof(*t));
	int failed;

	try_paths(t, probe);
	failed = t->test.state != SELF_PASSED;
	if (t->test.state == SELF_BROKEN)
		printf("paths: they could not be tried: %s\n", t->test.why);
	else
		printf("paths: %u are counted, %u are not, %u could not be tried (%.0f ms)\n  %-30s %-16s %-16s %-9s %s\n",
		       t->test.n[SELF_COUNTED], t->test.n[SELF_NOT_COUNTED] + t->test.n[SELF_NO_PEER],
		       t->test.n[SELF_NOT_TRIED], (double)t->test.took_ns / NS_PER_MS, "path", "sent", "received", "peer",
		       "verdict");
	for (int i = 0; t->test.state != SELF_BROKEN && i < SELF_PATHS; i++) {
		const struct self_result *r = &t->test.results[i];
		char sent[48] = "-", received[48] = "-";

		if (r->verdict == SELF_NOT_TRIED) {
			printf("  %-30s %-16s %-16s %-9s %s: %s\n", self_paths[i].name, "-", "-", "-", self_result_verdict(r),
			       r->moved.why);
			continue;
		}
		if (r->sent || r->moved.sent)
			self_result_bytes(sent, sizeof(sent), r->sent, r->moved.sent);
		if (r->received || r->moved.received)
			self_result_bytes(received, sizeof(received), r->received, r->moved.received);
		printf("  %-30s %-16s %-16s %-9s %s\n", self_paths[i].name, sent, received, self_result_peer(r),
		       self_result_verdict(r));
	}
	free(t);
	return failed;
}

static int check_kernel(const struct settings *settings)
{
	const struct probe_hook *hook;
	struct exec_watch_stats opened;
	unsigned n;
	struct exec_watch *watch;
	struct probe *probe;
	int err, failed;

	if (geteuid()) {
		printf("kernel: not looked at, which needs root\n");
		return 0;
	}
	err = probe_open(&probe, settings);
	if (err)
		return 1;
	printf("kernel: seen through the %s hooks\n", probe_door_name(probe));
	hook = probe_hooks(probe, &n);
	for (unsigned i = 0; i < n; i++) {
		printf("  %-32s %s", hook[i].name,
		       hook[i].attached ? "attached"
		       : hook[i].asleep ? "not needed yet: its kernel module is not loaded"
		                        : strerror(-hook[i].error));
		if (!hook[i].attached && !hook[i].asleep && hook[i].without)
			printf("; not seen: %s", hook[i].without);
		printf("\n");
	}
	if (probe_door(probe) == HOOKS_TRACEPOINT)
		printf("  not seen: the peer of datagrams that an unconnected socket receives without asking for it, and of\n"
		       "            raw and ICMP messages of unconnected sockets; splice() from MPTCP and kernel TLS\n");
	printf("  not seen: frames read from tun and tap devices; AF_XDP; receive rings of AF_PACKET\n");
	failed = check_paths(probe);
	probe_close(probe);
	err = exec_watch_open(&watch);
	if (err) {
		printf("  fanotify: %s; not seen: the hash of programs that live too briefly for /proc\n", strerror(-err));
		return failed;
	}
	exec_watch_get_stats(watch, &opened);
	printf("  fanotify: executions are watched on %u file systems, not on %u\n", opened.marked, opened.refused);
	exec_watch_close(watch);
	return failed;
}

int check_main(int argc, char **argv)
{
	struct settings *settings;
	uid_t uid;
	gid_t gid;
	int status, sinks;

	if (cli_help(argc, argv, help))
		return 0;
	sinks = argc > 1 && strcmp(argv[1], "--sinks") == 0;
	if (argc > 1 + sinks)
		return cli_usage(argv[0], argv[1 + sinks]);
	settings = cli_load(false);
	if (!settings)
		return 1;
	printf("%s: no mistakes\n", cli.config);
	for (size_t i = 0; i < settings->n_sinks && !sinks; i++)
		printf("  sink %-14s %s\n", settings->sinks[i].name, settings->sinks[i].enabled ? "enabled" : "off");
	status = daemon_user(settings, &uid, &gid) ? 1 : 0;
	if (sinks && !status)
		status = check_sinks(settings, uid, gid);
	status |= check_kernel(settings);
	settings_free(settings);
	return status;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picosnitch check: is the configuration right, and what can be seen on this kernel. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/capture/exec_watch.h"
#include "core/capture/probe.h"
#include "core/cli/cli.h"
#include "core/daemon/daemon.h"

static const char help[] = "usage: picosnitch check\n"
                           "\n"
                           "Reports every mistake in the configuration with its line. As root, it also loads the BPF\n"
                           "programs for a moment and says what this kernel lets picosnitch see, and what not.\n"
                           "\n"
                           "Exit status: 0 all is well, 1 something is wrong.\n";

static int check_kernel(const struct settings *settings)
{
	const struct probe_hook *hook;
	unsigned n, marked, refused;
	struct exec_watch *watch;
	struct probe *probe;
	int err;

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
	probe_close(probe);
	err = exec_watch_open(&watch);
	if (err) {
		printf("  fanotify: %s; not seen: the hash of programs that live too briefly for /proc\n", strerror(-err));
		return 0;
	}
	exec_watch_coverage(watch, &marked, &refused);
	printf("  fanotify: executions are watched on %u file systems, refused by %u\n", marked, refused);
	exec_watch_close(watch);
	return 0;
}

int check_main(int argc, char **argv)
{
	struct settings *settings;
	uid_t uid;
	gid_t gid;
	int status;

	if (cli_help(argc, argv, help))
		return 0;
	if (argc > 1)
		return cli_usage(argv[0], argv[1]);
	settings = cli_load(false);
	if (!settings)
		return 1;
	printf("%s: no mistakes\n", cli.config);
	for (size_t i = 0; i < settings->n_sinks; i++)
		printf("  sink %-14s %s\n", settings->sinks[i].name, settings->sinks[i].enabled ? "enabled" : "off");
	status = daemon_user(settings, &uid, &gid) ? 1 : 0;
	status |= check_kernel(settings);
	settings_free(settings);
	return status;
}

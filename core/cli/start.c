/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picosnitch start, stop, restart: the daemon without a service manager. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/cli/cli.h"
#include "core/cli/front.h"
#include "core/daemon/daemon.h"
#include "core/daemon/pidfile.h"

#define STOP_S 60

static const char start_help[] = "usage: picosnitch start\n"
                                 "\n"
                                 "Starts the daemon in the background, and returns when it watches.\n";
static const char stop_help[] =
    "usage: picosnitch stop\n"
    "\n"
    "Stops the daemon: it drains the kernel, writes the last window and gives its sinks a few\n"
    "seconds. Waits for it, 60 seconds at most.\n";
static const char restart_help[] = "usage: picosnitch restart\n"
                                   "\n"
                                   "Checks the configuration, then stops the daemon if it runs, and starts it.\n";

static struct settings *reload(const char *config)
{
	(void)config;
	return cli_load(false);
}

/* The background process: becomes the daemon, tells `ready` how that goes. Does not return. */
static void become_daemon(struct settings *settings, int ready)
{
	char geoip[FRONT_PATH];
	struct daemon_options options = {cli.config, cli.program, reload, front_find(geoip, "geoip") ? geoip : NULL, ready};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (null < 0 || chdir("/") || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(1);
	_exit(daemon_run(settings, &options));
}

/* Shows the daemon's errors until it says that it runs, or is gone. */
static int wait_ready(int fd)
{
	char text[1024];
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) != 0) {
		const char *end;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		end = memchr(text, 0, (size_t)n);
		fwrite(text, 1, end ? (size_t)(end - text) : (size_t)n, stderr);
		if (end)
			return 0;
	}
	log_error("the daemon did not start");
	return 1;
}

static int start(struct settings *settings)
{
	pid_t running = pidfile_find(settings->paths.run), child;
	int ready[2], status;

	if (running > 0) {
		log_error("picosnitch runs already (pid %d)", running);
		return 1;
	}
	if (pipe2(ready, O_CLOEXEC)) {
		log_error("no pipe to the daemon: %s", strerror(errno));
		return 1;
	}
	child = fork();
	if (child < 0) {
		log_error("no process for the daemon: %s", strerror(errno));
		return 1;
	}
	if (!child) {
		close(ready[0]);
		become_daemon(settings, ready[1]);
	}
	close(ready[1]);
	status = wait_ready(ready[0]);
	close(ready[0]);
	if (!status)
		printf("picosnitch runs (pid %d)\n", pidfile_find(settings->paths.run));
	return status;
}

static int stop(const struct settings *settings, bool must_run)
{
	pid_t pid = pidfile_find(settings->paths.run);
	int64_t begun = clock_monotonic_ns();
	bool told = false;

	if (pid < 0) {
		log_error("%s: the pid file cannot be read: %s", settings->paths.run, strerror(-pid));
		return 1;
	}
	if (!pid) {
		if (must_run)
			log_error("picosnitch does not run");
		return must_run;
	}
	/* The lock on the pid file says that this is the daemon: the number alone would not. */
	if (kill(pid, SIGTERM)) {
		log_error("picosnitch (pid %d) cannot be stopped: %s", pid, strerror(errno));
		return 1;
	}
	while (pidfile_find(settings->paths.run) == pid) {
		int64_t waited = (clock_monotonic_ns() - begun) / NS_PER_S;

		if (waited >= STOP_S) {
			log_error("picosnitch (pid %d) has not stopped within %d seconds", pid, STOP_S);
			return 1;
		}
		if (waited >= 2 && !told) {
			log_info("waiting for the last window and the sinks");
			told = true;
		}
		usleep(20000);
	}
	return 0;
}

/* `start`, and `restart`, which stops first: but only if the configuration is right. */
static int begin(int argc, char **argv, const char *help, bool stop_first)
{
	struct settings *settings;
	int status = 0;

	if (cli_help(argc, argv, help))
		return 0;
	if (argc > 1)
		return cli_usage(argv[0], argv[1]);
	settings = cli_load(false);
	if (!settings)
		return 1;
	if (stop_first)
		status = stop(settings, false);
	if (!status)
		status = start(settings);
	settings_free(settings);
	return status;
}

int start_main(int argc, char **argv)
{
	return begin(argc, argv, start_help, false);
}

int restart_main(int argc, char **argv)
{
	return begin(argc, argv, restart_help, true);
}

int stop_main(int argc, char **argv)
{
	struct settings *settings;
	int status;

	if (cli_help(argc, argv, stop_help))
		return 0;
	if (argc > 1)
		return cli_usage(argv[0], argv[1]);
	settings = cli_load_paths();
	if (!settings)
		return 1;
	status = stop(settings, true);
	settings_free(settings);
	return status;
}

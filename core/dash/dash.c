/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picosnitch dash: the web page and its API. */
#include <errno.h>
#include <ifaddrs.h>
#include <jansson.h>
#include <net/if.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/cli/cli.h"
#include "core/cli/front.h"
#include "core/cli/store.h"
#include "core/dash/become.h"
#include "core/dash/listen.h"
#include "core/dash/live.h"
#include "core/dash/server.h"
#include "core/dash/visits.h"
#include "core/dash/workers.h"

/* ---- before anybody is served ---- */

/* The configuration may be closed to those who may read the store: then its defaults hold. */
static struct settings *read_settings(void)
{
	struct mistakes mistakes = {0};
	struct settings *settings;

	if (!cli.config_given && access(cli.config, R_OK) && errno == EACCES)
		settings = settings_load(NULL, NULL, &mistakes);
	else
		settings = cli_load_paths();
	mistakes_done(&mistakes);
	return settings;
}

static int make_token(struct dash_options *o)
{
	uint8_t bytes[24];
	char text[2 * sizeof(bytes) + 1];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		log_error("a token cannot be made: %s", strerror(errno));
		return -EIO;
	}
	free(o->token);
	o->token = mem_strdup(text_hex(text, bytes, sizeof(bytes)));
	return 0;
}

/* ---- the address for people ---- */

/* An address of this machine that others can reach, when it listens at all of them. */
static bool find_address(char *out, size_t size)
{
	struct ifaddrs *list, *a;
	bool found = false;

	if (getifaddrs(&list))
		return false;
	for (a = list; a && !found; a = a->ifa_next)
		found =
		    a->ifa_addr && a->ifa_addr->sa_family == AF_INET && !(a->ifa_flags & IFF_LOOPBACK) &&
		    getnameinfo(a->ifa_addr, sizeof(struct sockaddr_in), out, (socklen_t)size, NULL, 0, NI_NUMERICHOST) == 0;
	freeifaddrs(list);
	return found;
}

static void say_address(const struct dash_options *o, const struct listeners *l)
{
	char found[64];
	const char *host = o->host;
	bool token = *o->token;

	if ((strcmp(l->names[0], "0.0.0.0") == 0 || strcmp(l->names[0], "::") == 0) && find_address(found, sizeof(found)))
		host = found;
	printf("http://%s%s%s:%u%s%s\n", strchr(host, ':') && *host != '[' ? "[" : "", host,
	       strchr(host, ':') && *host != '[' ? "]" : "", l->port, token ? "/?token=" : "", o->token);
	fflush(stdout);
	if (!l->loopback)
		log_warning("this is reached from other machines, without encryption: put a server with TLS before it");
}

/* ---- serving ---- */

/* Until a signal; does meanwhile what has to be done now and then. */
static void wait_for_end(struct dash *dash, const sigset_t *signals)
{
	const struct timespec second = {.tv_sec = 1};

	for (;;) {
		int signal = sigtimedwait(signals, NULL, &second);

		if (signal > 0)
			return;
		visits_tick(dash->visits);
		workers_tick(dash->workers);
	}
}

static int serve(struct dash *dash, const struct listeners *l, const sigset_t *signals)
{
	struct server *server;

	dash->visits = visits_new();
	dash->workers = workers_start(dash, cli.config);
	dash->live = dash->workers ? live_start(dash->options->run) : NULL;
	server = dash->live ? server_start(dash, l) : NULL;
	if (server) {
		say_address(dash->options, l);
		wait_for_end(dash, signals);
		server_quiesce(server);
	}
	atomic_store(&dash->stopping, true);
	if (dash->workers)
		workers_stop(dash->workers);
	if (dash->live)
		live_stop(dash->live);
	if (server)
		server_stop(server);
	if (dash->live)
		live_free(dash->live);
	visits_free(dash->visits);
	return server ? 0 : 1;
}

static int run(struct dash_options *o)
{
	struct dash dash = {.options = o};
	struct listeners listeners;
	sigset_t signals;
	int status;

	if (listen_at(&listeners, o->host, o->port) < 0)
		return 1;
	if (!listeners.loopback && !*o->token && make_token(o) < 0)
		return 1;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL); /* of all threads */
	signal(SIGPIPE, SIG_IGN);
	json_object_seed(0);
	tzset();
	guard_init(&dash.guard, o->names, o->token, listeners.port);
	guard_add(&dash.guard, o->host);
	status = serve(&dash, &listeners, &signals);
	guard_done(&dash.guard);
	return status;
}

int front_main(int argc, char **argv)
{
	struct settings *settings;
	struct dash_options o;
	int status;

	if (cli_help(argc, argv, dash_help))
		return 0;
	settings = read_settings();
	if (!settings)
		return 1;
	status = dash_options_read(&o, settings, argc, argv);
	settings_free(settings);
	/* Read as whoever started this; all else happens as somebody without rights. */
	cli_store_keep_config(cli.config);
	if (!status)
		status = become(o.user, o.group) < 0 ? 1 : run(&o);
	dash_options_done(&o);
	return status;
}

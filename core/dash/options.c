/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/cli/cli.h"
#include "core/dash/guard.h"

const char dash_help[] =
    "usage: picosnitch dash [OPTION]...\n"
    "\n"
    "Serves the web page, by default at http://localhost:5100, until SIGINT or SIGTERM. It reads the store and the\n"
    "daemon's live feed, and writes nothing. Started by root, it becomes the user in [core] user first.\n"
    "\n"
    "      --host HOST        name or address to listen at (HOST in the environment, [dash] host; localhost)\n"
    "      --port PORT        port (PORT in the environment, [dash] port; 5100); 0: any that is free\n"
    "      --token TOKEN      what a browser has to know; one is made if HOST is not this machine alone\n"
    "      --token-file FILE  its first line is the token\n"
    "      --store NAME       the store of [sink NAME] ([dash] store; sqlite)\n"
    "      --file FILE        this file instead of the one in the configuration\n"
    "\n"
    "Exit status: 0 it was ended, 1 it cannot listen or read its configuration, 2 usage.\n";

static void set(char **to, const char *value)
{
	free(*to);
	*to = mem_strdup(value);
}

static bool set_port(struct dash_options *o, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (!*text || *end || n < 0 || n > 65535)
		return false;
	o->port = (unsigned)n;
	return true;
}

/* The user may not be the one who may read the file: so it is read before anything else. */
static int read_token(struct dash_options *o, const char *path)
{
	char line[GUARD_TOKEN_MAX + 2] = "";
	FILE *in = fopen(path, "re");

	if (!in) {
		log_error("%s: %s", path, strerror(errno));
		return 1;
	}
	if (!fgets(line, sizeof(line), in))
		line[0] = 0;
	fclose(in);
	line[strcspn(line, "\r\n")] = 0;
	set(&o->token, line);
	explicit_bzero(line, sizeof(line));
	return 0;
}

static int judge_token(const struct dash_options *o, bool given)
{
	size_t len = strlen(o->token);

	if (!given || (len >= 16 && len <= GUARD_TOKEN_MAX &&
	               !o->token[strspn(o->token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-")]))
		return 0;
	log_error("a token is 16 to %d letters, digits, . _ ~ and -", GUARD_TOKEN_MAX);
	return 2;
}

static int read_arguments(struct dash_options *o, int argc, char **argv)
{
	static const struct option options[] = {
	    {"host", required_argument, NULL, 'h'},
	    {"port", required_argument, NULL, 'p'},
	    {"token", required_argument, NULL, 't'},
	    {"token-file", required_argument, NULL, 'T'},
	    {"store", required_argument, NULL, 's'},
	    {"file", required_argument, NULL, 'f'},
	    {NULL, 0, NULL, 0},
	};
	bool token = false;
	int c, status = 0;

	optind = 1;
	opterr = 0;
	while (!status && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h' && *optarg)
			set(&o->host, optarg);
		else if (c == 't')
			set(&o->token, optarg);
		else if (c == 'T')
			status = read_token(o, optarg);
		else if (c == 's')
			set(&o->store, optarg);
		else if (c == 'f')
			o->file = optarg;
		else if (c != 'p' || !set_port(o, optarg))
			status = cli_usage("dash", argv[optind > 1 ? optind - 1 : 1]);
		token = token || c == 't' || c == 'T';
	}
	if (!status && optind < argc)
		status = cli_usage("dash", argv[optind]);
	return status ? status : judge_token(o, token);
}

int dash_options_read(struct dash_options *o, const struct settings *s, int argc, char **argv)
{
	const char *host = getenv("HOST"), *port = getenv("PORT");

	*o = (struct dash_options){
	    .host = mem_strdup(host && *host ? host : s->dash.host),
	    .theme = mem_strdup(s->dash.theme),
	    .token = mem_strdup(s->dash.token),
	    .store = mem_strdup(s->dash.store),
	    .names = mem_strdup(s->dash.names),
	    .port = (unsigned)s->dash.port,
	    .scroll_zoom = s->dash.scroll_zoom,
	    .run = mem_strdup(s->paths.run),
	    .user = mem_strdup(s->core.user),
	    .group = mem_strdup(s->data.group),
	    .least_step = s->core.write_interval_ms / 1000,
	};
	if (o->least_step < 1)
		o->least_step = 1;
	if (port && *port && !set_port(o, port)) {
		log_error("PORT=%s in the environment is not the number of a port", port);
		return 2;
	}
	return read_arguments(o, argc, argv);
}

void dash_options_done(struct dash_options *o)
{
	free(o->host);
	free(o->theme);
	free(o->token);
	free(o->store);
	free(o->names);
	free(o->run);
	free(o->user);
	free(o->group);
}

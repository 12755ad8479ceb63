/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program: a table of subcommands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "core/capture/self_traffic.h"
#include "core/cli/cli.h"
#include "core/cli/front.h"
#include "core/delivery/sink_host.h"
#include "core/identify/reader.h"

static int help_main(int argc, char **argv);
static int version_main(int argc, char **argv);

static const struct command {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *about; /* NULL: for the daemon itself, not for people */
} commands[] = {
    {"run", run_main, "run the daemon in the foreground"},
    {"start-no-daemon", run_main, NULL},
    {"start", start_main, "start the daemon in the background"},
    {"stop", stop_main, "stop it"},
    {"restart", restart_main, "stop it if it runs, and start it"},
    {"status", status_main, "what it sees, its sinks, and what was lost (--json)"},
    {"check", check_main, "check the configuration, and what this kernel lets it see"},
    {"top", front_become, "what each program sends and receives now"},
    {"view", front_become, "past connections on the terminal: by anything, at any time"},
    {"dash", front_become, "the same as a web page of this machine"},
    {"query", front_become, "ask the store: who talked, how much, with whom"},
    {"geoip", front_become, "the database of countries: its age, and another one (--update)"},
    {"record", record_main, "the memory of known programs: show, forget, expect"},
    {"verify", verify_main, "whether a store still holds what was written to it"},
    {"import", import_main, "take over what an older picosnitch has left"},
    {"help", help_main, "this text, or that of a command"},
    {"version", version_main, "the version"},
    {"sink-host", sink_host_main, NULL},
    {"plugin-describe", plugin_describe_main, NULL},
    {"self-traffic", self_traffic_main, NULL},
    {"read-file", reader_child_main, NULL},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fprintf(out, "usage: picosnitch [--config FILE] [--debug] COMMAND [OPTION...]\n"
	             "\n"
	             "Tells which program talks to the network, how much, with whom and on whose behalf.\n"
	             "\n");
	for (size_t i = 0; i < COMMANDS; i++)
		if (commands[i].about)
			fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].about);
	fprintf(out,
	        "\n"
	        "Each command has --help. The configuration is %s unless --config names another;\n"
	        "see picosnitch(1) and picosnitch.ini(5).\n",
	        CLI_CONFIG);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int help_main(int argc, char **argv)
{
	const struct command *command = argc > 1 ? find(argv[1]) : NULL;
	char option[] = "--help", *args[3] = {NULL, option, NULL};

	if (argc > 1 && !command)
		return cli_usage("help", argv[1]);
	if (command && command->about && command->main != help_main) {
		args[0] = argv[1];
		return command->main(2, args);
	}
	usage(stdout);
	return 0;
}

static int version_main(int argc, char **argv)
{
	if (cli_help(argc, argv, "usage: picosnitch version\n"))
		return 0;
	puts("picosnitch " PACKAGE_VERSION);
	return 0;
}

int main(int argc, char **argv)
{
	int i = cli_begin(argc, argv);
	const char *word = i < argc ? argv[i] : NULL;

	/* libuv's io_uring keeps the rights that a process had when it was made. */
	setenv("UV_USE_IO_URING", "0", 1);
	if (word && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
		usage(stdout);
		return 0;
	}
	if (word && strcmp(word, "--version") == 0)
		return version_main(0, NULL);
	if (!word || !find(word)) {
		if (word)
			fprintf(stderr, "picosnitch: '%s' is not understood\n\n", word);
		usage(stderr);
		return 2;
	}
	return find(word)->main(argc - i, argv + i);
}

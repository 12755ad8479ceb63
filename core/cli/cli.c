/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/cli/cli.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"

struct cli cli = {.config = CLI_CONFIG};

int cli_begin(int argc, char **argv)
{
	static char program[PATH_MAX], config[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	int i;

	cli.program = n > 0 ? program : argv[0];
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
			cli.config = argv[++i];
			cli.config_given = true;
		} else if (strncmp(argv[i], "--config=", 9) == 0) {
			cli.config = argv[i] + 9;
			cli.config_given = true;
		} else if (strcmp(argv[i], "--debug") == 0) {
			cli.debug = true;
		} else {
			break;
		}
	}
	/* The daemon goes to another folder, and reads it again. */
	if (cli.config_given && realpath(cli.config, config))
		cli.config = config;
	log_setup("picosnitch", cli.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, getenv("JOURNAL_STREAM") != NULL);
	return i;
}

bool cli_help(int argc, char **argv, const char *help)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(help, stdout);
			return true;
		}
	return false;
}

int cli_usage(const char *command, const char *argument)
{
	fprintf(stderr, "picosnitch %s: '%s' is not understood; see `picosnitch %s --help`\n", command, argument, command);
	return 2;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line: one function a subcommand. Each gets its own arguments, argv[0] being its
 * name, and returns the exit status: 0, 1 for an error, 2 for a wrong command line. */
#ifndef PS_CLI_CLI_H
#define PS_CLI_CLI_H

#include <stdbool.h>

#include "core/config/settings.h"
#include "core/daemon/record_file.h"

#define CLI_CONFIG PS_SYSCONFDIR "/picosnitch.ini"

struct cli {
	const char *config; /* --config, or CLI_CONFIG */
	bool config_given;
	bool debug;
	const char *program; /* this program's own file */
};

extern struct cli cli;

int run_main(int argc, char **argv);
int start_main(int argc, char **argv);
int stop_main(int argc, char **argv);
int restart_main(int argc, char **argv);
int status_main(int argc, char **argv);
int check_main(int argc, char **argv);
int record_main(int argc, char **argv);
int verify_main(int argc, char **argv);
int import_main(int argc, char **argv);

/* Reads the options before a command's name, into `cli`, and sets up the log. The index of what comes after them. */
int cli_begin(int argc, char **argv);

/* Whether one of the arguments is --help or -h: then prints the help and says so. */
bool cli_help(int argc, char **argv, const char *help);

/* A wrong command line: says it, points to --help, returns 2. */
int cli_usage(const char *command, const char *argument);

/* Reads the configuration and prints every mistake as FILE:LINE: text on stderr. With mistakes:
 * NULL, unless `lenient`: then each bad key keeps its default. */
struct settings *cli_load(bool lenient);

/* The same without a look at the plugins: enough to find the daemon and its files. Mistakes are
 * not told. NULL if the file cannot be read. */
struct settings *cli_load_paths(void);

/* Before plugin_describe(): whom to ask plugins as. */
void cli_describe_as(const struct settings *);

/* Whose record.json is to be, when a command writes it. */
struct record_owner cli_record_owner(const struct settings *);

#endif

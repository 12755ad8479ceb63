/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `picosnitch query`: questions to a store, on the command line. */
#ifndef PS_CLI_QUERY_H
#define PS_CLI_QUERY_H

/* The subcommand; argv[0] is "query". Returns the exit status: 0, 1 error, 2 usage. */
int query_main(int argc, char **argv, const char *config_path);

#endif

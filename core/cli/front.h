/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where people look is a program of its own, picosnitch-NAME, that `picosnitch NAME` becomes: so the daemon, which
 * is root, never maps a terminal's or a web server's library.
 */
#ifndef PS_CLI_FRONT_H
#define PS_CLI_FRONT_H

#include <limits.h>
#include <stdbool.h>

/* Puts the path of picosnitch-NAME there, if it is there. */
#define FRONT_PATH (PATH_MAX + NAME_MAX)
bool front_find(char path[FRONT_PATH], const char *name);

/* `picosnitch NAME`: becomes the program, which lies beside this one or in its libexec folder, with the options
 * that stood before the name. Returns 1, after saying why, if it is not there. */
int front_become(int argc, char **argv);

/* What such a program defines: as the functions of cli.h. argv[0] is the name. */
int front_main(int argc, char **argv);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picosnitch view: past connections, on a terminal. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "core/base/log.h"
#include "core/cli/cli.h"
#include "core/cli/front.h"
#include "core/view/screen.h"

static const char help[] =
    "usage: picosnitch view [-b DIMENSION] [-f DIM=VALUE] [-x DIM=VALUE] [-l LENGTH | --from TIME] [--to TIME]\n"
    "                       [-o ORDER] [-u UNIT] [--store NAME] [--file FILE]\n"
    "\n"
    "Shows who exchanged how many bytes, on the terminal: each executable, over the last 24 hours, to begin with.\n"
    "From there, space keeps to what is selected and goes on to the next dimension, e leaves it out, backspace goes\n"
    "back, t and h choose the time. On the screen, ? lists the keys.\n"
    "\n"
    "  -b, --by DIMENSION     begin with that; d lists them\n"
    "  -f, --filter DIM=VALUE only what has this value; several for one dimension are alternatives\n"
    "  -x, --exclude DIM=VALUE leave out what has this value\n"
    "  -l, --last LENGTH      the last 15min, 3h, 7d, ...; all: everything (default 24h)\n"
    "      --from TIME        from then on: 2026-11-23, 2026-11-23T10:40, ...Z, or Unix seconds\n"
    "      --to TIME          before then\n"
    "  -o, --order ORDER      total, sent, received, calls, time or key (default total)\n"
    "  -u, --units UNIT       auto, B, kB, MB or GB\n"
    "      --store NAME       ask the store of [sink NAME] (default sqlite)\n"
    "      --file FILE        ask this file instead of the one in the configuration\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit status: 0 it was quit, 1 there is no store or no terminal, 2 usage.\n";

/* What `query` has, and a screen has no use for. */
static const char *misplaced(const struct ask *ask)
{
	if (ask->audit)
		return "--audit";
	if (ask->follow)
		return "--follow";
	if (ask->question.kinds)
		return "--events";
	if (ask->format != ASK_TABLE)
		return "--format";
	if (ask->question.limit)
		return "--limit";
	if (ask->question.n_by != 1)
		return "--by with anything but one dimension";
	return NULL;
}

static int show(const struct ask *ask)
{
	struct asker *asker;
	int status;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		log_error("this is no terminal: `picosnitch query` answers the same questions as text");
		return 1;
	}
	asker = asker_open(cli.config, ask->store ? ask->store : "sqlite", ask->file);
	if (!asker)
		return 1;
	status = view_screen(asker, ask);
	asker_close(asker);
	return status;
}

int front_main(int argc, char **argv)
{
	const char *why = NULL;
	struct ask ask;
	int status;

	if (cli_help(argc, argv, help))
		return 0;
	setlocale(LC_CTYPE, "");
	if (ask_parse(&ask, argc, argv, time(NULL), &why) < 0) {
		log_error("view: %s", why);
		status = 2;
	} else if ((why = misplaced(&ask))) {
		log_error("view: there is no %s here; `picosnitch query` has it", why);
		status = 2;
	} else {
		status = show(&ask);
	}
	ask_done(&ask);
	return status;
}

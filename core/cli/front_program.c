/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The main() of picosnitch-top and its like: picosnitch-NAME [--config=FILE] [--debug] NAME [OPTION]... */
#include <stdio.h>

#include "core/cli/cli.h"
#include "core/cli/front.h"

int main(int argc, char **argv)
{
	int first = cli_begin(argc, argv);

	if (first >= argc) {
		fprintf(stderr, "This is a part of picosnitch: see `picosnitch help`.\n");
		return 2;
	}
	return front_main(argc - first, argv + first);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stand-in for picosnitch: the two subcommands that other processes start. */
#include <string.h>

#include "core/delivery/sink_host.h"

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "sink-host") == 0)
		return sink_host_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "plugin-describe") == 0)
		return plugin_describe_main(argc - 1, argv + 1);
	return 2;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picosnitch run: the daemon in the foreground. */
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/cli/cli.h"
#include "core/cli/front.h"
#include "core/daemon/daemon.h"

static const char help[] =
    "usage: picosnitch run [--lenient]\n"
    "\n"
    "Runs the daemon in the foreground until SIGTERM or SIGINT; SIGHUP reads the configuration again.\n"
    "\n"
    "  --lenient   a mistake in the configuration is told, and that key keeps its default:\n"
    "              for service managers, so that a typo is no crash loop\n";

static bool lenient;

static struct settings *reload(const char *config)
{
	(void)config;
	return cli_load(lenient);
}

int run_main(int argc, char **argv)
{
	char geoip[FRONT_PATH];
	struct daemon_options options = {cli.config, cli.program, reload, front_find(geoip, "geoip") ? geoip : NULL, -1};
	struct settings *settings;

	if (cli_help(argc, argv, help))
		return 0;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--lenient") != 0)
			return cli_usage(argv[0], argv[i]);
		lenient = true;
	}
	settings = cli_load(lenient);
	if (!settings)
		return 1;
	if (settings->core.debug)
		log_setup("picosnitch", LOG_LEVEL_DEBUG, getenv("JOURNAL_STREAM") != NULL);
	return daemon_run(settings, &options);
}

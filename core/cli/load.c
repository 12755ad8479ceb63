/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading the configuration, for every command alike. */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/cli/cli.h"
#include "core/delivery/plugin_load.h"

enum { NOBODY = 65534 };

/* Opens the configuration. A default one that is not there means defaults; a named one must be. */
static int open_config(FILE **in)
{
	*in = fopen(cli.config, "re");
	if (*in || (errno == ENOENT && !cli.config_given))
		return 0;
	log_error("%s: %s%s", cli.config, strerror(errno),
	          errno == EACCES ? " (it may hold passwords, so only root may read it)" : "");
	return -errno;
}

static struct settings *load(settings_describe describe, struct mistakes *mistakes)
{
	struct settings *s;
	FILE *in;

	if (open_config(&in))
		return NULL;
	s = settings_load(in, describe, mistakes);
	if (in)
		fclose(in);
	return s;
}

struct settings *cli_load_paths(void)
{
	struct mistakes mistakes = {0};
	struct settings *s = load(NULL, &mistakes);

	mistakes_done(&mistakes);
	return s;
}

/* Plugins are asked what they declare by someone without rights. */
void cli_describe_as(const struct settings *s)
{
	struct passwd *user = getpwnam(s->core.user);

	plugin_describe_as(cli.program, user ? user->pw_uid : NOBODY, user ? user->pw_gid : NOBODY);
}

static int prepare_describe(void)
{
	struct settings *s = cli_load_paths();

	if (!s)
		return -errno;
	cli_describe_as(s);
	for (size_t i = 0; i < s->n_sinks; i++)
		plugin_describe_ahead(s->paths.plugins, s->sinks[i].plugin);
	settings_free(s);
	return 0;
}

struct settings *cli_load(bool lenient)
{
	struct mistakes mistakes = {0};
	struct settings *s;

	if (prepare_describe())
		return NULL;
	s = load(plugin_describe, &mistakes);
	mistakes_sort(&mistakes);
	for (size_t i = 0; i < mistakes.n; i++) {
		if (mistakes.list[i].line)
			log_error("%s:%u: %s", cli.config, mistakes.list[i].line, mistakes.list[i].text);
		else
			log_error("%s: %s", cli.config, mistakes.list[i].text);
	}
	if (s && mistakes.n && !lenient) {
		settings_free(s);
		s = NULL;
	}
	mistakes_done(&mistakes);
	return s;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/cli/front.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/cli/cli.h"

bool front_find(char path[FRONT_PATH], const char *name)
{
	const char *slash = strrchr(cli.program, '/');

	snprintf(path, FRONT_PATH, "%.*s/picosnitch-%s", slash ? (int)(slash - cli.program) : 1, slash ? cli.program : ".",
	         name);
	if (access(path, F_OK) == 0)
		return true;
	snprintf(path, FRONT_PATH, "%s/picosnitch-%s", PS_LIBEXECDIR, name);
	return access(path, F_OK) == 0;
}

int front_become(int argc, char **argv)
{
	char **words = mem_alloc(((size_t)argc + 4) * sizeof(*words)), path[FRONT_PATH];
	int n = 0;

	words[n++] = path;
	if (cli.config_given)
		words[n++] = mem_printf("--config=%s", cli.config);
	if (cli.debug)
		words[n++] = mem_strdup("--debug");
	memcpy(words + n, argv, ((size_t)argc + 1) * sizeof(*words));
	if (!front_find(path, argv[0]))
		log_error("this picosnitch was built without `%s`: ./configure says what it wants for it", argv[0]);
	else if (execv(path, words))
		log_error("%s: %s", path, strerror(errno));
	return 1;
}

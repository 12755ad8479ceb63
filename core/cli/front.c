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

static void put_folder(char out[PATH_MAX], const char *program)
{
	const char *slash = strrchr(program, '/');

	snprintf(out, PATH_MAX, "%.*s", slash ? (int)(slash - program) : 1, slash ? program : ".");
}

int front_become(int argc, char **argv)
{
	char beside[PATH_MAX], path[PATH_MAX + NAME_MAX];
	const char *const folders[] = {beside, PS_LIBEXECDIR};
	char **words = mem_alloc(((size_t)argc + 4) * sizeof(*words));
	int n = 0, err = ENOENT;

	put_folder(beside, cli.program);
	words[n++] = path;
	if (cli.config_given)
		words[n++] = mem_printf("--config=%s", cli.config);
	if (cli.debug)
		words[n++] = mem_strdup("--debug");
	memcpy(words + n, argv, ((size_t)argc + 1) * sizeof(*words));
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders) && err == ENOENT; i++) {
		snprintf(path, sizeof(path), "%s/picosnitch-%s", folders[i], argv[0]);
		execv(path, words);
		err = errno;
	}
	if (err == ENOENT)
		log_error("this picosnitch was built without `%s`: ./configure says what it wants for it", argv[0]);
	else
		log_error("%s: %s", path, strerror(err));
	return 1;
}

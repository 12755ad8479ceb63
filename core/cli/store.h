/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A store, opened for reading by a command: the reader of the plugin of one of the sinks. */
#ifndef PS_CLI_STORE_H
#define PS_CLI_STORE_H

#include "core/plugin.h"

struct cli_store {
	const struct ps_reader *reader;
	void *self;
	struct ps_ctx *ctx;
};

/* The store of [sink NAME]; file: instead of the one in the configuration, or NULL. 0, or -errno
 * after saying on stderr what is the matter. */
int cli_store_open(struct cli_store *, const char *config_path, const char *name, const char *file);
void cli_store_close(struct cli_store *);

/* What the reader said when a call of it failed. */
const char *cli_store_why(const struct cli_store *);

#endif

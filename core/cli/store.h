/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A store, opened by a command for reading or for adding to it: the plugin of one of the sinks. */
#ifndef PS_CLI_STORE_H
#define PS_CLI_STORE_H

#include <sys/types.h>

#include "core/config/settings.h"
#include "core/plugin.h"

struct cli_store {
	const struct ps_plugin *plugin;
	const struct ps_reader *reader; /* once it is open for reading */
	const struct ps_sink *sink;     /* once it is open for writing */
	void *self;
	struct ps_ctx *ctx;
	/* ps_host.stopping; NULL: never. */
	int (*stopping)(const struct cli_store *);
};

/* Keeps the text of the configuration: whatever is opened later is opened by that, whoever this process has become by
 * then. Before other threads. */
void cli_store_keep_config(const char *config_path);

/* The store of [sink NAME]; file: instead of the one in the configuration, or NULL. 0, or -errno
 * after saying on stderr what is the matter. */
int cli_store_open(struct cli_store *, const char *config_path, const char *name, const char *file);
void cli_store_close(struct cli_store *);

/* The same, with nothing opened yet: its options can be asked for, and it can be opened for writing. */
int cli_store_load(struct cli_store *, const char *config_path, const char *name, const char *file);

/* Opens it for reading what was loaded; again, when it was open. 0, or -errno: cli_store_why(). */
int cli_store_open_reader(struct cli_store *);
void cli_store_close_reader(struct cli_store *);

const char *cli_store_text(struct cli_store *, const char *key);
int64_t cli_store_number(struct cli_store *, const char *key);
const struct settings *cli_store_settings(const struct cli_store *);

/* Makes the sink's files where they are not there, as the daemon does, for the user that it runs as. */
int cli_store_prepare(struct cli_store *, uid_t uid, gid_t gid);
int cli_store_open_sink(struct cli_store *);
/* Waits as long as the store is away, up to `patience_ms`. 0, or -errno: cli_store_why(). */
int cli_store_write(struct cli_store *, const struct ps_batch *, int64_t patience_ms);

/* What the reader said when a call of it failed. */
const char *cli_store_why(const struct cli_store *);

#endif

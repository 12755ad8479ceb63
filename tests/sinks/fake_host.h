/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The core's side of the plugin boundary, in one process: options at their defaults, files in
 * one folder, made as the core makes them.
 */
#ifndef PS_TESTS_FAKE_HOST_H
#define PS_TESTS_FAKE_HOST_H

#include "core/plugin.h"

#define FAKE_VALUES 32

struct ps_ctx {
	const struct ps_plugin *plugin;
	const char *dir;
	struct {
		const char *key;
		char *text;
		int64_t number;
	} values[FAKE_VALUES];
	unsigned n_values;
	unsigned set_aside, rotated, warnings, errors;
	int stopping;
	unsigned owner; /* of the files that are made; 0: whoever runs this */
	char why[1024], last_log[1024];
	struct ps_found last_found; /* its texts are cleared */
	unsigned found;
	int found_answer; /* of found() */
};

extern const struct ps_host fake_host;

/* Loads the plugin; ends the program if that cannot be done. */
const struct ps_plugin *fake_load(const char *path);

/* An instance with default options, and its files in dir. */
void fake_init(struct ps_ctx *, const struct ps_plugin *, const char *dir, unsigned owner);
void fake_done(struct ps_ctx *);

/* Gives an option another value; files are made by fake_files(). */
void fake_set(struct ps_ctx *, const char *key, const char *value);

/* Makes the files of the plugin's options and their companions where they are missing. */
void fake_files(struct ps_ctx *);

/* A folder of its own under $TMPDIR or /tmp, 0755, removed with all that is in it at exit. */
const char *fake_dir(void);

#endif

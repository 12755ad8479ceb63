/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config.json of picosnitch 1, or config.toml of picosnitch 2 as JSON, as a picosnitch.ini. Only what differs from the
 * defaults; each key of the old file is in it, if only in a comment that says why there is nothing else. Pure.
 */
#ifndef PS_IMPORT_OLD_CONFIG_H
#define PS_IMPORT_OLD_CONFIG_H

#include <jansson.h>
#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/plugin_option.h"

/* Whether a JSON file is one. */
bool old_config_is(const json_t *root);

/* What this picosnitch knows of a section: a list of options, the caller's; NULL: it has no such section, or no such
 * plugin. */
typedef const struct ps_option *(*old_config_known)(void *arg, const char *section);

/* Appends the text of the file. *secret: there is a password or a key in it. */
void old_config_write(struct buf *out, const json_t *root, old_config_known, void *arg, bool *secret);

#endif

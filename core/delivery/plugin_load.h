/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds and loads a plugin: who may be loaded, and is it one. */
#ifndef PS_DELIVERY_PLUGIN_LOAD_H
#define PS_DELIVERY_PLUGIN_LOAD_H

#include "core/plugin.h"

/* Loads DIR/NAME.so, which with every folder above it must belong to root (or to this process's
 * user when that is not root) and be writable by nobody else (trust.h). NULL with *why set, in a
 * buffer of the calling thread. It is never unloaded. */
const struct ps_plugin *plugin_load(const char *dir, const char *name, const char **why);

/* The same judgement without loading: 0, or -errno with *why. */
int plugin_check_file(const char *dir, const char *name, const char **why);

/* A settings_describe: runs `picosnitch plugin-describe` as an unprivileged user, and waits for
 * it: 20 s at most, then it is killed. A list for option_free(), or NULL with *why set, in a
 * buffer of the calling thread. */
struct ps_option *plugin_describe(const char *dir, const char *name, const char **why);
/* Asks already what plugin_describe(), which must follow for the same, will wait for: so that several are asked at
 * once. Main thread. */
void plugin_describe_ahead(const char *dir, const char *name);
/* Must be set before plugin_describe(): this program's file, and whom to become when this
 * process is root. The string must live on. */
void plugin_describe_as(const char *program, unsigned uid, unsigned gid);

#endif

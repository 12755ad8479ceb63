/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the options of all sinks that talk to a server of a database have in common. */
#ifndef PS_QUERY_SERVER_H
#define PS_QUERY_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/plugin.h"

/* Whether the name of a host, or the path of a socket, is this machine. */
bool server_is_local(const char *name, size_t len);

/* Whether a text may stand in SQL as a name, or a part of one: a to z, 0 to 9, _ and what is in `more`. */
bool server_is_name(const char *name, const char *more);

/* The password: the option, or the first line of password_file, which others may not read. False after
 * why(). */
bool server_password(const struct ps_host *, struct ps_ctx *, char *out, size_t size);

#endif

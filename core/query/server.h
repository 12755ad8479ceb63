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

/* What a server or its library says, as one line. */
void server_line(char *out, size_t size, const char *text);

/* The options that all of them have. A plugin's own come before. */
#define SERVER_OPTIONS                                                                                                 \
	{.key = "user", .type = PS_OPTION_TEXT, .fallback = "picosnitch", .help = "the role"},                             \
	    {.key = "password",                                                                                            \
	     .type = PS_OPTION_TEXT,                                                                                       \
	     .fallback = "",                                                                                               \
	     .help = "its password",                                                                                       \
	     .flags = PS_OPTION_SECRET},                                                                                   \
	    {.key = "password_file",                                                                                       \
	     .type = PS_OPTION_TEXT,                                                                                       \
	     .fallback = "",                                                                                               \
	     .help = "a file whose first line is the password, read anew for each connection; readable for the user that"  \
	             " sinks run as, and not for others"},                                                                 \
	    {.key = "dbname", .type = PS_OPTION_TEXT, .fallback = "picosnitch", .help = "the database"},                   \
	    {.key = "ca",                                                                                                  \
	     .type = PS_OPTION_TEXT,                                                                                       \
	     .fallback = "",                                                                                               \
	     .help = "a file with the certificates of the authorities that are trusted; empty: those of the system"},      \
	    {.key = "cert",                                                                                                \
	     .type = PS_OPTION_TEXT,                                                                                       \
	     .fallback = "",                                                                                               \
	     .help = "a certificate of this host, if the server wants one"},                                               \
	    {.key = "key", .type = PS_OPTION_TEXT, .fallback = "", .help = "its key, a file that others may not read"},    \
	    {.key = "table",                                                                                               \
	     .type = PS_OPTION_TEXT,                                                                                       \
	     .fallback = "connections",                                                                                    \
	     .help = "the name of the table of connections"},                                                              \
	    {.key = "table_prefix",                                                                                        \
	     .type = PS_OPTION_TEXT,                                                                                       \
	     .fallback = "",                                                                                               \
	     .help = "what the names of all tables begin with; of PostgreSQL, with a dot at its end, a schema"},           \
	    {.key = "answer_timeout",                                                                                      \
	     .type = PS_OPTION_DURATION,                                                                                   \
	     .fallback = "30 s",                                                                                           \
	     .min = 1000,                                                                                                  \
	     .max = 3600 * 1000,                                                                                           \
	     .help = "a server that does not answer for so long is away; timeout has to be longer by 25 s"},               \
	{                                                                                                                  \
		.key = "query_timeout", .type = PS_OPTION_DURATION, .fallback = "60 s", .min = 1000, .max = 3600 * 1000,       \
		.help = "how long the server may take for a question; each of those of verify may take ten times as long"      \
	}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of the plugin, and which servers they name. */
#ifndef PS_MARIADB_PARAMS_H
#define PS_MARIADB_PARAMS_H

#include <stdbool.h>

#include "core/plugin.h"

#define PARAMS_SERVERS 16

/* How a connection is encrypted. In the order of the option's choices. */
enum params_tls { TLS_AUTO, TLS_OFF, TLS_REQUIRE, TLS_VERIFY };

struct params_server {
	char host[256]; /* or the path of a socket */
	unsigned port;
	bool is_socket, is_local; /* on this machine */
	enum params_tls tls;      /* anything but TLS_AUTO */
};

struct params {
	struct params_server servers[PARAMS_SERVERS];
	unsigned n;
	const char *user, *dbname, *ca, *cert, *key;
	char password[1024];
	unsigned connect_s, answer_s;
};

/* What the options cannot mean, after why(). */
bool params_check(const struct ps_host *, struct ps_ctx *);

/* Reads the password file anew. False after why(). */
bool params_set(struct params *, const struct ps_host *, struct ps_ctx *);

/* Leaves no password behind. */
void params_clear(struct params *);

#endif

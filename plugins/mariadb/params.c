/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/mariadb/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/query/server.h"

#define NAME_MAX 64 /* of a table, for the server */

static bool take_server(struct params_server *s, const char *name, size_t len, const char *port, enum params_tls tls)
{
	char *end;
	unsigned long number = strtoul(port, &end, 10);

	if (len >= sizeof(s->host) || !len || number < 1 || number > 65535 || end == port)
		return false;
	memcpy(s->host, name, len);
	s->host[len] = 0;
	s->port = (unsigned)number;
	/* For libmariadb, localhost is the socket. */
	s->is_socket = *name == '/' || strcmp(s->host, "localhost") == 0;
	s->is_local = server_is_local(name, len);
	s->tls = tls != TLS_AUTO ? tls : s->is_local ? TLS_OFF : TLS_VERIFY;
	return true;
}

/* "db1,db2" and "3306", or as many ports as hosts. What is wrong, or NULL. */
static const char *take_servers(struct params *p, const struct ps_host *host, struct ps_ctx *ctx)
{
	const char *name = host->text(ctx, "host"), *port = host->text(ctx, "port");
	bool one = !strchr(port, ',');

	for (p->n = 0; p->n < PARAMS_SERVERS; name++) {
		size_t len = strcspn(name, ",");

		if (port[strspn(port, "0123456789,")])
			return "port: is not a number, or several with commas between them";
		if (!take_server(&p->servers[p->n++], name, len, port, (enum params_tls)host->number(ctx, "tls")))
			return "host, port: a name, an address or the path of a socket, or several with commas between them; and "
			       "ports from 1 to 65535";
		name += len;
		if (!one)
			port += strcspn(port, ",");
		if (!*name)
			return one || !*port ? NULL : "port: there is one for all hosts, or as many as hosts";
		if (!one && !*port++)
			return "port: there is one for all hosts, or as many as hosts";
	}
	return "host: these are too many";
}

bool params_check(const struct ps_host *host, struct ps_ctx *ctx)
{
	const char *table = host->text(ctx, "table"), *prefix = host->text(ctx, "table_prefix");
	struct params p;
	const char *wrong = take_servers(&p, host, ctx);

	if (wrong)
		host->why(ctx, "%s", wrong);
	else if (!*table || !server_is_name(table, "") || !server_is_name(prefix, ""))
		host->why(ctx, "table, table_prefix: a name has a to z, 0 to 9 and _");
	else if (strlen(table) + strlen(prefix) > NAME_MAX || strlen(prefix) > NAME_MAX - strlen("connections_flat"))
		host->why(ctx, "table, table_prefix: a name has at most %d letters", NAME_MAX);
	else if (!*host->text(ctx, "dbname"))
		host->why(ctx, "dbname: which database?");
	else if (*host->text(ctx, "password") && *host->text(ctx, "password_file"))
		host->why(ctx, "password and password_file are both set: leave one out");
	else if (host->number(ctx, "connect_timeout") / 1000 * p.n > 40)
		host->why(ctx, "connect_timeout is too long for %u hosts: all together must not take more than 40 s", p.n);
	else
		return true;
	return false;
}

static unsigned seconds(const struct ps_host *host, struct ps_ctx *ctx, const char *key)
{
	return (unsigned)((host->number(ctx, key) + 999) / 1000);
}

bool params_set(struct params *p, const struct ps_host *host, struct ps_ctx *ctx)
{
	const char *wrong;

	*p = (struct params){
	    .user = host->text(ctx, "user"),
	    .dbname = host->text(ctx, "dbname"),
	    .ca = host->text(ctx, "ca"),
	    .cert = host->text(ctx, "cert"),
	    .key = host->text(ctx, "key"),
	    .connect_s = seconds(host, ctx, "connect_timeout"),
	    .answer_s = seconds(host, ctx, "answer_timeout"),
	};
	wrong = take_servers(p, host, ctx);
	if (wrong)
		host->why(ctx, "%s", wrong);
	return !wrong && server_password(host, ctx, p->password, sizeof(p->password));
}

void params_clear(struct params *p)
{
	explicit_bzero(p->password, sizeof(p->password));
}

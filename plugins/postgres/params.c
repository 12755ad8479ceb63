/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/postgres/params.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/query/server.h"

/* In the order of the option's choices. */
static const char *const modes[] = {NULL, "disable", "prefer", "require", "verify-ca", "verify-full"};
enum { MODE_AUTO };

static const char *text(const struct ps_host *host, struct ps_ctx *ctx, const char *key)
{
	return host->text(ctx, key);
}

static bool all_local(const char *hosts, unsigned *n)
{
	bool local = true;

	for (*n = 0;; hosts++) {
		size_t len = strcspn(hosts, ",");

		local &= server_is_local(hosts, len); /* an empty one is libpq's own socket */
		++*n;
		hosts += len;
		if (!*hosts)
			return local;
	}
}

/* The certificates that this system trusts: libpq before 16 does not know where they are. */
static const char *system_ca(void)
{
	static const char *const paths[] = {
	    "/etc/ssl/certs/ca-certificates.crt",
	    "/etc/pki/tls/certs/ca-bundle.crt",
	    "/etc/ssl/ca-bundle.pem",
	    "/etc/ssl/cert.pem",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (access(paths[i], R_OK) == 0)
			return paths[i];
	return PQlibVersion() >= 160000 ? "system" : "";
}

static void put(struct params *p, const char *keyword, const char *value)
{
	if (!*value || p->n == PARAMS_MAX)
		return;
	p->keywords[p->n] = keyword;
	p->values[p->n++] = value;
}

bool params_set(struct params *p, const struct ps_host *host, struct ps_ctx *ctx, bool writing)
{
	int64_t mode = host->number(ctx, "sslmode");
	const char *ca = text(host, ctx, "ca"), *sslmode;
	unsigned hosts;
	long long each;

	*p = (struct params){.remote = !all_local(text(host, ctx, "host"), &hosts)};
	if (!server_password(host, ctx, p->password, sizeof(p->password)))
		return false;
	sslmode = mode != MODE_AUTO ? modes[mode] : p->remote ? "verify-full" : "prefer";
	put(p, "host", text(host, ctx, "host"));
	put(p, "port", text(host, ctx, "port"));
	put(p, "user", text(host, ctx, "user"));
	put(p, "password", p->password);
	put(p, "dbname", text(host, ctx, "dbname"));
	put(p, "sslmode", sslmode);
	if (strncmp(sslmode, "verify", 6) == 0)
		put(p, "sslrootcert", *ca ? ca : system_ca());
	put(p, "sslcert", text(host, ctx, "cert"));
	put(p, "sslkey", text(host, ctx, "key"));
	put(p, "ssl_min_protocol_version", "TLSv1.2");
	put(p, "gssencmode", "disable");
	put(p, "client_encoding", "UTF8");
	put(p, "application_name", "picosnitch");
	if (writing)
		put(p, "target_session_attrs", "read-write");
	/* For each host; libpq takes less than 2 s for 2 s. */
	each = host->number(ctx, "connect_timeout") / 1000;
	snprintf(p->seconds, sizeof(p->seconds), "%lld", each < 2 ? 2LL : each);
	put(p, "connect_timeout", p->seconds);
	put(p, "keepalives_idle", "30");
	put(p, "keepalives_interval", "10");
	put(p, "keepalives_count", "3");
	snprintf(p->milliseconds, sizeof(p->milliseconds), "%lld", (long long)host->number(ctx, "answer_timeout"));
	put(p, "tcp_user_timeout", p->milliseconds);
	return true;
}

void params_clear(struct params *p)
{
	explicit_bzero(p->password, sizeof(p->password));
}

bool params_check(const struct ps_host *host, struct ps_ctx *ctx)
{
	const char *table = text(host, ctx, "table"), *prefix = text(host, ctx, "table_prefix");
	unsigned hosts, ports = 1;

	all_local(text(host, ctx, "host"), &hosts);
	for (const char *p = text(host, ctx, "port"); *p; p++)
		ports += *p == ',';
	if (!*table || !server_is_name(table, "") || (*table >= '0' && *table <= '9'))
		host->why(ctx, "table: a name has a to z, 0 to 9 and _");
	else if (!server_is_name(prefix, ".") || (*prefix >= '0' && *prefix <= '9') || *prefix == '.' ||
	         (strchr(prefix, '.') && strchr(prefix, '.') != strrchr(prefix, '.')))
		host->why(ctx, "table_prefix: a name has a to z, 0 to 9 and _, and a dot after that of a schema");
	else if (ports != 1 && ports != hosts)
		host->why(ctx, "port: there is one for all hosts, or as many as hosts");
	else if (text(host, ctx, "port")[strspn(text(host, ctx, "port"), "0123456789,")])
		host->why(ctx, "port: is not a number, or several with commas between them");
	else if (*text(host, ctx, "password") && *text(host, ctx, "password_file"))
		host->why(ctx, "password and password_file are both set: leave one out");
	else if (host->number(ctx, "connect_timeout") * hosts > 20000)
		host->why(ctx, "connect_timeout is too long for %u hosts: all together must not take more than 20 s", hosts);
	else
		return true;
	return false;
}

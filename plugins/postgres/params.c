/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/postgres/params.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the order of the option's choices. */
static const char *const modes[] = {NULL, "disable", "prefer", "require", "verify-ca", "verify-full"};
enum { MODE_AUTO };

static const char *text(const struct ps_host *host, struct ps_ctx *ctx, const char *key)
{
	return host->text(ctx, key);
}

/* One of "a,b,/run/postgresql": an empty one is libpq's own socket. */
static bool is_local(const char *name, size_t len)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "::1", "ip6-localhost"};

	if (!len || *name == '/' || *name == '@')
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && strncmp(name, names[i], len) == 0)
			return true;
	return len > 4 && strncmp(name, "127.", 4) == 0 && strspn(name, "0123456789.") >= len;
}

static bool all_local(const char *hosts, unsigned *n)
{
	bool local = true;

	for (*n = 0;; hosts++) {
		size_t len = strcspn(hosts, ",");

		local &= is_local(hosts, len);
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

/* The first line of a file that not everybody may read. */
static bool read_password(struct params *p, const struct ps_host *host, struct ps_ctx *ctx)
{
	const char *path = text(host, ctx, "password_file");
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat file;
	ssize_t n = -1;

	if (fd < 0 || fstat(fd, &file) < 0) {
		host->why(ctx, "password_file %s: %s%s", path, strerror(errno),
		          errno == EACCES ? ": it must be readable for the user that sinks run as" : "");
	} else if (!S_ISREG(file.st_mode) || (file.st_mode & S_IRWXO)) {
		host->why(ctx, "password_file %s: it must be a file that others may not read: chmod 640", path);
	} else {
		n = read(fd, p->password, sizeof(p->password) - 1);
		if (n <= 0)
			host->why(ctx, "password_file %s is empty", path);
	}
	if (fd >= 0)
		close(fd);
	p->password[n > 0 ? n : 0] = 0;
	p->password[strcspn(p->password, "\r\n")] = 0;
	return n > 0;
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
	if (*text(host, ctx, "password_file") && !read_password(p, host, ctx))
		return false;
	sslmode = mode != MODE_AUTO ? modes[mode] : p->remote ? "verify-full" : "prefer";
	put(p, "host", text(host, ctx, "host"));
	put(p, "port", text(host, ctx, "port"));
	put(p, "user", text(host, ctx, "user"));
	put(p, "password", *p->password ? p->password : text(host, ctx, "password"));
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

/* A part of a table's name, which stands in the SQL as it is. */
static bool is_name(const char *name, const char *more)
{
	for (; *name; name++)
		if (!(*name >= 'a' && *name <= 'z') && !(*name >= '0' && *name <= '9') && *name != '_' && !strchr(more, *name))
			return false;
	return true;
}

bool params_check(const struct ps_host *host, struct ps_ctx *ctx)
{
	const char *table = text(host, ctx, "table"), *prefix = text(host, ctx, "table_prefix");
	unsigned hosts, ports = 1;

	all_local(text(host, ctx, "host"), &hosts);
	for (const char *p = text(host, ctx, "port"); *p; p++)
		ports += *p == ',';
	if (!*table || !is_name(table, "") || (*table >= '0' && *table <= '9'))
		host->why(ctx, "table: a name has a to z, 0 to 9 and _");
	else if (!is_name(prefix, ".") || (*prefix >= '0' && *prefix <= '9') || *prefix == '.' ||
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

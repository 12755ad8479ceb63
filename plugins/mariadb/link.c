/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/mariadb/link.h"

#include <errmsg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/query/server.h"

#define PACKET_MIN (1ul << 20) /* the longest texts of a record fit into that, but for the odd one */

static void take_why(struct link *l, const char *text)
{
	server_line(l->why, sizeof(l->why), text);
}

/* By the server's numbers where they say more than the class of an SQLSTATE. */
static enum trouble judge(unsigned code, const char *state)
{
	static const struct {
		unsigned code;
		enum trouble trouble;
	} known[] = {
	    {1020, LINK_AGAIN},                       /* changed since it was read */
	    {1205, LINK_AGAIN},                       /* a lock was not to be had in time */
	    {1213, LINK_AGAIN},                       /* deadlock; Galera: another node was first */
	    {1615, LINK_AGAIN},                       /* to be prepared anew */
	    {3101, LINK_AGAIN},                       /* MySQL's group replication: another node was first */
	    {1044, LINK_WRONG},                       /* no right to the database */
	    {1142, LINK_WRONG},                       /* nor to a table */
	    {1143, LINK_WRONG},                       /* nor to a column */
	    {1227, LINK_WRONG},                       /* nor to do that */
	    {1370, LINK_WRONG},                       /* nor to a function, of a trigger, say */
	    {1054, LINK_WRONG},                       /* no such column */
	    {1136, LINK_WRONG},                       /* another number of columns */
	    {1146, LINK_WRONG},                       /* no such table */
	    {1364, LINK_WRONG},                       /* a column of somebody else's without a default */
	    {1423, LINK_WRONG},   {1347, LINK_WRONG}, /* not a table */
	    {1288, LINK_WRONG},                       /* a view that cannot be written to */
	    {1471, LINK_WRONG},   {1049, LINK_AWAY},  /* no such database */
	    {1045, LINK_AWAY},                        /* the password */
	    {1047, LINK_AWAY},                        /* Galera: not a part of the cluster (any more) */
	    {1526, LINK_NOWHERE}, {1748, LINK_NOWHERE}, {1048, LINK_ROW}, /* must not be NULL */
	    {1062, LINK_ROW},                                             /* somebody's unique index */
	    {1118, LINK_ROW},                                             /* the row is too long */
	    {1153, LINK_ROW},                                             /* nobody's packet is that long */
	    {1264, LINK_ROW},                                             /* out of range */
	    {1265, LINK_ROW},                                             /* truncated */
	    {1366, LINK_ROW},                                             /* an incorrect value */
	    {1406, LINK_ROW},                                             /* too long */
	    {1452, LINK_ROW},                                             /* somebody's foreign key */
	    {1644, LINK_ROW},                                             /* SIGNAL of a trigger */
	    {3819, LINK_ROW},                                             /* CHECK, of MySQL */
	    {4025, LINK_ROW},                                             /* CHECK, of MariaDB */
	};
	static const struct {
		const char *class;
		enum trouble trouble;
	} classes[] = {{"22", LINK_ROW}, {"23", LINK_ROW},   {"45", LINK_ROW},
	               {"44", LINK_ROW}, {"40", LINK_AGAIN}, {"42", LINK_WRONG}};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].code == code)
			return known[i].trouble;
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (state && strncmp(state, classes[i].class, 2) == 0)
			return classes[i].trouble;
	return LINK_AWAY;
}

/* The library's own: the connection is lost, or the server did not answer in time. */
static bool is_lost(unsigned code)
{
	return code >= CR_MIN_ERROR && code < CR_MIN_ERROR + 1000;
}

enum trouble link_failed(struct link *l, MYSQL_STMT *st)
{
	const char *state = st ? mysql_stmt_sqlstate(st) : mysql_sqlstate(l->my);

	l->code = st ? mysql_stmt_errno(st) : mysql_errno(l->my);
	take_why(l, st ? mysql_stmt_error(st) : mysql_error(l->my));
	if (!*l->why)
		take_why(l, "the connection was lost");
	if (is_lost(l->code))
		return LINK_AWAY;
	return judge(l->code, state);
}

enum trouble link_run(struct link *l, const char *sql)
{
	return mysql_real_query(l->my, sql, strlen(sql)) ? link_failed(l, NULL) : LINK_FINE;
}

enum trouble link_ask(struct link *l, const char *sql, MYSQL_RES **result)
{
	enum trouble trouble = link_run(l, sql);

	if (trouble != LINK_FINE)
		return trouble;
	*result = mysql_store_result(l->my);
	return *result ? LINK_FINE : link_failed(l, NULL);
}

enum trouble link_ignored(struct link *l)
{
	enum trouble trouble;
	MYSQL_RES *result;
	MYSQL_ROW row;

	trouble = link_ask(l, "SHOW WARNINGS", &result);
	if (trouble != LINK_FINE)
		return trouble;
	while (trouble == LINK_FINE && (row = mysql_fetch_row(result))) {
		unsigned code = (unsigned)strtoul(row[1] ? row[1] : "0", NULL, 10);

		/* There already; and that a log of statements would be unsafe. */
		if (!row[0] || strcmp(row[0], "Note") == 0 || code == 1062 || code == 1592)
			continue;
		l->code = code;
		take_why(l, row[2] ? row[2] : "");
		trouble = judge(code, NULL);
		if (trouble == LINK_AWAY)
			trouble = LINK_ROW; /* of a row, not of the connection: that goes on */
	}
	mysql_free_result(result);
	return trouble;
}

enum trouble link_prepare(struct link *l, MYSQL_STMT **st, const char *sql)
{
	if (*st)
		return LINK_FINE;
	*st = mysql_stmt_init(l->my);
	if (*st && mysql_stmt_prepare(*st, sql, strlen(sql)) == 0)
		return LINK_FINE;
	if (*st) {
		enum trouble trouble = link_failed(l, *st);

		mysql_stmt_close(*st);
		*st = NULL;
		return trouble;
	}
	return link_failed(l, NULL);
}

static void set_options(MYSQL *my, const struct params *p, const struct params_server *s)
{
	static const my_bool yes = 1, no = 0;
	static const unsigned off = 0;

	mysql_options(my, MYSQL_OPT_CONNECT_TIMEOUT, &p->connect_s);
	mysql_options(my, MYSQL_OPT_READ_TIMEOUT, &p->answer_s);
	mysql_options(my, MYSQL_OPT_WRITE_TIMEOUT, &p->answer_s);
	mysql_options(my, MYSQL_OPT_RECONNECT, &no);
	/* A server must not ask for files, nor for the password in the clear. */
	mysql_options(my, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_options(my, MARIADB_OPT_RESTRICTED_AUTH,
	              "mysql_native_password,client_ed25519,caching_sha2_password,auth_gssapi_client");
	mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options4(my, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "picosnitch");
	if (s->tls == TLS_OFF)
		return;
	mysql_options(my, MYSQL_OPT_SSL_ENFORCE, &yes);
	/* Enforcing alone is content with no encryption at all where the server offers none. */
	mysql_options(my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, s->tls == TLS_VERIFY ? &yes : &no);
	mysql_options(my, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
	if (*p->ca)
		mysql_options(my, MYSQL_OPT_SSL_CA, p->ca);
	if (*p->cert)
		mysql_options(my, MYSQL_OPT_SSL_CERT, p->cert);
	if (*p->key)
		mysql_options(my, MYSQL_OPT_SSL_KEY, p->key);
}

/* Whatever the server's defaults are: what is refused is an error, never another value; and a statement
 * means the same. */
static enum trouble set_session(struct link *l, const struct params *p)
{
	char sql[512];
	enum trouble trouble;

	trouble = link_run(l, "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'");
	if (trouble != LINK_FINE)
		return trouble;
	snprintf(sql, sizeof(sql),
	         "SET SESSION time_zone = '+00:00', autocommit = 1, completion_type = 0, max_error_count = 65535,"
	         " sql_auto_is_null = 0, foreign_key_checks = 1, unique_checks = 1, innodb_lock_wait_timeout = %u%s",
	         p->answer_s / 3 + 1, l->is_mariadb ? ", check_constraint_checks = 1" : "");
	trouble = link_run(l, sql);
	if (trouble == LINK_FINE && l->is_mariadb) {
		snprintf(sql, sizeof(sql), "SET SESSION max_statement_time = %u", p->answer_s);
		trouble = link_run(l, sql);
	}
	/* What we have given up must not hold locks, though the server may not see that nobody is there any more. */
	if (trouble == LINK_FINE) {
		snprintf(sql, sizeof(sql),
		         l->is_mariadb ? "SET SESSION lock_wait_timeout = %u /*M!100300 , idle_transaction_timeout = %u */"
		                       : "SET SESSION lock_wait_timeout = %u, wait_timeout = %u",
		         p->answer_s, l->is_mariadb ? p->answer_s : 2 * p->answer_s);
		trouble = link_run(l, sql);
	}
	if (trouble == LINK_FINE)
		trouble = link_run(l, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE");
	return trouble;
}

/* The variables by name and value; NULL: there is no such. */
static enum trouble ask_one(struct link *l, const char *sql, unsigned column, char *out, size_t size)
{
	enum trouble trouble;
	MYSQL_RES *result;
	MYSQL_ROW row;

	*out = 0;
	trouble = link_ask(l, sql, &result);
	if (trouble != LINK_FINE)
		return trouble;
	row = mysql_fetch_row(result);
	if (row && mysql_num_fields(result) > column && row[column])
		snprintf(out, size, "%s", row[column]);
	mysql_free_result(result);
	return LINK_FINE;
}

/* One that was read-only when it was asked, or not a part of its cluster, is passed over. */
static enum trouble takes_writes(struct link *l)
{
	char value[64];
	enum trouble trouble = ask_one(l, "SELECT @@GLOBAL.read_only", 0, value, sizeof(value));

	if (trouble == LINK_FINE && strcmp(value, "0") != 0) {
		take_why(l, "it is read-only");
		return LINK_AWAY;
	}
	if (trouble == LINK_FINE)
		trouble = ask_one(l, "SHOW GLOBAL STATUS LIKE 'wsrep_ready'", 1, value, sizeof(value));
	/* OFF, with a name, on a server without Galera too. */
	if (trouble == LINK_FINE && strcmp(value, "OFF") == 0) {
		trouble = ask_one(l, "SELECT @@GLOBAL.wsrep_on", 0, value, sizeof(value));
		if (trouble == LINK_FINE && strcmp(value, "1") == 0) {
			take_why(l, "it is not ready: it is not a part of its cluster");
			return LINK_AWAY;
		}
	}
	return trouble;
}

static enum trouble look(struct link *l)
{
	char value[64];
	enum trouble trouble = ask_one(l, "SELECT @@max_allowed_packet", 0, value, sizeof(value));

	l->packet = strtoul(value, NULL, 10);
	if (trouble == LINK_FINE && l->packet < PACKET_MIN) {
		snprintf(l->why, sizeof(l->why), "its max_allowed_packet is %lu: it has to be %lu at least", l->packet,
		         PACKET_MIN);
		trouble = LINK_AWAY;
	}
	return trouble;
}

static enum trouble connect_to(struct link *l, const struct params *p, const struct params_server *s, bool writing)
{
	const char *path = *s->host == '/' ? s->host : NULL;
	unsigned long capabilities = 0, extended = 0;
	enum trouble trouble = LINK_FINE;

	l->my = mysql_init(NULL);
	if (!l->my) {
		take_why(l, "out of memory");
		return LINK_AWAY;
	}
	set_options(l->my, p, s);
	if (!writing)
		mysql_options(l->my, MYSQL_OPT_NONBLOCK, NULL); /* await.h */
	if (!mysql_real_connect(l->my, s->is_socket ? "localhost" : s->host, p->user, p->password, p->dbname, s->port, path,
	                        0)) {
		link_failed(l, NULL);
		return LINK_AWAY;
	}
	if (s->tls != TLS_OFF && !mysql_get_ssl_cipher(l->my)) {
		take_why(l, "TLS is required, and the server offers none");
		return LINK_AWAY;
	}
	l->is_mariadb = mariadb_connection(l->my);
	mariadb_get_infov(l->my, MARIADB_CONNECTION_SERVER_CAPABILITIES, &capabilities);
	mariadb_get_infov(l->my, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &extended);
	l->arrays = !(capabilities & CLIENT_MYSQL) && (extended & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32));
	trouble = set_session(l, p);
	if (trouble == LINK_FINE)
		trouble = look(l);
	if (trouble == LINK_FINE && writing)
		trouble = takes_writes(l);
	return trouble == LINK_FINE ? LINK_FINE : LINK_AWAY;
}

enum trouble link_open(struct link *l, const struct params *p, bool writing)
{
	struct buf whys;

	/* Of this library, since 3.4: verifying is not to be switched off by the surroundings. */
	unsetenv("MARIADB_TLS_DISABLE_PEER_VERIFICATION");
	link_close(l);
	if (l->at >= p->n)
		l->at = 0;
	buf_init(&whys);
	for (unsigned i = 0; i < p->n && !l->host->stopping(l->ctx); i++) {
		const struct params_server *s = &p->servers[l->at];

		if (connect_to(l, p, s, writing) == LINK_FINE)
			break;
		link_close(l);
		buf_printf(&whys, "%s%s: %s", whys.len ? "; " : "", s->host, l->why);
		l->at = (l->at + 1) % p->n;
	}
	buf_put_u8(&whys, 0);
	if (!l->my)
		take_why(l, (const char *)whys.data);
	buf_done(&whys);
	return l->my ? LINK_FINE : LINK_AWAY;
}

void link_close(struct link *l)
{
	if (l->my)
		mysql_close(l->my);
	l->my = NULL;
}

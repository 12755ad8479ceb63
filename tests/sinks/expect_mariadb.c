/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sinks/expect_server.h"

static MYSQL *connect_to(struct ps_ctx *ctx)
{
	const char *host = fake_host.text(ctx, "host"), *user = getenv("PS_TEST_ADMIN"), *socket = getenv("PS_TEST_SOCKET");
	MYSQL *my = mysql_init(NULL);

	if (!mysql_real_connect(my, socket ? "localhost" : host, user ? user : "root", getenv("PS_TEST_PASSWORD"),
	                        fake_host.text(ctx, "dbname"), (unsigned)atoi(fake_host.text(ctx, "port")), socket,
	                        CLIENT_MULTI_STATEMENTS)) {
		printf("# %s\n", mysql_error(my));
		mysql_close(my);
		return NULL;
	}
	/* Names that are reserved words are written as everywhere else. */
	mysql_query(my, "SET sql_mode = 'ANSI'");
	return my;
}

static int64_t count(MYSQL *my, const char *sql)
{
	MYSQL_RES *result = mysql_query(my, sql) ? NULL : mysql_store_result(my);
	MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
	int64_t n = row && row[0] ? strtoll(row[0], NULL, 10) : -1;

	if (!row)
		printf("# %s: %s\n", sql, mysql_error(my));
	mysql_free_result(result);
	return n;
}

int expect_read_mariadb(struct ps_ctx *ctx, struct stored *out)
{
	static const char sql[] =
	    "SELECT e.exe, c.send, p.exe IS NULL OR g.exe IS NULL OR l.addr IS NULL OR r.addr IS NULL"
	    " OR d.domain IS NULL OR b.batch IS NULL OR e.exe IS NULL OR w.cgroup IS NULL FROM connections c"
	    " LEFT JOIN executables e ON e.`key` = exe_id LEFT JOIN executables p ON p.`key` = pexe_id"
	    " LEFT JOIN executables g ON g.`key` = gpexe_id LEFT JOIN addresses l ON l.`key` = laddr_id"
	    " LEFT JOIN addresses r ON r.`key` = raddr_id LEFT JOIN domains d ON d.`key` = domain_id"
	    " LEFT JOIN batches b ON b.batch = c.batch AND b.host = c.host LEFT JOIN places w ON w.`key` = place_id";
	MYSQL *my = connect_to(ctx);
	MYSQL_RES *result = NULL;
	MYSQL_ROW row;

	if (!my || mysql_query(my, sql) || !(result = mysql_use_result(my))) {
		printf("# %s\n", my ? mysql_error(my) : "");
		if (my)
			mysql_close(my);
		return -1;
	}
	while ((row = mysql_fetch_row(result))) {
		out->rows++;
		if (strtoll(row[1], NULL, 10) != INT64_MAX)
			out->sent += strtoll(row[1], NULL, 10);
		out->broken += atoi(row[2]);
		if (row[0])
			out->hostile += expect_is_hostile(row[0], mysql_fetch_lengths(result)[0]);
	}
	mysql_free_result(result);
	out->alerts = count(my, "SELECT count(*) FROM losses");
	out->verdicts = count(my, "SELECT count(*) FROM verdicts");
	out->audits = count(my, "SELECT count(*) FROM audit");
	out->programs = count(my, "SELECT count(*) FROM programs JOIN executables e ON e.`key` = exe_id JOIN places w ON"
	                          " w.`key` = place_id");
	mysql_close(my);
	return 0;
}

int expect_sql_mariadb(struct ps_ctx *ctx, const char *sql)
{
	MYSQL *my = connect_to(ctx);
	int next = 0;

	if (!my)
		return -1;
	mysql_autocommit(my, 1);
	if (mysql_query(my, sql))
		next = 1;
	while (next == 0) {
		MYSQL_RES *result = mysql_store_result(my);

		if (result)
			mysql_free_result(result);
		next = mysql_next_result(my);
	}
	if (next > 0)
		printf("# %s: %s\n", sql, mysql_error(my));
	mysql_close(my);
	return next > 0 ? -1 : 0;
}

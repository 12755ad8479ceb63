/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <libpq-fe.h>
#include <stdlib.h>

#include "tests/sinks/expect_server.h"

static PGconn *connected(void)
{
	const char *string = getenv("EXPECT_POSTGRES");
	PGconn *c = PQconnectdb(string ? string : "");

	if (PQstatus(c) == CONNECTION_OK)
		return c;
	printf("# %s\n", PQerrorMessage(c));
	PQfinish(c);
	return NULL;
}

static PGresult *ask(PGconn *c, const char *sql, ExecStatusType want)
{
	PGresult *r = PQexec(c, sql);

	if (PQresultStatus(r) == want)
		return r;
	printf("# %s: %s\n", sql, PQerrorMessage(c));
	PQclear(r);
	return NULL;
}

/* Columns: exe, send, and whether something is not as it should be. */
static const char rows_sql[] =
    "SELECT e.exe, c.send, p.exe IS NULL OR g.exe IS NULL OR l.addr IS NULL OR r.addr IS NULL OR d.domain IS NULL OR"
    " b.batch IS NULL OR e.exe IS NULL OR w.cgroup IS NULL OR c.host <> b.host FROM connections c"
    " LEFT JOIN executables e ON e.key = exe_id LEFT JOIN executables p ON p.key = pexe_id"
    " LEFT JOIN executables g ON g.key = gpexe_id LEFT JOIN addresses l ON l.key = laddr_id"
    " LEFT JOIN addresses r ON r.key = raddr_id LEFT JOIN domains d ON d.key = domain_id"
    " LEFT JOIN batches b ON b.batch = c.batch LEFT JOIN places w ON w.key = place_id";

int expect_read_postgres(struct stored *out)
{
	PGconn *c = connected();
	PGresult *r = c ? ask(c, rows_sql, PGRES_TUPLES_OK) : NULL;

	for (int i = 0; r && i < PQntuples(r); i++) {
		long long sent = strtoll(PQgetvalue(r, i, 1), NULL, 10);

		out->rows++;
		out->sent += sent != INT64_MAX ? sent : 0;
		out->broken += *PQgetvalue(r, i, 2) != 'f';
		out->hostile += expect_is_hostile(PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0));
	}
	PQclear(r);
	if (r)
		r = ask(
		    c,
		    "SELECT (SELECT count(*) FROM losses), (SELECT count(*) FROM audit), (SELECT count(*) FROM programs JOIN"
		    " executables e ON e.key = exe_id JOIN places w ON w.key = place_id), (SELECT count(*) FROM (SELECT FROM"
		    " connections GROUP BY batch, row HAVING count(*) > 1) d), (SELECT count(*) FROM verdicts)",
		    PGRES_TUPLES_OK);
	if (r) {
		out->alerts = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
		out->audits = strtoll(PQgetvalue(r, 0, 1), NULL, 10);
		out->programs = strtoll(PQgetvalue(r, 0, 2), NULL, 10);
		out->broken += (int)strtol(PQgetvalue(r, 0, 3), NULL, 10);
		out->verdicts = strtoll(PQgetvalue(r, 0, 4), NULL, 10);
	}
	PQclear(r);
	PQfinish(c);
	return r ? 0 : -1;
}

int expect_sql_postgres(const char *sql)
{
	PGconn *c = connected();
	PGresult *r = c ? ask(c, sql, PGRES_COMMAND_OK) : NULL;

	PQclear(r);
	PQfinish(c);
	return r ? 0 : -1;
}

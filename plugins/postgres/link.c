/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/postgres/link.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/query/server.h"

#define LOOK_MS 500              /* between two looks whether the process is to stop */
#define STOPPING_MS 4000         /* what is under way may still take as long then */
#define CHUNK ((size_t)64 << 10) /* of COPY */

void link_allow(struct link *l, int64_t ms)
{
	l->until = clock_monotonic_ns() + ms * NS_PER_MS;
	l->late = false;
}

static void take_why(struct link *l, const char *text)
{
	server_line(l->why, sizeof(l->why), text);
}

/* A server that was told of in words of libpq's own: without a SQLSTATE. */
static enum trouble away(struct link *l)
{
	l->state[0] = 0;
	if (l->late)
		snprintf(l->why, sizeof(l->why), "the server did not answer in time");
	else
		take_why(l, l->conn ? PQerrorMessage(l->conn) : "there is no connection");
	return LINK_AWAY;
}

static enum trouble judge(const char *state, bool constraint)
{
	static const struct {
		const char *state;
		enum trouble trouble;
	} known[] = {
	    {"40", LINK_AGAIN},    {"55P03", LINK_AGAIN}, /* a lock was not to be had in time */
	    {"23502", LINK_WRONG},                        /* a column of somebody else's that must not be NULL */
	    {"22", LINK_ROW},      {"23", LINK_ROW},      {"P0", LINK_ROW},   {"38", LINK_ROW},   {"39", LINK_ROW},
	    {"44", LINK_ROW},      {"54", LINK_ROW},      {"42", LINK_WRONG}, {"3D", LINK_WRONG}, {"3F", LINK_WRONG},
	    {"0A", LINK_WRONG},    {"25006", LINK_AWAY}, /* it was the one that takes writes */
	};

	if (strcmp(state, "23514") == 0 && !constraint)
		return LINK_NOWHERE;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strncmp(state, known[i].state, strlen(known[i].state)) == 0)
			return known[i].trouble;
	return LINK_AWAY;
}

static enum trouble failed(struct link *l, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	enum trouble trouble;

	if (!state)
		return away(l);
	snprintf(l->state, sizeof(l->state), "%s", state);
	take_why(l, text ? text : "an error without words");
	trouble = judge(l->state, PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) != NULL);
	return PQstatus(l->conn) == CONNECTION_OK ? trouble : LINK_AWAY;
}

/* Until the socket can be read, or written if that is wanted. False: time is over. */
static bool wait_for(struct link *l, bool writing)
{
	struct pollfd p = {.fd = PQsocket(l->conn), .events = (short)(POLLIN | (writing ? POLLOUT : 0))};

	if (p.fd < 0)
		return false;
	for (;;) {
		int64_t now = clock_monotonic_ns(), left;
		int n;

		if (l->host->stopping(l->ctx) && l->until > now + STOPPING_MS * NS_PER_MS)
			l->until = now + STOPPING_MS * NS_PER_MS;
		left = (l->until - now) / NS_PER_MS;
		if (left <= 0) {
			l->late = true;
			return false;
		}
		n = poll(&p, 1, left > LOOK_MS ? LOOK_MS : (int)left);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

/* Everything that was handed to libpq is with the kernel. */
static bool flush(struct link *l)
{
	int left;

	while ((left = PQflush(l->conn)) > 0)
		if (!wait_for(l, true) || !PQconsumeInput(l->conn))
			return false;
	return left == 0;
}

/* What the server answers next; NULL: nothing more, or nothing in time (l->late), or the connection is lost. */
static PGresult *next(struct link *l)
{
	while (PQisBusy(l->conn))
		if (!wait_for(l, false) || !PQconsumeInput(l->conn))
			return NULL;
	return PQgetResult(l->conn);
}

/* To the end of what the server answers: the first error counts. The result that was last is kept if it is wanted. */
static enum trouble finish(struct link *l, PGresult **keep)
{
	enum trouble trouble = LINK_FINE;
	PGresult *result, *last = NULL;

	while (!l->late && (result = next(l))) {
		ExecStatusType status = PQresultStatus(result);

		if (trouble == LINK_FINE && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
		    status != PGRES_SINGLE_TUPLE)
			trouble = failed(l, result);
		PQclear(last);
		last = result;
	}
	if (trouble == LINK_FINE && (l->late || PQstatus(l->conn) != CONNECTION_OK || !last))
		trouble = away(l);
	if (keep && trouble == LINK_FINE)
		*keep = last;
	else
		PQclear(last);
	return trouble;
}

static void drain(struct link *l)
{
	PGresult *result;

	while (!l->late && (result = next(l)))
		PQclear(result);
}

/* Notices are of no use to anybody here. */
static void ignore(void *arg, const PGresult *result)
{
	(void)arg, (void)result;
}

enum trouble link_open(struct link *l, const char *const *keywords, const char *const *values)
{
	enum trouble trouble;

	link_close(l);
	l->conn = PQconnectdbParams(keywords, values, 0);
	if (!l->conn || PQstatus(l->conn) != CONNECTION_OK || PQsetnonblocking(l->conn, 1) != 0) {
		trouble = away(l);
		link_close(l);
		return trouble;
	}
	PQsetNoticeReceiver(l->conn, ignore, NULL);
	return LINK_FINE;
}

void link_close(struct link *l)
{
	PQfinish(l->conn);
	l->conn = NULL;
}

enum trouble link_run(struct link *l, const char *sql)
{
	if (!l->conn || !PQsendQuery(l->conn, sql) || !flush(l))
		return away(l);
	return finish(l, NULL);
}

static bool send(struct link *l, const char *sql, const struct link_value *values, int n)
{
	const char **data = mem_alloc((size_t)n * sizeof(*data));
	int *lengths = mem_alloc((size_t)n * sizeof(*lengths)), *formats = mem_alloc((size_t)n * sizeof(*formats));
	bool sent;

	for (int i = 0; i < n; i++) {
		data[i] = values[i].data;
		lengths[i] = values[i].len;
		formats[i] = values[i].binary;
	}
	sent = l->conn && PQsendQueryParams(l->conn, sql, n, NULL, data, lengths, formats, 0);
	free(data);
	free(lengths);
	free(formats);
	return sent;
}

enum trouble link_ask(struct link *l, const char *sql, const struct link_value *values, int n, PGresult **result)
{
	if (!send(l, sql, values, n) || !flush(l))
		return away(l);
	return finish(l, result);
}

enum trouble link_begin(struct link *l, const char *sql, const struct link_value *values, int n)
{
	if (!send(l, sql, values, n) || !PQsetSingleRowMode(l->conn) || !flush(l))
		return away(l);
	return LINK_FINE;
}

PGresult *link_row(struct link *l)
{
	PGresult *result = l->late ? NULL : next(l);

	if (result && PQresultStatus(result) == PGRES_SINGLE_TUPLE)
		return result;
	l->state[0] = 0;
	l->why[0] = 0;
	if (result && PQresultStatus(result) != PGRES_TUPLES_OK)
		failed(l, result);
	else if (!result)
		away(l);
	PQclear(result);
	return NULL;
}

bool link_end(struct link *l)
{
	drain(l);
	return !l->late && !l->why[0] && PQstatus(l->conn) == CONNECTION_OK;
}

/* A COPY that has begun is ended in any case: else the connection is in the middle of it. */
static bool send_tuples(struct link *l, const char *tuples, size_t len)
{
	static const char head[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", tail[2] = "\377\377";
	bool good = PQputCopyData(l->conn, head, sizeof(head)) == 1;

	for (size_t at = 0; good && at < len; at += CHUNK) {
		size_t n = len - at < CHUNK ? len - at : CHUNK;

		good = PQputCopyData(l->conn, tuples + at, (int)n) == 1 && flush(l);
	}
	return good && PQputCopyData(l->conn, tail, sizeof(tail)) == 1 && PQputCopyEnd(l->conn, NULL) == 1 && flush(l);
}

enum trouble link_copy(struct link *l, const char *sql, const void *tuples, size_t len)
{
	PGresult *result;
	ExecStatusType status;

	if (!l->conn || !PQsendQuery(l->conn, sql) || !flush(l))
		return away(l);
	result = next(l);
	status = PQresultStatus(result);
	if (status != PGRES_COPY_IN) {
		enum trouble trouble = result ? failed(l, result) : away(l);

		PQclear(result);
		drain(l);
		return trouble;
	}
	PQclear(result);
	return send_tuples(l, tuples, len) ? finish(l, NULL) : away(l);
}

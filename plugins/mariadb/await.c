/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/mariadb/await.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "core/base/clock.h"

#define LOOK_MS 500      /* between two looks whether somebody waits for the answer */
#define STOPPING_MS 4000 /* how long it may still take if nobody does: then the connection goes on */

/* Until there is what the library wants; gives what it is to be told. */
static int wait_for(struct await *a, int64_t until, int wanted)
{
	struct pollfd p = {
	    .fd = mysql_get_socket(a->link->my),
	    .events = (short)((wanted & MYSQL_WAIT_READ ? POLLIN : 0) | (wanted & MYSQL_WAIT_WRITE ? POLLOUT : 0))};

	for (;;) {
		int64_t now = clock_monotonic_ns(), left;
		int n;

		if (until > now + STOPPING_MS * NS_PER_MS && a->link->host->stopping(a->link->ctx))
			until = now + STOPPING_MS * NS_PER_MS;
		left = (until - now) / NS_PER_MS;
		a->late = left <= 0;
		if (a->late)
			break;
		n = poll(&p, 1, left > LOOK_MS ? LOOK_MS : (int)left);
		/* An end or an error is for the library to find. */
		if (n > 0)
			return wanted & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE);
		if (n < 0 && errno != EINTR)
			break;
	}
	return MYSQL_WAIT_TIMEOUT;
}

static int64_t begin(struct await *a)
{
	a->late = false;
	return clock_monotonic_ns() + a->limit_ms * NS_PER_MS;
}

int await_query(struct await *a, const char *sql)
{
	int64_t until = begin(a);
	int r, wanted = mysql_real_query_start(&r, a->link->my, sql, strlen(sql));

	while (wanted)
		wanted = mysql_real_query_cont(&r, a->link->my, wait_for(a, until, wanted));
	return r;
}

int await_prepare(struct await *a, MYSQL_STMT *st, const char *sql)
{
	int64_t until = begin(a);
	int r, wanted = mysql_stmt_prepare_start(&r, st, sql, strlen(sql));

	while (wanted)
		wanted = mysql_stmt_prepare_cont(&r, st, wait_for(a, until, wanted));
	return r;
}

int await_execute(struct await *a, MYSQL_STMT *st)
{
	int64_t until = begin(a);
	int r, wanted = mysql_stmt_execute_start(&r, st);

	while (wanted)
		wanted = mysql_stmt_execute_cont(&r, st, wait_for(a, until, wanted));
	return r;
}

int await_fetch(struct await *a, MYSQL_STMT *st)
{
	int64_t until = begin(a);
	int r, wanted = mysql_stmt_fetch_start(&r, st);

	while (wanted)
		wanted = mysql_stmt_fetch_cont(&r, st, wait_for(a, until, wanted));
	return r;
}

/* What is left of its rows is read, and thrown away. */
void await_close(struct await *a, MYSQL_STMT *st)
{
	int64_t until = clock_monotonic_ns() + a->limit_ms * NS_PER_MS;
	my_bool r;
	int wanted = mysql_stmt_close_start(&r, st);

	while (wanted)
		wanted = mysql_stmt_close_cont(&r, st, wait_for(a, until, wanted));
}

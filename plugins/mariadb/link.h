/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection to a MariaDB or MySQL server, of which no call waits for ever. What went wrong is told by
 * what is to be done about it, and never with the password.
 */
#ifndef PS_MARIADB_LINK_H
#define PS_MARIADB_LINK_H

#include <mysql.h>
#include <stdbool.h>

#include "core/query/deposit.h"
#include "plugins/mariadb/params.h"

struct link {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	MYSQL *my;             /* NULL: there is none */
	unsigned at;           /* of the servers in params, the one that it goes to */
	bool is_mariadb;       /* not MySQL */
	bool arrays;           /* it takes arrays of parameters */
	unsigned long packet;  /* bytes that one statement may have */
	unsigned code;         /* of the error that was last */
	char why[DEPOSIT_WHY]; /* one line */
};

/* Connects to the first server that answers and, if it is for writing, takes writes; begins with the one
 * that was last. LINK_FINE or LINK_AWAY. */
enum trouble link_open(struct link *, const struct params *, bool writing);
void link_close(struct link *);

/* One statement without a result. */
enum trouble link_run(struct link *, const char *sql);

/* One statement whose rows are kept, as texts; *result is the caller's if all is fine. */
enum trouble link_ask(struct link *, const char *sql, MYSQL_RES **result);

/* Judges what the statement, or (NULL) the connection, failed of. */
enum trouble link_failed(struct link *, MYSQL_STMT *);

/* What INSERT IGNORE has ignored: LINK_FINE if it was nothing but rows that are there already. */
enum trouble link_ignored(struct link *);

/* *st is prepared, unless it is already. Its owner closes it before the connection is. */
enum trouble link_prepare(struct link *, MYSQL_STMT **st, const char *sql);

#endif

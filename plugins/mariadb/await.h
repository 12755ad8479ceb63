/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The library's calls that wait for the server, of a link that is for reading: each ends once the server has said
 * nothing for too long, sooner if nobody wants the answer any more. The connection is lost then (CR_SERVER_LOST), and
 * of no more use.
 */
#ifndef PS_MARIADB_AWAIT_H
#define PS_MARIADB_AWAIT_H

#include "plugins/mariadb/link.h"

struct await {
	struct link *link;
	int64_t limit_ms; /* of silence */
	bool late;        /* it was too long */
};

/* As the functions of the library; non-zero: link_failed() knows why. */
int await_query(struct await *, const char *sql);
int await_prepare(struct await *, MYSQL_STMT *, const char *sql);
int await_execute(struct await *, MYSQL_STMT *);
int await_fetch(struct await *, MYSQL_STMT *);
void await_close(struct await *, MYSQL_STMT *);

#endif

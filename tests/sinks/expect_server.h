/* SPDX-License-Identifier: GPL-3.0-or-later */
/* expect.h, of servers: as their administrator. */
#ifndef PS_TESTS_EXPECT_SERVER_H
#define PS_TESTS_EXPECT_SERVER_H

#include <stddef.h>

#include "tests/sinks/expect.h"

int expect_is_hostile(const char *shown, size_t len);

/* Who is PS_TEST_ADMIN (root) with PS_TEST_PASSWORD. */
int expect_read_mariadb(struct ps_ctx *, struct stored *);
int expect_sql_mariadb(struct ps_ctx *, const char *sql);

/* By the connection string in EXPECT_POSTGRES. */
int expect_read_postgres(struct stored *);
int expect_sql_postgres(const char *sql);

#endif

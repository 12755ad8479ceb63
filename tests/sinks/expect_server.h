/* SPDX-License-Identifier: GPL-3.0-or-later */
/* expect.h, of servers: as their administrator, who is PS_TEST_ADMIN (root) with PS_TEST_PASSWORD. */
#ifndef PS_TESTS_EXPECT_SERVER_H
#define PS_TESTS_EXPECT_SERVER_H

#include <stddef.h>

#include "tests/sinks/expect.h"

int expect_is_hostile(const char *shown, size_t len);

int expect_read_mariadb(struct ps_ctx *, struct stored *);
int expect_sql_mariadb(struct ps_ctx *, const char *sql);

#endif

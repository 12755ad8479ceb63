/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sink: what a deposit (core/query/deposit.h) asks of a MariaDB or MySQL server. */
#ifndef PS_MARIADB_STORE_H
#define PS_MARIADB_STORE_H

#include "core/query/deposit.h"
#include "plugins/mariadb/bulk.h"

struct store {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	struct link link;
	struct relation_names names;
	struct bulk relations[RELATIONS];
	struct deposit deposit;
	bool warned; /* that there is no TLS */
};

void store_init(struct store *, const struct ps_host *, struct ps_ctx *);
void store_done(struct store *);

#endif

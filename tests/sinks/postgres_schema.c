/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints the statements that make the tables: `postgres_schema > etc/postgres.sql`. */
#include <stdio.h>
#include <string.h>

#include "plugins/postgres/schema.h"

static const char *text(struct ps_ctx *ctx, const char *key)
{
	(void)ctx;
	return strcmp(key, "table") == 0 ? "connections" : "";
}

int main(void)
{
	static const struct ps_host host = {.text = text};
	struct relation_names names;
	struct buf out;

	buf_init(&out);
	relation_names(&names, &host, NULL);
	schema_write(&out, &names);
	printf(
	    "-- SPDX-License-Identifier: GPL-3.0-or-later\n"
	    "-- The tables of picosnitch in PostgreSQL, to be made by whoever is to own them. Then, for the role of the\n"
	    "-- daemons: GRANT INSERT ON connections, programs, losses, audit, verdicts, executables, domains, addresses, "
	    "places,\n"
	    "-- batches TO picosnitch; see picosnitch-store(7).\n"
	    "%.*s",
	    (int)out.len, (char *)out.data);
	buf_done(&out);
	return 0;
}

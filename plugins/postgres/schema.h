/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables, made from the shapes that all stores share: see picosnitch-store(7). Plain SQL: nothing
 * that the distributed relatives of PostgreSQL lack.
 */
#ifndef PS_POSTGRES_SCHEMA_H
#define PS_POSTGRES_SCHEMA_H

#include "core/base/buf.h"
#include "core/query/shape.h"
#include "plugins/postgres/link.h"

#define SCHEMA_NAME 128

/* As they stand in SQL, with what the options put before them. */
struct schema {
	char tables[ROW_TABLES][SCHEMA_NAME], dictionaries[ROW_DICTIONARIES][SCHEMA_NAME];
	char batches[SCHEMA_NAME], flat[SCHEMA_NAME];
};

void schema_init(struct schema *, const struct ps_host *, struct ps_ctx *);

/* All statements that make an empty store. */
void schema_write(struct buf *, const struct schema *);

/* The tables are there with their columns, may be written to, and have their empty rows: or are made so. LINK_WRONG
 * after why(), with the statements that somebody else has to run in the log, once. */
enum trouble schema_ready(struct link *, const struct schema *);

#endif

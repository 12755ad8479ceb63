/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables, made from the shapes that all stores share: see picosnitch-store(7). Plain SQL, for MariaDB
 * and MySQL alike. Rows lie in the order of their time: that is what they are asked by, and what retention
 * and partitions go by.
 */
#ifndef PS_MARIADB_SCHEMA_H
#define PS_MARIADB_SCHEMA_H

#include "core/base/buf.h"
#include "core/query/shape.h"
#include "plugins/mariadb/link.h"

#define SCHEMA_NAME 136

/* As they stand in SQL between `. */
struct schema {
	char tables[ROW_TABLES][SCHEMA_NAME], dictionaries[ROW_DICTIONARIES][SCHEMA_NAME];
	char batches[SCHEMA_NAME], flat[SCHEMA_NAME];
};

/* The column of a table that it is ordered by. */
const char *schema_time(enum row_table);

void schema_init(struct schema *, const struct ps_host *, struct ps_ctx *);

/* The tables are there with their columns, may be written to, and have their empty rows: or are made so. LINK_WRONG
 * after why(), with the statements that somebody else has to run in the log, once. */
enum trouble schema_ready(struct link *, const struct schema *);

#endif

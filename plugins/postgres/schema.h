/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables, made from the shapes that all stores share: see picosnitch-store(7). Plain SQL: nothing
 * that the distributed relatives of PostgreSQL lack.
 */
#ifndef PS_POSTGRES_SCHEMA_H
#define PS_POSTGRES_SCHEMA_H

#include "core/base/buf.h"
#include "core/query/relation.h"
#include "plugins/postgres/link.h"

/* All statements that make an empty store. */
void schema_write(struct buf *, const struct relation_names *);

/* The tables are there with their columns, may be written to, and have their empty rows: or are made so. LINK_WRONG
 * after why(), with the statements that somebody else has to run in the log, once. */
enum trouble schema_ready(struct link *, const struct relation_names *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables, made from the shapes that all stores share: see picosnitch-store(7). Plain SQL, for MariaDB
 * and MySQL alike. Rows lie in the order of their time: that is what they are asked by, and what retention
 * and partitions go by.
 */
#ifndef PS_MARIADB_SCHEMA_H
#define PS_MARIADB_SCHEMA_H

#include "core/base/buf.h"
#include "core/query/relation.h"
#include "plugins/mariadb/link.h"

/* The tables are there with their columns, may be written to, and have their empty rows: or are made so. LINK_WRONG
 * after why(), with the statements that somebody else has to run in the log, once. */
enum trouble schema_ready(struct link *, const struct relation_names *);

#endif

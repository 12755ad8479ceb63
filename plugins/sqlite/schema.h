/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of the store, and how a file comes to have them. */
#ifndef PS_SQLITE_SCHEMA_H
#define PS_SQLITE_SCHEMA_H

#include <sqlite3.h>

/* Below it are the files of other programs of this name (3 and 4), which `picosnitch import` reads. */
#define SCHEMA_FIRST 10

/* The first versions that have them. */
#define SCHEMA_PLACES 13   /* programs too */
#define SCHEMA_HOSTNAME 14 /* of batches */
#define SCHEMA_VERDICTS 16
#define SCHEMA_TRAIL 16  /* marks (14), and all tables that are walked */
#define SCHEMA_ROLLUP 15 /* hours and days */
#define SCHEMA_WHO 17    /* quarters, who_10min, who_hours and who_days */

/* The newest user_version that this plugin knows. */
int schema_newest(void);

/* user_version of the file; 0 when it is empty. An SQLite result code. *version is -1 for a file
 * that has tables, but no version. */
int schema_version(sqlite3 *, int *version);

/* Brings a file of `version` (0, or SCHEMA_FIRST and up) to the newest, each step in a
 * transaction of its own. An SQLite result code. */
int schema_apply(sqlite3 *, int version);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The connections of an older database, row by row: picosnitch 1 (user_version 3, one flat table) and 2
 * (user_version 4, four tables). The file may be damaged or made by an enemy: what cannot be read is left out and
 * counted, and no step takes for ever. One thread.
 */
#ifndef PS_IMPORT_OLD_DB_H
#define PS_IMPORT_OLD_DB_H

#include <stdbool.h>

#include "core/import/old_file.h"
#include "core/import/report.h"
#include "core/record.h"

/* The columns of a row, whichever version it is of. */
enum old_column {
	OLD_TIME,
	OLD_SENT,
	OLD_RECEIVED,
	OLD_EVENTS,
	OLD_UID,
	OLD_FAMILY,
	OLD_PROTOCOL,
	OLD_LPORT,
	OLD_RPORT,
	OLD_NETNS,
	OLD_LADDR,
	OLD_RADDR,
	OLD_DOMAIN,
	OLD_EXE, /* four each: path, name, command line, SHA-256 */
	OLD_PARENT = OLD_EXE + 4,
	OLD_GRANDPARENT = OLD_PARENT + 4,
	OLD_COLUMNS = OLD_GRANDPARENT + 4
};

struct old_value {
	enum { OLD_ABSENT, OLD_NULL, OLD_NUMBER, OLD_TEXT, OLD_OTHER } type; /* ABSENT: that version has no such column */
	int64_t number;
	struct ps_text text; /* of OTHER too, and of a NUMBER where a text belongs: as it would be written */
};

struct old_row {
	int64_t rowid;
	struct old_value v[OLD_COLUMNS];
};

struct old_db;

/* NULL with a reason. The file must outlive it. */
struct old_db *old_db_open(const struct old_file *, struct report *, char why[OLD_WHY]);
void old_db_close(struct old_db *);

int old_db_version(const struct old_db *);  /* 3 or 4 */
int64_t old_db_last(const struct old_db *); /* the largest row id, for a look ahead; 0 if it is not known */

/* The next row, by its id: valid until the next call. False at the end, or when nothing more can be read: then the
 * report says so. */
bool old_db_next(struct old_db *, struct old_row *);

/* Begins again. */
void old_db_rewind(struct old_db *);

#endif

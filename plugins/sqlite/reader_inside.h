/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the reader share. */
#ifndef PS_SQLITE_READER_INSIDE_H
#define PS_SQLITE_READER_INSIDE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "core/query/sql.h"
#include "plugins/sqlite/groups.h"
#include "plugins/sqlite/parts.h"
#include "plugins/sqlite/reader.h"
#include "plugins/sqlite/schema.h"

struct reader {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	sqlite3 *db;                /* NULL: it could not be opened again */
	struct stat file;           /* of it */
	bool immutable;             /* it is taken for one that nobody writes to */
	int version;                /* of the file */
	int64_t until;              /* CLOCK_MONOTONIC: when a question is given up */
	struct sql_dialect dialect; /* of the question that is asked */
	struct groups groups;       /* likewise */
};

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Within sql*.c: where the values of a question's dimensions are, and what a range and filters make of a WHERE. */
#ifndef PS_QUERY_SQL_WHERE_H
#define PS_QUERY_SQL_WHERE_H

#include "core/query/sql.h"

#define SQL_NOWHERE ROW_DICTIONARIES /* not in a dictionary */

/* Where a dimension's value is: a column of connections, or one of a dictionary by way of it. */
struct sql_place {
	const char *column;
	enum row_dictionary in;
	const char *value;
};

const struct sql_place *sql_place(enum ps_dimension);

/* A text as it is compared: byte by byte. `of`: "d1.", or "". */
void sql_put_text(struct sql *, const char *of, const char *column);

/* The name of the machine that is `host` ("t.host") in the store. */
void sql_put_host(struct sql *, const char *host);

/* Rows of a table whose time `since` is `from` or later, and whose time `until` is before `to`. */
struct sql_stretch {
	const char *since, *until;
	int64_t from, to;
};

/* " WHERE ...", or nothing: the stretch, and the filters on what the table has. 0, or -EINVAL with *why. */
int sql_put_where(struct sql *, const struct ps_question *, enum row_table, const struct sql_stretch *,
                  const char **why);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A value of a row as a parameter of a statement. */
#ifndef PS_SQLITE_BIND_H
#define PS_SQLITE_BIND_H

#include <sqlite3.h>

#include "core/query/shape.h"

/* Anything but a ROW_ENTRY. A text must live until the statement has run. */
static inline void bind_value(sqlite3_stmt *st, int at, const struct row_value *v)
{
	if (v->type == ROW_NUMBER)
		sqlite3_bind_int64(st, at, v->number);
	else if (v->type == ROW_TEXT)
		sqlite3_bind_text64(st, at, v->text.data, v->text.len, SQLITE_STATIC, SQLITE_UTF8);
	else
		sqlite3_bind_null(st, at);
}

#endif

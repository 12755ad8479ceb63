/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tells groups of a question in parts as they come, with texts in the place of ids. SQLite would join and sort them,
 * and make texts of all their numbers; and all of them would have to be kept until then.
 */
#ifndef PS_SQLITE_PARTS_H
#define PS_SQLITE_PARTS_H

#include <sqlite3.h>

#include "core/question.h"
#include "plugins/sqlite/groups.h"

struct parts;
struct sql_dialect;

/* All of them have to outlive the parts. An SQLite code; *parts is to be freed in any case. */
int parts_new(struct parts **parts, sqlite3 *, const struct sql_dialect *, const struct groups *,
              const struct ps_question *, const struct ps_answer *);

/* A groups.tell: hands over a row for each group that is there. An SQLite code; SQLITE_ABORT after parts_enough(). */
int parts_tell(void *parts);

/* Whether who asked wants no more. */
bool parts_enough(const struct parts *);

void parts_free(struct parts *);

#endif

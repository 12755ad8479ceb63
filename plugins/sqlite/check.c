/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a file whose writer was killed, or whose machine lost power, is still sound. */
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "plugins/sqlite/store.h"

#define STEPS_BETWEEN_LOOKS 10000 /* of SQLite's machine, between two looks at the clock */
#define LIMIT_NS (20 * NS_PER_S)  /* the core takes a sink for hung that needs much longer to open */

struct check {
	struct store *store;
	int64_t until;
};

static int on_progress(void *arg)
{
	struct check *c = arg;

	return clock_monotonic_ns() > c->until || c->store->host->stopping(c->store->ctx);
}

static int was_closed(struct store *s, bool *closed)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, "SELECT min(closed) FROM upkeep", -1, &st, NULL);

	if (rc == SQLITE_OK) {
		*closed = sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int(st, 0);
		rc = sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	return rc;
}

/* The first line may say which database it is. */
static void note_damage(struct store *s, const char *text)
{
	const char *end = strchr(text, '\n');

	if (*text == '*' && end)
		text = end + 1;
	snprintf(s->damage, sizeof(s->damage), "%.*s", (int)strcspn(text, "\n"), text);
}

int store_check(struct store *s)
{
	struct check check = {s, clock_monotonic_ns() + LIMIT_NS};
	sqlite3_stmt *st = NULL;
	bool closed = true, alone = store_is_alone(s);
	int rc = was_closed(s, &closed);

	if (rc != SQLITE_OK || closed || !alone)
		return rc;
	sqlite3_progress_handler(s->db, STEPS_BETWEEN_LOOKS, on_progress, &check);
	rc = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL);
	if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW &&
	    strcmp((const char *)sqlite3_column_text(st, 0), "ok") != 0)
		note_damage(s, (const char *)sqlite3_column_text(st, 0));
	if (rc == SQLITE_OK)
		rc = sqlite3_reset(st);
	sqlite3_finalize(st);
	sqlite3_progress_handler(s->db, 0, NULL, NULL);
	if (rc == SQLITE_INTERRUPT) {
		s->host->log(s->ctx, PS_INFO, "%s is too large to be checked in %d s: taken as it is",
		             s->host->text(s->ctx, "file"), (int)(LIMIT_NS / NS_PER_S));
		rc = SQLITE_OK;
	}
	return *s->damage ? SQLITE_CORRUPT : rc;
}

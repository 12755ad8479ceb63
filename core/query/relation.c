/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/relation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(list) (unsigned)(sizeof(list) / sizeof(*(list)))

static const struct relation_column row_own[] = {
    {"host", RELATION_KEY, false}, {"batch", RELATION_KEY, false}, {"row", RELATION_SMALL, false}};
static const struct relation_column entry_own[] = {{"key", RELATION_KEY, false}};

static const struct relation_column ledger[LEDGER_COLUMNS] = {
    [LEDGER_HOST] = {"host", RELATION_KEY, false},
    [LEDGER_BOOT] = {"boot", RELATION_KEY, false},
    [LEDGER_SEQ] = {"seq", RELATION_NUMBER, false},
    [LEDGER_HOSTNAME] = {"hostname", RELATION_TEXT, false},
    [LEDGER_DIGEST] = {"digest", RELATION_DIGEST, false},
    [LEDGER_PREVIOUS] = {"previous", RELATION_DIGEST, false},
    [LEDGER_START] = {"starttime", RELATION_NUMBER, false},
    [LEDGER_END] = {"endtime", RELATION_NUMBER, false},
    [LEDGER_ROWS] = {"rows", RELATION_NUMBER, false},
    [LEDGER_BATCH] = {"batch", RELATION_KEY, false},
    [LEDGER_SET_ASIDE] = {"set_aside", RELATION_NUMBER, false},
    /* Without marks: its digest cannot be computed from its rows. */
    [LEDGER_MARKS] = {"marks", RELATION_BYTES, true},
};

/* Words of our own are short, and so are digests and addresses. */
static bool is_word(const char *name)
{
	static const char *const words[] = {"domain_source",   "direction",     "event",        "role",
	                                    "previous_sha256", "stage",         "layer",        "hash_state",
	                                    "sha256",          "script_sha256", "script_state", "addr"};

	for (unsigned i = 0; i < N(words); i++)
		if (strcmp(name, words[i]) == 0)
			return true;
	return false;
}

static struct relation_column of_shape(const struct row_column *c)
{
	enum relation_kind kind = c->type == ROW_NUMBER  ? RELATION_NUMBER
	                          : c->type == ROW_ENTRY ? RELATION_KEY
	                          : is_word(c->name)     ? RELATION_WORD
	                                                 : RELATION_TEXT;

	return (struct relation_column){c->name, kind, c->optional};
}

bool relation_column(unsigned relation, unsigned at, struct relation_column *c)
{
	bool table = relation < ROW_TABLES;
	const struct row_shape *shape;

	if (relation == RELATION_BATCHES) {
		*c = ledger[at < LEDGER_COLUMNS ? at : 0];
		return at < LEDGER_COLUMNS;
	}
	shape = table ? &row_tables[relation] : &row_dictionaries[relation - ROW_TABLES];
	if (!table && at < N(entry_own)) {
		*c = entry_own[at];
		return true;
	}
	at -= table ? 0 : N(entry_own);
	if (at < shape->n) {
		*c = of_shape(&shape->columns[at]);
		return true;
	}
	at -= shape->n;
	if (!table || at >= N(row_own))
		return false;
	*c = row_own[at];
	return true;
}

const char *relation_time(enum row_table table)
{
	static const char *const names[] = {"contime", "time", "endtime"};
	const struct row_shape *shape = &row_tables[table];

	for (unsigned i = 0; i < N(names); i++)
		for (unsigned c = 0; c < shape->n; c++)
			if (strcmp(shape->columns[c].name, names[i]) == 0)
				return names[i];
	abort(); /* a table without a time */
}

const char *relation_unknown(const struct relation_column *c)
{
	if (c->optional)
		return "NULL";
	if (c->kind == RELATION_NUMBER || c->kind == RELATION_SMALL)
		return "0";
	return strstr(c->name, "_state") ? "'absent'" : "''";
}

void relation_names(struct relation_names *n, const struct ps_host *host, struct ps_ctx *ctx)
{
	const char *prefix = host->text(ctx, "table_prefix");

	for (int i = 0; i < ROW_TABLES; i++)
		snprintf(n->of[i], RELATION_NAME, "%.64s%.64s", prefix,
		         i == ROW_CONNECTIONS ? host->text(ctx, "table") : row_tables[i].name);
	for (int i = 0; i < ROW_DICTIONARIES; i++)
		snprintf(n->of[ROW_TABLES + i], RELATION_NAME, "%.64s%s", prefix, row_dictionaries[i].name);
	snprintf(n->of[RELATION_BATCHES], RELATION_NAME, "%.64sbatches", prefix);
	snprintf(n->flat, RELATION_NAME, "%.64sconnections_flat", prefix);
}

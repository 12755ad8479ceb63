/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record.json of picosnitch 1 and state.json of picosnitch 2, into the memory of known programs. Pure. */
#ifndef PS_IMPORT_OLD_RECORD_H
#define PS_IMPORT_OLD_RECORD_H

#include <jansson.h>
#include <stdbool.h>

#include "core/import/report.h"
#include "core/ledger/memory.h"

/* Whether a JSON file is one. */
bool old_record_is(const json_t *root);

/* Adds what is in it and not in the memory. Nothing there says when it was seen: what is new is as if it had been seen
 * before everything else. report->taken counts the executables, names and hashes that are new, report->present those
 * that are not. */
void old_record_merge(struct memory *, const json_t *root, struct report *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of `picosnitch import` share. */
#ifndef PS_CLI_IMPORT_H
#define PS_CLI_IMPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "core/import/old_file.h"
#include "core/import/report.h"

struct import_options {
	const char *store;
	bool json, dry, help;
};

/* Databases, into the store of [sink NAME]. After it, this process has no rights any more. False: nothing could be
 * done, as was said; else see the reports, one for each file. */
bool import_databases(const struct import_options *, const struct old_file *files, struct report *reports, size_t n);

/* The configuration, as a picosnitch.ini to stdout. */
bool import_config(const json_t *root, const char *name);

/* The record of known programs, into record.json. */
bool import_record(const struct import_options *, const json_t *root, struct report *);

#endif

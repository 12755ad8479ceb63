/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `picosnitch record` shows of a memory. */
#ifndef PS_CLI_RECORD_PRINT_H
#define PS_CLI_RECORD_PRINT_H

#include <stdio.h>

#include "core/ledger/memory_order.h"

enum record_format { RECORD_TABLE, RECORD_LONG, RECORD_JSON };

/* Prints what is meant, sorted by path, and returns how many executables that are. */
size_t record_print(const struct memory *, const struct memory_order *, enum record_format, bool bold, FILE *out);

#endif

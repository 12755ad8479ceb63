/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An SQLite store of many rows over 30 days: 60 programs talk to 20 hosts each, of which some more than others; a tenth
 * of the rows are connections of 500 hosts to two servers. Summed up by hour and day.
 */
#ifndef PS_TESTS_MONTH_H
#define PS_TESTS_MONTH_H

#include "tests/sinks/fake_host.h"

#define MONTH_DAYS 30

/* Into the new store of that context. How long the summing up took, and the longest slice of it. 0 or -1. */
int month_put(const struct ps_plugin *, struct ps_ctx *, int64_t now, int64_t rows, int64_t *took_ns,
              int64_t *longest_ns);

#endif

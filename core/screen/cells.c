/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/screen/cells.h"

#include <stdlib.h>
#include <string.h>

#include "core/query/output.h"

static const char *const units[] = {
    [ASK_AUTO] = "auto", [ASK_B] = "B", [ASK_KB] = "kB", [ASK_MB] = "MB", [ASK_GB] = "GB"};
#define UNITS (sizeof(units) / sizeof(*units))

void cells_put(struct buf *out, const char *text, bool utf8, unsigned width, enum columns_side side)
{
	char *tame = mem_strdup(text);

	columns_tame(tame, utf8);
	columns_put(out, tame, width, side);
	free(tame);
}

void cells_put_bytes(struct buf *out, uint64_t bytes, enum ask_units unit, unsigned width)
{
	char text[OUTPUT_BYTES_SIZE];

	columns_put(out, output_bytes(text, bytes, unit), width, COLUMNS_RIGHT);
}

unsigned cells_bytes_width(enum ask_units unit)
{
	static const unsigned widths[] = {[ASK_AUTO] = 8, [ASK_B] = 15, [ASK_KB] = 14, [ASK_MB] = 11, [ASK_GB] = 8};

	return widths[unit];
}

const char *cells_units(enum ask_units unit)
{
	return units[unit];
}

bool cells_units_find(const char *word, enum ask_units *unit)
{
	for (unsigned i = 0; i < UNITS; i++)
		if (strcmp(word, units[i]) == 0) {
			*unit = (enum ask_units)i;
			return true;
		}
	return false;
}

enum ask_units cells_units_next(enum ask_units unit, bool back)
{
	return (enum ask_units)((unit + (back ? UNITS - 1 : 1)) % UNITS);
}

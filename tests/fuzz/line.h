/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line of a screen, whatever was put into it. */
#ifndef TESTS_FUZZ_LINE_H
#define TESTS_FUZZ_LINE_H

#include "core/base/buf.h"
#include "core/base/columns.h"
#include "tests/fuzz/target.h"

/* It is as wide as it has to be, and moves no cursor. Leaves it empty. */
static void must_fit(struct buf *line, unsigned width)
{
	buf_put_u8(line, 0);
	must(columns_text((char *)line->data) == width);
	for (size_t i = 0; i + 1 < line->len; i++)
		must(line->data[i] >= ' ' && line->data[i] != 127);
	line->len = 0;
}

#endif

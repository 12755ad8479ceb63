/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a live feed, and the rows that came of it as text of some width. */
#include <locale.h>

#include "core/base/columns.h"
#include "core/top/model.h"
#include "core/top/table.h"
#include "tests/fuzz/line.h"
#include "tests/fuzz/target.h"

static void look_at(struct top_rows *rows, unsigned byte)
{
	struct top_look look = {
	    .sort = byte % TOP_COLUMNS, .reverse = byte & 1, .units = byte % (ASK_GB + 1), .utf8 = true};
	struct buf line;

	look.width = 1 + byte % 160;
	top_sort(rows, &look);
	buf_init(&line);
	for (size_t i = 0; i < rows->n_programs; i++) {
		top_put_program(&line, &look, &rows->programs[i]);
		must_fit(&line, look.width);
	}
	for (size_t i = 0; i < rows->n_connections; i++) {
		top_put_connection(&line, &look, &rows->connections[i]);
		must_fit(&line, look.width);
	}
	for (size_t i = 0; i < rows->n_events; i++) {
		top_put_event(&line, &look, &rows->events[i]);
		must_fit(&line, look.width);
	}
	for (size_t i = 0; i < rows->n_listening; i++) {
		top_put_listener(&line, &look, &rows->listening[i]);
		must_fit(&line, look.width);
	}
	top_put_listening(&line, &look, rows);
	must_fit(&line, look.width);
	for (unsigned i = 0; i < TOP_SUMMARY; i++) {
		top_put_summary(&line, &look, rows, i);
		must_fit(&line, look.width);
	}
	buf_done(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct top_limits limits = {.programs = 3, .flows = 4, .events = 2, .listening = 3, .window_ns = 1000000000};
	size_t half = size ? data[0] * size / 256 : 0;
	struct top_model *m = top_model_new(&limits);
	struct top_rows *rows;

	setlocale(LC_CTYPE, "C.UTF-8");
	top_model_begin(m);
	top_model_put(m, data, half);
	rows = top_model_rows(m);
	must(rows->n_programs <= 3 && rows->n_connections <= 4 && rows->n_events <= 2 && rows->n_listening <= 3);
	look_at(rows, (unsigned)size & 255);
	top_rows_free(rows);
	top_model_put(m, data + half, size - half);
	if (size & 1)
		top_model_away(m, "away");
	if (size & 2)
		top_model_reset(m);
	rows = top_model_rows(m);
	must(rows->n_programs <= 3 && rows->n_connections <= 4 && rows->n_events <= 2 && rows->n_listening <= 3);
	look_at(rows, (unsigned)(size * 7) & 255);
	top_rows_free(rows);
	top_model_free(m);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as record.json, and as an order to the memory that came of it. */
#include <string.h>

#include "core/base/buf.h"
#include "core/ledger/memory_json.h"
#include "core/ledger/memory_order.h"
#include "tests/fuzz/target.h"

static void obey(struct memory *m, const uint8_t *data, size_t size)
{
	char *line = mem_alloc(size + 1);
	struct memory_stats stats;
	struct memory_order o;
	struct arena arena;
	const char *why;

	memcpy(line, data, size);
	arena_init(&arena);
	if (memory_order_read(&o, &arena, line) == 0) {
		char *again = memory_order_write(&o);
		struct memory_order p;

		must(again && memory_order_read(&p, &arena, again) == 0 && p.action == o.action && p.n_exes == o.n_exes);
		free(again);
		memory_obey(m, &o, &why);
	}
	must(memory_pattern(&arena, line));
	arena_done(&arena);
	free(line);
	memory_get_stats(m, &stats);
	must(stats.exes <= MEMORY_EXES_MAX && stats.bytes <= MEMORY_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory *m = NULL, *again = NULL;
	char why[MEMORY_WHY];
	struct buf one, two;

	if (memory_read(&m, data, size, why)) {
		must(!m);
		m = memory_open();
		obey(m, data, size);
		memory_close(m);
		return 0;
	}
	/* What has been read is written so that it is read again, and the same. */
	buf_init(&one);
	buf_init(&two);
	memory_write(m, &one);
	must(memory_read(&again, one.data, one.len, why) == 0);
	memory_write(again, &two);
	must(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	buf_done(&one);
	buf_done(&two);
	memory_close(again);
	obey(m, data, size);
	memory_close(m);
	return 0;
}

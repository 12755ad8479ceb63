/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as a file of /proc/PID/net: the first byte says which. */
#include "core/capture/counters.h"

#include <string.h>

#include "tests/fuzz/target.h"

static bool is_tunnel(void *arg, const char *name, size_t len)
{
	const char *text = arg;

	must(len > 0 && !memchr(name, ':', len) && !memchr(name, '\n', len));
	must(name >= text);
	return len & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct counters once = {{0}}, twice, since;

	if (!size)
		return 0;
	counters_parse(&once, (enum counters_file)(data[0] % COUNTERS_FILES), (const char *)data + 1, size - 1, is_tunnel,
	               (void *)(uintptr_t)data);
	counters_since(&since, &once, &once);
	for (int i = 0; i < COUNTERS; i++)
		must(since.value[i] == 0);
	/* The same text says the same again. */
	memset(&twice, 0, sizeof(twice));
	counters_parse(&twice, (enum counters_file)(data[0] % COUNTERS_FILES), (const char *)data + 1, size - 1, is_tunnel,
	               (void *)(uintptr_t)data);
	must(memcmp(&once, &twice, sizeof(once)) == 0);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any command line: what is found in it lies in it, and more of it changes nothing. The first line
 * is the program's path. */
#include <string.h>

#include "core/identify/script.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	size_t n = newline ? (size_t)(newline - data) : 0;
	struct ps_text args = {(const char *)data + n, (uint32_t)(size - n)}, script = {"", 0}, early = {"", 0};
	char *exe = strndup((const char *)data, n);
	enum script_found whole, part;

	must(exe);
	if (newline) {
		args.data++;
		args.len--;
	}
	whole = script_of_args(exe, args, true, &script);
	must(whole != SCRIPT_MORE);
	if (whole == SCRIPT_FOUND)
		must(script.len && script.data >= args.data && script.data + script.len <= args.data + args.len);
	part = script_of_args(exe, (struct ps_text){args.data, args.len / 2}, false, &early);
	if (part == SCRIPT_FOUND)
		must(whole == SCRIPT_FOUND && early.data == script.data && early.len == script.len);
	if (part == SCRIPT_NONE)
		must(whole == SCRIPT_NONE);
	free(exe);
	return 0;
}

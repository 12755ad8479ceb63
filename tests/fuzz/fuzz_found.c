/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as what a sink says that it has found out: refused, or in its bounds, and the same when it is said again.
 */
#include <string.h>

#include "core/delivery/found.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int64_t now = 1700000000000000000;
	struct found_texts texts, again_texts;
	struct ps_found found, again;
	struct cursor c;
	struct buf b;

	cursor_init(&c, data, size);
	if (found_get(&c, &found, &texts, now))
		return 0;
	must(found.state >= PS_FINDING_NO_KEY && found.state <= PS_FINDING_FAILED);
	must(found.malicious <= PS_FOUND_ENGINES_MAX && found.undetected <= PS_FOUND_ENGINES_MAX);
	must(!*found.link || strncmp(found.link, "https://", 8) == 0);
	must(!strchr(found.reason, '\n') && !strchr(found.reason, 27));
	buf_init(&b);
	found_put(&b, &found);
	cursor_init(&c, b.data, b.len);
	must(!found_get(&c, &again, &again_texts, now));
	must(strcmp(found.reason, again.reason) == 0 && strcmp(found.link, again.link) == 0);
	must(memcmp(found.sha256, again.sha256, 32) == 0 && found.asked_ns == again.asked_ns);
	buf_done(&b);
	return 0;
}

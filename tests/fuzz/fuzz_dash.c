/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a request's target, whose parameters become a question; and as a Host header and cookies. */
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/dash/guard.h"
#include "core/dash/steps.h"
#include "core/dash/target.h"
#include "core/query/ask.h"
#include "tests/fuzz/target.h"

static void ask_about(const struct target *t)
{
	const char *why = "";
	struct steps steps;
	struct ask ask;
	int r = 0;

	ask_begin(&ask);
	for (size_t i = 0; i < t->n && r == 0; i++)
		r = ask_put(&ask, t->parameters[i].name, t->parameters[i].value, &why);
	if (r == 0)
		r = ask_end(&ask, 1795886192, &why);
	must(r == 0 || *why);
	if (r == 0) {
		int64_t from = ask.question.from == INT64_MIN ? 0 : ask.question.from;
		int64_t to = ask.question.to == INT64_MAX ? from + 86400 : ask.question.to;

		must(ask.question.from < ask.question.to);
		if (from < to && steps_make(&steps, from, to, 200, 10, 0) == 0) {
			must(steps.n >= 1 && steps.n <= STEPS_MAX && steps.first <= from);
			must(steps_at(&steps, to - 1) < steps.n);
		}
	}
	ask_done(&ask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_alloc(size + 1);
	struct target t;
	struct guard g;
	const char *why;

	memcpy(text, data, size);
	if (target_read(&t, text, &why) == 0) {
		for (size_t i = 0; i < t.n; i++)
			for (const char *at = t.parameters[i].value; *at;) {
				size_t n = text_utf8(at, strlen(at));

				must(n);
				at += n;
			}
		ask_about(&t);
	}
	target_done(&t);
	guard_init(&g, "box", "0123456789abcdef", 5100);
	if (guard_host(&g, text, ""))
		must(strncasecmp(text, "localhost", 9) == 0 || strncmp(text, "127.0.0.1", 9) == 0 ||
		     strncmp(text, "[::1]", 5) == 0 || strncasecmp(text, "box", 3) == 0);
	if (guard_admits(&g, text, NULL) || guard_admits(&g, NULL, text))
		must(strstr(text, "0123456789abcdef"));
	guard_done(&g);
	free(text);
	return 0;
}

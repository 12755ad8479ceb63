/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET /api/v1/audit: the kernel's own counters beside what was seen. */
#include "core/dash/answer.h"
#include "core/query/audit_rows.h"

static void take(void *arg, const struct ps_answer_audit *row)
{
	json_array_append_new(arg, audit_rows_json(row));
}

void answer_audit(struct asking *a)
{
	json_t *rows = json_array();
	struct ps_answer to = {.arg = rows, .audit = take};
	struct ask ask;

	if (answer_read(a, &ask, "f x last from to", "") == 0 && answer_read_end(a, &ask) == 0 &&
	    answer_ask(a, &ask.question, &to) == 0)
		json_put_new(&a->reply->body, json_pack("{s:O}", "audit", rows));
	json_decref(rows);
	ask_done(&ask);
}

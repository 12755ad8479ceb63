/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET /metrics: for Prometheus, in its text format 0.0.4. */
#include "config.h"
#include "core/dash/answer.h"

void answer_metrics(struct asking *a)
{
	struct buf *out = &a->reply->body;

	a->reply->type = "text/plain; version=0.0.4; charset=utf-8";
	buf_printf(out,
	           "# HELP picosnitch_build_info The version.\n# TYPE picosnitch_build_info gauge\n"
	           "picosnitch_build_info{version=\"%s\"} 1\n",
	           PACKAGE_VERSION);
}

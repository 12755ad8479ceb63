/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET /api/v1/info: what the page has to know before it asks. */
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "core/dash/answer.h"
#include "core/query/names.h"
#include "core/query/range.h"

static const char *kind_of(enum ps_dimension d)
{
	if (d == PS_BY_TIME)
		return "time";
	/* These have words. */
	if (d == PS_BY_UID || d == PS_BY_PROTOCOL || d == PS_BY_FAMILY)
		return "text";
	return names_is_number(d) ? "number" : "text";
}

static json_t *dimensions(void)
{
	json_t *list = json_array();

	for (int d = 0; d < PS_DIMENSIONS; d++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "name", names_dimension((enum ps_dimension)d), "kind",
		                                      kind_of((enum ps_dimension)d), "filter", d != PS_BY_TIME));
	return list;
}

static json_t *ranges(void)
{
	json_t *list = json_array();
	char name[RANGE_NAME_SIZE];

	for (unsigned i = 0; i < range_n_lengths; i++)
		json_array_append_new(list, json_string(range_name(name, range_lengths[i])));
	return list;
}

void answer_info(struct asking *a)
{
	char host[256] = "";
	int64_t first, last;
	struct ask none;
	int r = answer_read(a, &none, "", "");

	ask_done(&none);
	if (r < 0 || answer_extent(a, &first, &last) < 0)
		return;
	gethostname(host, sizeof(host) - 1);
	json_put_new(&a->reply->body,
	             json_pack("{s:s, s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:{s:b, s:n, s:n}, s:s, s:b, s:b}", "version",
	                       PACKAGE_VERSION, "store", a->dash->options->store, "hostname",
	                       json_text((struct ps_text){host, (uint32_t)strlen(host)}), "now", (json_int_t)a->now,
	                       "first", json_time(first), "last", json_time(last), "dimensions", dimensions(), "ranges",
	                       ranges(), "units", json_pack("[s, s, s, s, s]", "auto", "B", "kB", "MB", "GB"), "geoip",
	                       "enabled", 0, "attribution", "built", "theme", a->dash->options->theme, "scroll_zoom",
	                       a->dash->options->scroll_zoom, "live", 1));
}

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
	if (d == PS_BY_COUNTRY)
		return "country";
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

/* "IP Geolocation by DB-IP (https://db-ip.com)" as a text and a link. */
static json_t *attribution(const struct country *db)
{
	const char *text = db ? country_attribution(db) : NULL, *bracket = text ? strstr(text, " (http") : NULL;

	if (!text)
		return json_null();
	if (!bracket)
		return json_pack("{s:s, s:s}", "text", text, "link", "");
	return json_pack("{s:s%, s:s%}", "text", text, (size_t)(bracket - text), "link", bracket + 2,
	                 strcspn(bracket + 2, ")"));
}

static json_t *geoip(const struct country *db)
{
	return json_pack("{s:b, s:o, s:o}", "enabled", db != NULL, "attribution", attribution(db), "built",
	                 db ? json_integer(country_built(db)) : json_null());
}

void answer_info(struct asking *a)
{
	const struct dash_options *o = a->dash->options;
	char host[256] = "";
	struct extent extent;
	struct ask none;
	int r = answer_read(a, &none, "", "");

	ask_done(&none);
	if (r < 0 || answer_extent(a, &extent) < 0)
		return;
	gethostname(host, sizeof(host) - 1);
	json_put_new(&a->reply->body,
	             json_pack("{s:s, s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:b}", "version",
	                       PACKAGE_VERSION, "store", o->store, "hostname",
	                       json_text((struct ps_text){host, (uint32_t)strlen(host)}), "now", (json_int_t)a->now,
	                       "first", json_time(extent.first), "last", json_time(extent.last), "dimensions", dimensions(),
	                       "ranges", ranges(), "units", json_pack("[s, s, s, s, s]", "auto", "B", "kB", "MB", "GB"),
	                       "geoip", geoip(a->countries), "theme", o->theme, "scroll_zoom", o->scroll_zoom, "live", 1));
}

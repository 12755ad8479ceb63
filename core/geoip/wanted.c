/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/geoip/wanted.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"

char *country_wanted(const struct settings *s)
{
	if (!s->geoip.enabled)
		return NULL;
	return *s->geoip.database ? mem_strdup(s->geoip.database) : mem_printf("%s/geoip/" COUNTRY_FETCHED, s->paths.cache);
}

struct country *country_open_wanted(const struct settings *s, char why[COUNTRY_WHY])
{
	char *path = country_wanted(s);
	struct country *c = NULL;
	int err;

	why[0] = 0;
	if (!path)
		return NULL;
	err = country_open(&c, path, why);
	if (err == -ENOENT && !*s->geoip.database)
		snprintf(why, COUNTRY_WHY,
		         "there is no database of countries yet: `picosnitch geoip --update` fetches one, as the daemon does"
		         " within a day; or name one in [geoip] database");
	free(path);
	return c;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which database of countries the configuration wants: for the programs that ask. */
#ifndef PS_GEOIP_WANTED_H
#define PS_GEOIP_WANTED_H

#include "core/config/settings.h"
#include "core/query/country.h"

#define COUNTRY_FETCHED "country.mmdb" /* in CACHE/geoip/ */

/* Where the configuration says that the database is, [geoip] database: a string for free(); NULL: it wants none. */
char *country_wanted(const struct settings *);

/* Opens that. NULL, with a reason if it wants one: then why[0]. */
struct country *country_open_wanted(const struct settings *, char why[COUNTRY_WHY]);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The database of countries that is fetched: whether it is time for another, and to put that in its place. */
#ifndef PS_GEOIP_RENEW_H
#define PS_GEOIP_RENEW_H

#include <stdbool.h>
#include <stdint.h>

#define RENEW_SAID 1536
#define RENEW_AGE (30 * INT64_C(86400)) /* s, from which on it is time */

struct renew_order {
	const char *url;    /* with %Y and %m */
	const char *folder; /* of the database, and of nothing else; writable */
	bool if_due;        /* only if it is time */
	int64_t now;        /* Unix seconds */
};

/* 0, or -errno; `said` is a line about it for people, in either case. The database that was there stays there unless
 * another one was fetched, unpacked, opened and tried that is newer. To be called by a process without rights. */
int renew(const struct renew_order *, char said[RENEW_SAID]);

#endif

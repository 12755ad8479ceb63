/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file from the web, unpacked while it comes, within limits. */
#ifndef PS_GEOIP_FETCH_H
#define PS_GEOIP_FETCH_H

#define FETCH_WHY 512

/* What comes, what it may unpack to (bytes), how long it may take in all, and how long there may be next to nothing
 * (s). */
#define FETCH_COMES_MAX (64L << 20)
#define FETCH_UNPACKED_MAX (256L << 20)
#define FETCH_TIME_MAX 600L
#define FETCH_IDLE_MAX 20L

/* Writes what there is at the url to fd; what is packed by gzip, unpacked. By https alone, unless the url itself
 * begins with http:. 0; -ENOENT: it is not there (404); or -errno; with a reason. fd may have been written to. */
int fetch(const char *url, int fd, char why[FETCH_WHY]);

#endif

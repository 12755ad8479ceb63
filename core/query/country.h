/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In which country an address is, by a database in MaxMind's format (mmdb), of DB-IP, MaxMind, IPinfo and others.
 * What the database says is not trusted: a code is two letters, or it is not known. Once it is open, any thread may
 * look something up.
 */
#ifndef PS_QUERY_COUNTRY_H
#define PS_QUERY_COUNTRY_H

#include <stdint.h>

#include "core/base/value.h"

struct country;

#define COUNTRY_WHY 512
#define COUNTRY_SIZE 16

/* 0, or -errno with what is the matter, for a person. The file may be replaced meanwhile by rename(). */
int country_open(struct country **, const char *path, char why[COUNTRY_WHY]);
void country_close(struct country *); /* NULL: nothing */

/* The country of an address, as stored: its ISO 3166 code ("DE"); what it is instead ("private", "loopback", see
 * special.h); or "" when it is not known. db may be NULL: then no country is known. Returns out. */
char *country_of(const struct country *db, struct ps_text addr, char out[COUNTRY_SIZE]);

/* What has to be shown beside its answers, or NULL: "IP Geolocation by DB-IP (https://db-ip.com)". Static. */
const char *country_attribution(const struct country *);

const char *country_type(const struct country *); /* what it calls itself; fit for a screen */
int64_t country_built(const struct country *);    /* Unix seconds */

#endif

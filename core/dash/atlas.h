/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The database of countries, for threads that use it while a newer one may take its place. */
#ifndef PS_DASH_ATLAS_H
#define PS_DASH_ATLAS_H

#include "core/config/settings.h"
#include "core/query/country.h"

struct atlas;

/* The settings have to live as long. */
struct atlas *atlas_new(const struct settings *);
void atlas_free(struct atlas *); /* nobody has an edition of it any more */

/* What is there now, looked for once a minute; NULL: none. atlas_leave() afterwards. */
const struct country *atlas_take(struct atlas *);
void atlas_leave(struct atlas *, const struct country *);

#endif

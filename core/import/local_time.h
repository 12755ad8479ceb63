/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A local time without its offset, as older picosnitches wrote it. */
#ifndef PS_IMPORT_LOCAL_TIME_H
#define PS_IMPORT_LOCAL_TIME_H

#include <stdint.h>

#include "core/base/value.h"

enum local_time { LOCAL_TIME_NONE, LOCAL_TIME_SURE, LOCAL_TIME_TWICE, LOCAL_TIME_NEVER };

/*
 * "2024-03-31 02:30:00" in this process's time zone, as Unix seconds. NONE: it is no time. TWICE: the hour came
 * twice, as the clock was set back; it is the first one, unless that is before `after`. NEVER: that hour was left out;
 * it is taken as if the clock had not been set yet.
 */
enum local_time local_time(struct ps_text, int64_t after, int64_t *out);

#endif

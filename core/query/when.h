/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Points and lengths of time as people type them. */
#ifndef PS_QUERY_WHEN_H
#define PS_QUERY_WHEN_H

#include <stdint.h>

/* "2026-11-23", "2026-11-23T10:40", "2026-11-23 10:40:00Z", "...+01:00", or Unix seconds; local
 * time where no zone is given. 0 or -EINVAL. */
int when_point(const char *text, int64_t *seconds);

/* "90", "90s", "15 min", "3h", "7d", "2w", in seconds. 0 or -EINVAL. */
int when_length(const char *text, int64_t *seconds);

/* Where steps of `step` seconds begin, so that those of a day begin at midnight here, and those of a week on Monday: 0
 * <= origin < step. By the zone's offset at that time. */
int64_t when_origin(int64_t seconds, int64_t step);

/* Local time, "2026-11-23 10:40:00". Returns out. */
#define WHEN_TEXT_SIZE 32
char *when_text(char out[WHEN_TEXT_SIZE], int64_t seconds);

#endif

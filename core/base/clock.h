/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time. Everything that is stored is UTC nanoseconds since the Unix epoch. */
#ifndef PS_BASE_CLOCK_H
#define PS_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL

int64_t clock_wall_ns(void);      /* CLOCK_REALTIME */
int64_t clock_monotonic_ns(void); /* CLOCK_MONOTONIC */
int64_t clock_boot_ns(void);      /* CLOCK_BOOTTIME: that of a task's start_boottime */
int64_t clock_offset_ns(void);    /* CLOCK_REALTIME - CLOCK_BOOTTIME: changes only when the clock is set or slewed */

/* "2026-11-23T09:19:49Z"; returns out. */
#define CLOCK_TEXT_SIZE 24
char *clock_text(char out[CLOCK_TEXT_SIZE], int64_t wall_ns);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_wall_ns(void)
{
	return now(CLOCK_REALTIME);
}

int64_t clock_monotonic_ns(void)
{
	return now(CLOCK_MONOTONIC);
}

int64_t clock_boot_ns(void)
{
	return now(CLOCK_BOOTTIME);
}

int64_t clock_offset_ns(void)
{
	int64_t before, wall, took;

	/* Whoever is not let run between the two must not take that for a step. */
	do {
		before = clock_boot_ns();
		wall = clock_wall_ns();
		took = clock_boot_ns() - before;
	} while (took > 10 * NS_PER_MS);
	return wall - before;
}

char *clock_text(char out[CLOCK_TEXT_SIZE], int64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / NS_PER_S - (wall_ns % NS_PER_S < 0));
	struct tm t;

	if (!gmtime_r(&seconds, &t) || !strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &t))
		snprintf(out, CLOCK_TEXT_SIZE, "?");
	return out;
}

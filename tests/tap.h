/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Test Anything Protocol, for tests in C. */
#ifndef PS_TESTS_TAP_H
#define PS_TESTS_TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 4, 5))) static inline int tap_ok(int good, const char *file, int line, const char *format,
                                                               ...)
{
	va_list args;
	printf("%s %d - ", good ? "ok" : "not ok", ++tap_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	if (!good) {
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	fflush(stdout);
	return good;
}

/* ok(condition, "what it shows, %d", ...): one result. Gives the condition. */
#define ok(condition, ...) tap_ok(!!(condition), __FILE__, __LINE__, __VA_ARGS__)

/* Two strings, both shown when they differ. */
#define is_str(got, want, ...)                                                                                         \
	(ok(strcmp((got), (want)) == 0, __VA_ARGS__) || (printf("#  got: %s\n# want: %s\n", (got), (want)), 0))

/* Two integers, both shown when they differ. */
#define is_int(got, want, ...)                                                                                         \
	(ok((long long)(got) == (long long)(want), __VA_ARGS__) ||                                                         \
	 (printf("#  got: %lld\n# want: %lld\n", (long long)(got), (long long)(want)), 0))

#define skip(why, ...) (printf("ok %d # SKIP ", ++tap_count), printf(why, ##__VA_ARGS__), printf("\n"))

/* Last in main(): the plan, and the exit status. */
static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif

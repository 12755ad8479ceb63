/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * getaddrinfo() of the C libraries that are in use, in containers too: found by looking through what processes
 * have mapped, and probed. What they say comes as evidence (probe.h).
 *
 * All of this is done by a thread of its own, which nobody waits for: others' files and processes may hang. A
 * library is let go when the process that it was found by ends, so that no file system is kept busy.
 */
#ifndef PS_CAPTURE_LOOKUPS_H
#define PS_CAPTURE_LOOKUPS_H

#include <stdint.h>

#define LOOKUPS_LIBRARIES 32 /* at a time */

struct lookups;

/* The programs for the beginning and the end of the function, and how often to look for new processes. Copies of
 * the descriptors are made. NULL: there can be none, which is logged. */
struct lookups *lookups_open(int begins, int ends, unsigned interval_ms);
/* What is probed is let go soon; nobody waits for it. NULL is fine. */
void lookups_close(struct lookups *);

struct lookups_stats {
	unsigned probed;  /* libraries */
	uint64_t failed;  /* that could not be, since start */
	uint64_t refused; /* for which there was no room, at the last look */
	uint64_t ended;   /* whose probes somebody else has ended, since start: they are probed anew */
};
void lookups_get_stats(struct lookups *, struct lookups_stats *);

#endif

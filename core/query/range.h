/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ranges of time that people choose, and steps back through history by one of them. No clock: `now` is given, in Unix
 * seconds; the calendar is that of the zone (TZ).
 *
 * The last one ends now. Those before it begin where the clock or the calendar does: three hours at 0, 3, 6, ...
 * o'clock, a day at midnight, a week on Monday; so the first step back is to the last whole one.
 */
#ifndef PS_QUERY_RANGE_H
#define PS_QUERY_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct range {
	int64_t length; /* seconds; 0: all that there is */
	bool is_fixed;  /* begins at `from` (INT64_MIN: open) and ends at `to` (INT64_MAX: open), not now */
	int64_t from, to;
	unsigned back; /* steps */
};

/* The usual ones, ascending, 0 (all) last. */
extern const int64_t range_lengths[];
extern const unsigned range_n_lengths;

struct range range_last(int64_t length);
struct range range_between(int64_t from, int64_t to);

/* What a question about it asks for: from <= time < to; INT64_MIN or INT64_MAX where it is open. */
void range_window(const struct range *, int64_t now, int64_t *from, int64_t *to);

/* The next longer one of the usual, or the next shorter; round. What was is no part of history. */
void range_longer(struct range *);
void range_shorter(struct range *);

/* One step back (-1) or forward (1). False: there is none that way. */
bool range_go(struct range *, int direction);

/* "1min", "3h", "7d", "90s", "all": as when_length() reads them. Returns out. */
#define RANGE_NAME_SIZE 24
char *range_name(char out[RANGE_NAME_SIZE], int64_t length);

/* The shortest of the usual steps of which `most` are enough for a window, of `least` seconds or more, and no shorter
 * than what times are exact to (10 s). */
int64_t range_step(int64_t from, int64_t to, unsigned most, int64_t least);

/* The `least` for which an answer comes soon, whatever the window: of long ones, stores keep sums by steps of UTC
 * (picosnitch-store(7)), and those of connections' ends (`ends`: an address, a port, a domain is asked for) are as many
 * as there were ends. */
int64_t range_least(int64_t from, int64_t to, bool ends);

/* When a step begins: with the clock and the calendar of the zone, as far as sums of `least` allow. 0 <= it < step. */
int64_t range_origin(int64_t from, int64_t step, int64_t least);

#endif

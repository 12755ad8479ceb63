/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen of `picosnitch top`: drawn and read by ncurses. */
#ifndef PS_TOP_TOP_H
#define PS_TOP_TOP_H

#include "core/query/ask.h"
#include "core/top/feed_reader.h"

struct top_options {
	int64_t delay_ns; /* between two rounds */
	uint64_t rounds;  /* 0: until it is ended */
	enum ask_units units;
};

/* Until it is quit. 0, or 1 with the reason on stderr; the terminal is as it was before. */
int top_screen(struct feed_reader *, const struct top_options *);

/* The feed is of a kind that cannot be understood: says it. */
bool top_is_alien(const struct feed_reader *);

#endif

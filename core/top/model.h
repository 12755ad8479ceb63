/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `picosnitch top` knows: bytes of the live feed go in, rows to show come out. No clock, no locale, no
 * I/O; time is what the feed says.
 *
 * Bounded: the program, or the flow, that has been quiet for longest makes room, and that is counted. Who listens is
 * told anew, whole, every few seconds; sockets that found no room are counted.
 */
#ifndef PS_TOP_MODEL_H
#define PS_TOP_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "core/top/rows.h"

struct top_limits {
	size_t programs, flows, events, listening;
	int64_t window_ns; /* over which rates are the mean, give or take a twelfth */
};
#define TOP_LIMITS                                                                                                     \
	((struct top_limits){.programs = 2048, .flows = 8192, .events = 256, .listening = 4096, .window_ns = 3000000000})

enum {
	TOP_LINE_MAX = 1 << 20,     /* bytes of a line; a longer one is garbled */
	TOP_CONNECTIONS_MAX = 1000, /* that are in the rows */
};

struct top_model;

struct top_model *top_model_new(const struct top_limits *);
void top_model_free(struct top_model *);

/* The feed is connected, and begins; bytes of it have come, of any length; it has ended, or could not be
 * had. why: a few words, of which those in its last line come first. */
void top_model_begin(struct top_model *);
void top_model_put(struct top_model *, const void *data, size_t n);
void top_model_away(struct top_model *, const char *why);

/* The `format` of the last hello, if it is one that cannot be understood; else 0. */
int64_t top_model_alien(const struct top_model *);

/* Totals, losses and counts begin again; programs without a rate go. */
void top_model_reset(struct top_model *);

struct top_rows *top_model_rows(const struct top_model *);
void top_rows_free(struct top_rows *);

#endif

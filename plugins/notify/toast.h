/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people are told in one message, which grows for as long as more of its kind comes. No I/O. */
#ifndef PS_NOTIFY_TOAST_H
#define PS_NOTIFY_TOAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plugin.h"

#define TOAST_LINES 5
#define TOAST_LINE 300 /* bytes */
#define TOAST_KEYS 64
#define TOAST_TEXT 8192 /* of the whole body, with markup escaped */

/* How what is told of a thing is counted in the headline. */
enum toast_what {
	TOAST_NEW,
	TOAST_NAME,
	TOAST_CHANGED,
	TOAST_REPLACED,
	TOAST_VERDICT,
	TOAST_ERROR,
	TOAST_NEWS,
	TOAST_WHATS
};

struct toast {
	unsigned count[TOAST_WHATS];
	char lines[TOAST_LINES][TOAST_LINE];
	unsigned n_lines, total;
	uint64_t keys[TOAST_KEYS]; /* of what was told last in it: the same again is not told again */
	unsigned n_keys;
	uint32_t id;               /* as the server has it; 0: it has none yet */
	unsigned server;           /* which server that was */
	int64_t last_ms, shown_ms; /* when something came, and when it was shown; 0: never */
	bool dirty;                /* there is more than was shown */
};

/* Begins another one: nothing is in it. */
void toast_begin(struct toast *);
/* Adds one thing: a line of text, of any bytes. False: it is in there already. */
bool toast_add(struct toast *, enum toast_what, struct ps_text line, int64_t now_ms);

/* "2 new programs, 1 changed program" */
void toast_headline(const struct toast *, char *out, size_t size);
/* The lines, and how many there are beyond; escaped if it is read as markup. */
void toast_body(const struct toast *, bool markup, char *out, size_t size);
/* 2 for errors and verdicts, else 1. */
uint8_t toast_urgency(const struct toast *);

#endif

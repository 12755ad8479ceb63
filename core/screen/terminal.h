/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal of a program that fills its screen, by ncurses. There is one. Signals come only while it waits: those
 * that end the program put the terminal back first, and so does a crash, of any thread; ncurses itself sees to Ctrl-Z
 * and to the size. What is written to standard error meanwhile comes when it is closed, if that is a terminal.
 */
#ifndef PS_SCREEN_TERMINAL_H
#define PS_SCREEN_TERMINAL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum { TERMINAL_RED = 1, TERMINAL_YELLOW, TERMINAL_GREEN }; /* pairs of colours */

struct terminal {
	bool colour;
	bool utf8; /* what the locale has */
	unsigned empty;
};

/* 0, or -1 after saying why on stderr, and what there is `instead`. */
int terminal_open(struct terminal *, const char *instead);

/* It is as it was. Does not return if a signal has ended it. */
void terminal_close(struct terminal *);

/* Whether a signal has ended it. */
bool terminal_ended(void);

/* Waits for any of them, of which the first has to be standard input; ms < 0: for ever. */
void terminal_wait(struct pollfd *, unsigned n, int64_t ms);

/* Hands over the keys that were pressed (press.h) until key() returns false. False: the terminal is gone. */
bool terminal_read(struct terminal *, short events, bool (*key)(void *arg, uint32_t press), void *arg);

/* In a thread: it has all signals blocked, but its own faults have to be noticed. */
void terminal_thread(void);

#endif

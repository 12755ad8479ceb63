/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The user's session bus, and the notification server on it. Each call takes a few seconds at most. */
#ifndef PS_NOTIFY_BUS_H
#define PS_NOTIFY_BUS_H

#include <stdbool.h>
#include <stdint.h>

#define BUS_WHY 256

struct sd_bus;

struct bus {
	struct sd_bus *bus; /* NULL: not connected */
	char server[64];    /* the server's own name on the bus: another one knows no message of this one */
	unsigned servers;   /* counts up with each other server */
	bool markup;        /* it reads markup in the body */
	char why[BUS_WHY];  /* of the last error */
};

struct bus_message {
	const char *summary, *body, *icon;
	uint8_t urgency;   /* 0 low, 1 normal, 2 critical */
	uint32_t replaces; /* 0: a new one */
};

/* Connects if need be, and asks the server what it can do: only one that answers is given messages, which would
 * pile up before one that hangs. 0 or -errno with why. */
int bus_ready(struct bus *, const char *address);
/* Shows it. 0 and *id, or -errno with why. */
int bus_notify(struct bus *, const struct bus_message *, uint32_t *id);
void bus_close(struct bus *);

#endif

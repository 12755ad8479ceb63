/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sockets that browsers connect to. */
#ifndef PS_DASH_LISTEN_H
#define PS_DASH_LISTEN_H

#include <stdbool.h>

#include "core/dash/dash.h"

struct listeners {
	int fds[DASH_LISTENERS_MAX];
	unsigned n;
	unsigned port;
	bool loopback;                      /* nobody but this machine reaches any of them */
	char names[DASH_LISTENERS_MAX][64]; /* their addresses, as text */
};

/* All addresses that the host's name has: "localhost" has two as a rule. Port 0: any, and the same for all. 0, or
 * -errno after saying why. */
int listen_at(struct listeners *, const char *host, unsigned port);

/* The numeric form of a socket's own address, without the port; "::ffff:" is left out. Returns out. */
char *listen_name(char out[64], int fd);

#endif

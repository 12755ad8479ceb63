/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP: who is let in, what for, and who answers. */
#ifndef PS_DASH_SERVER_H
#define PS_DASH_SERVER_H

#include "core/dash/dash.h"
#include "core/dash/listen.h"

struct server;

/* Serves at the sockets, which are its from then on. NULL after saying why. */
struct server *server_start(struct dash *, const struct listeners *);

/* No new connections. Then, when workers and live have stopped, the end. */
void server_quiesce(struct server *);
void server_stop(struct server *);

#endif

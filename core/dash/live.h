/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon's live feed for browsers, as text/event-stream: one thread reads it for all of them, and once a second
 * says what `picosnitch top --json` prints. While nobody listens the feed is closed.
 *
 * A client gets whole events, and after each the latest there is: one that is slow misses some, and nothing piles up.
 */
#ifndef PS_DASH_LIVE_H
#define PS_DASH_LIVE_H

#include <microhttpd.h>

enum { LIVE_CLIENTS_MAX = 32 };

struct live;

/* run: the daemon's folder. NULL after saying why. */
struct live *live_start(const char *run);

/* Answers with the stream. MHD_NO: there are too many; nothing was queued then. */
enum MHD_Result live_answer(struct live *, struct MHD_Connection *);

/* Ends all streams: no new one begins. live_free() once no connection is left. */
void live_stop(struct live *);
void live_free(struct live *);

#endif

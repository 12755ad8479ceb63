/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lines of the live feed: one JSON object each, described in picosnitch-feed(7), with the names that
 * the text log has for the same things. What is not known is left out. Main thread only, like what it reads.
 */
#ifndef PS_DAEMON_LIVE_LINE_H
#define PS_DAEMON_LIVE_LINE_H

#include "core/base/buf.h"
#include "core/delivery/feed.h"
#include "core/ledger/ledger.h"

enum {
	LIVE_FORMAT = 1,         /* of the lines: another number when a reader of the old one would go wrong */
	LIVE_TEXT_MAX = 4096,    /* bytes that are shown of a text, ... */
	LIVE_CMDLINE_MAX = 16384 /* ... and of a command line: that there were more is said */
};

/* Between two drains; ns since the Unix epoch. */
struct live_time {
	int64_t start_ns, end_ns;
	int64_t boot_ns; /* when the machine was started */
};

/* What is added up. */
struct live_sum {
	uint64_t sent, received, calls;
	uint64_t flows;      /* how many it is of */
	uint64_t executions; /* of all of a drain */
};

void live_line_hello(struct buf *, const char *host, int64_t interval_ms, const struct feed_stats *);

void live_line_traffic(struct buf *, const struct live_time *, const struct ledger_seen *);

/* What a process moved in flows that have no lines of their own. Without `who`, what all others did. */
void live_line_merged(struct buf *, const struct live_time *, const struct wire_image *, const struct lineage *who,
                      uint32_t uid, const struct live_sum *);

/* What may be said of listeners. */
struct live_listen_shown {
	bool address, port;
	uint32_t host_netns; /* 0: not known */
};
/* Who waits where; and the end of a look, with how many did, and how many more there were. error: -errno of the
 * look. */
void live_line_listen(struct buf *, const struct wire_listener *, const struct lineage *who,
                      const struct live_listen_shown *);
void live_line_listening(struct buf *, uint64_t n, uint64_t more, int error, const struct live_listen_shown *);

void live_line_program(struct buf *, const struct first_note *, bool with_cmdline);
void live_line_finding(struct buf *, const struct finding *);
void live_line_alert(struct buf *, const struct ps_record *, const char *text);
void live_line_tick(struct buf *, const struct live_time *, const struct live_sum *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What there is to show at a moment: a copy, which stays as it is while the model goes on (pause).
 *
 * Texts are those of the feed: valid UTF-8, without control characters (text_clean()), and cut.
 */
#ifndef PS_TOP_ROWS_H
#define PS_TOP_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/mem.h"

struct top_bytes {
	uint64_t sent, received;
};

enum top_state {
	TOP_AWAY, /* there is no feed: `why` */
	TOP_WAIT, /* connected; nothing has come yet */
	TOP_LIVE,
};

/* What moves bytes: an executable under a name. */
struct top_program {
	uint64_t id; /* of no other, ever */
	const char *exe, *name;
	struct top_bytes rate;  /* a second */
	struct top_bytes total; /* since the start, or reset */
	uint64_t connections;   /* that moved bytes in the last minute, and are not closed */
	int64_t listening;      /* sockets on which its processes wait for others; -1: not known */
	bool listening_more;    /* there may be more */
	const char *peer;       /* the last that it talked to: domain or address, and port; may be "" */
	int64_t uid, pid;       /* the last seen; -1: not known */
	int64_t last_ns;
};

struct top_connection {
	uint64_t program; /* its id */
	const char *exe, *name;
	const char *direction; /* "in", "out" or "" */
	const char *protocol;  /* "tcp", ..., a number, or "" */
	const char *peer;      /* as above */
	int64_t lport;         /* -1: not known */
	int64_t since_ns;      /* when it was opened, or first seen */
	bool closed;
	struct top_bytes total;
};

/* A socket that waits for others, and a process that has it. */
struct top_listener {
	const char *exe, *name;
	const char *protocol; /* as above; vsock has none but "vsock" */
	const char *addr;     /* "0.0.0.0" and the like: any; "": not known */
	const char *place;    /* unit or container; may be "" */
	int64_t family, port; /* -1: not known */
	int64_t netns;        /* -1: the host's, or not known */
	int64_t uid, pid;
	int64_t socket; /* the same for processes that share it; -1: not known */
};

/* A new or changed program, a suspicious verdict, an alert. */
struct top_event {
	int64_t at_ns;
	const char *kind; /* "program", "verdict", "alert" */
	const char *text;
};

struct top_rows {
	struct arena memory;
	enum top_state state;
	const char *why;            /* TOP_AWAY */
	const char *host, *version; /* of the daemon */
	int64_t now_ns, since_ns;   /* by the feed's clock: of what this is, and the totals */
	struct top_bytes rate, total;

	struct {
		uint64_t times; /* alerts, ... */
		uint64_t count; /* ... what they count, ... */
		struct top_bytes bytes;
	} lost;
	uint64_t cuts;    /* times that the feed was lost */
	uint64_t garbled; /* lines that could not be understood */

	struct {
		uint64_t programs, connections; /* that had to make room */
		struct top_bytes total;         /* of the programs */
	} evicted;

	struct top_program *programs; /* in no order */
	size_t n_programs;
	struct top_connection *connections; /* newest first */
	size_t n_connections;
	struct top_event *events; /* newest first */
	size_t n_events;
	struct top_listener *listening; /* by port */
	size_t n_listening;
	uint64_t listening_more;   /* that found no room here, or in the feed */
	bool listening_known;      /* false: there is no list */
	const char *listening_why; /* it is not known, or not whole; "": it is */
};

#endif

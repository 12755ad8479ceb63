/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A question about stored traffic, and its answer. Installed as <picosnitch/question.h>.
 * The front ends make questions (core/query); a plugin's reader answers them.
 */
#ifndef PS_QUESTION_H
#define PS_QUESTION_H

#include <stdint.h>

#include "record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What traffic can be grouped and filtered by. */
enum ps_dimension {
	PS_BY_EXE,
	PS_BY_NAME,
	PS_BY_CMDLINE,
	PS_BY_SHA256,
	PS_BY_PEXE,
	PS_BY_PNAME,
	PS_BY_PCMDLINE,
	PS_BY_PSHA256,
	PS_BY_GPEXE,
	PS_BY_GPNAME,
	PS_BY_GPCMDLINE,
	PS_BY_GPSHA256,
	PS_BY_UID,
	PS_BY_LPORT,
	PS_BY_RPORT,
	PS_BY_LADDR,
	PS_BY_RADDR,
	PS_BY_DOMAIN,
	PS_BY_NETNS,
	PS_BY_FAMILY,
	PS_BY_PROTOCOL,
	PS_BY_DIRECTION,     /* "in", "out" or empty */
	PS_BY_DOMAIN_SOURCE, /* "dns", "sni", ... or empty */
	PS_BY_SCRIPT,
	PS_BY_SCRIPT_SHA256,
	PS_BY_CGROUP,
	PS_BY_UNIT,
	PS_BY_SLICE,
	PS_BY_SESSION,
	PS_BY_ENGINE,
	PS_BY_CONTAINER,
	PS_BY_POD,
	PS_BY_TIME, /* when a step of the question's begins, in Unix seconds; no filter */
	PS_BY_HOST, /* the name of the machine that recorded it */
	/* Where the remote address is. No store knows it: it is for who asks (core/query/fold.h), and a reader refuses it.
	 */
	PS_BY_COUNTRY,
	PS_DIMENSIONS
};

/* Values of one dimension that are kept, or left out. Filters on the same dimension that
 * include are alternatives; everything else must hold together. Values compare as stored. */
struct ps_filter {
	enum ps_dimension dimension;
	int exclude;
	struct ps_text value;
};

enum ps_order {
	PS_ORDER_TOTAL, /* sent + received, largest first */
	PS_ORDER_SENT,
	PS_ORDER_RECEIVED,
	PS_ORDER_CALLS,
	PS_ORDER_TIME, /* latest first */
	PS_ORDER_KEY,  /* by the group's values */
};

struct ps_question {
	int64_t from, to; /* Unix seconds, from <= time < to; INT64_MIN / INT64_MAX: open */
	const enum ps_dimension *by;
	uint32_t n_by; /* 0: one row over everything */
	const struct ps_filter *filters;
	uint32_t n_filters;
	enum ps_order order;
	uint32_t limit; /* 0: all */
	/* Non-zero: groups by port may have one group, -2, for all ports that clients have for one
	 * connection each. A store may then answer sooner. */
	int coarse_ports;
	/* Non-zero: who asks adds up, and wants it soon: a group may come in several rows, in any order, without a limit,
	 * and of a row only its values, sent, received and rows are wanted; the rest is 0. */
	int in_parts;
	/* Of PS_BY_TIME: steps are so many seconds, and one of them begins at `origin`, 0 <= origin < step. */
	int64_t step, origin;
	uint32_t kinds; /* of enum ps_kind: which events are asked for; PS_PROGRAM, PS_ALERT, PS_VERDICT */
};

struct ps_answer_row {
	const struct ps_text *values; /* n_by of them, in the question's order; as stored; NULL if none */
	uint64_t sent, received, calls, rows;
	int64_t first, last; /* Unix seconds of the earliest and latest row */
};

/* What was lost in the question's range of time at one stage, whatever its filters but that on the host say. */
struct ps_answer_loss {
	struct ps_text stage, text; /* "flows"; the latest message */
	uint64_t count, sent, received, rows;
	int64_t first, last; /* Unix seconds */
};

/* The self-audit of the question's range of time, whatever its filters but that on the host say: one for each network
 * namespace and layer that was compared. Members as those of struct ps_audit, added up. */
struct ps_answer_audit {
	struct ps_text layer; /* "ip"; by names, not by number */
	uint64_t netns, windows;
	uint64_t sent, received, packets_sent, packets_received, errors, retransmitted, forwarded;
	uint64_t own_sent, own_received, own_calls;
	int64_t rest_sent, rest_received, rest_packets;
	int64_t first, last; /* Unix seconds: the earliest window's start, the latest one's end */
};

/* One thing that happened in the question's range of time. */
struct ps_answer_event {
	enum ps_kind kind;
	int64_t start, end;  /* Unix seconds; alike, but of what was lost */
	struct ps_text what; /* "new_exe"; the stage of an alert; the state of a verdict */
	struct ps_text text; /* a line for people */
	struct ps_text host; /* the machine's name */
	struct ps_text exe, sha256;
	struct ps_text previous; /* SHA-256 before; of a verdict, the state before */
	/* PS_PROGRAM */
	struct ps_text role, name, cmdline, script, parent, grandparent, unit, container; /* parents' executables */
	int64_t uid;
	int expected;
	/* PS_ALERT */
	uint64_t count, sent, received;
	/* PS_VERDICT */
	struct ps_text service, link;
	uint64_t malicious, suspicious, harmless, undetected;
};

struct ps_answer {
	void *arg;
	int (*row)(void *arg, const struct ps_answer_row *);      /* non-zero: no more, please; may be NULL */
	void (*audit)(void *arg, const struct ps_answer_audit *); /* by namespace, then layer; may be NULL */
	void (*loss)(void *arg, const struct ps_answer_loss *);   /* before the rows; may be NULL */
	/* Of each kind that is asked for, by its number, the latest first, no more than the limit; filters hold where an
	 * event of the kind has such a value. Non-zero: no more of the kind. May be NULL. */
	int (*event)(void *arg, const struct ps_answer_event *);
};

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the courier share: courier.c has its phases, courier_files.c what it does with
 * files on another thread, courier_say.c what it tells people. */
#ifndef PS_DELIVERY_COURIER_INSIDE_H
#define PS_DELIVERY_COURIER_INSIDE_H

#include "core/delivery/courier.h"
#include "core/delivery/frame.h"
#include "core/delivery/host_link.h"
#include "core/delivery/sink_files.h"

enum phase { PREPARE, OPEN, IDLE, FETCH, WRITE, PAUSE_OPEN, PAUSE_WRITE, PAUSE_START, END, HALT };

/* So many at once, and one more in each interval. */
struct allowance {
	int64_t since_ns;
	unsigned used;
};

struct courier {
	uv_loop_t *loop;
	struct journal *journal;
	const struct sink_settings *sink;
	struct courier_host host;
	struct courier_events events;
	struct courier_status status;
	char why[512];
	enum phase phase;
	struct host_link *link;
	uv_timer_t timer, deadline;
	int open_handles;

	int fetching, woken; /* a question is with the journal; new batches came meanwhile */
	uint64_t seq;        /* under way */
	uint32_t records;
	int begun; /* the sink's write() was called with it */
	uint64_t strike_seq;
	unsigned strikes;
	int64_t pause_ms;
	int is_away, is_crashing; /* alerted, and not taken back yet */
	int misconfigured, stopping, drain, hurried, ending;
	int64_t deadline_ns;

	struct sink_files files;
	uv_work_t work;
	int working, start_after_work;
	struct {
		enum { JOB_PREPARE, JOB_ASIDE, JOB_ROTATE } kind;
		const struct sink_file *file;
		char reason[64];
		unsigned keep;
		int err;
		char why[TRUST_WHY];
		struct host_link *link; /* who asked */
	} job;
	int found_waits; /* FOUND of this host is not answered yet */
	struct allowance log_allowance, aside_allowance, found_allowance;
	unsigned lines_left_out;
};

/* courier.c: what comes after the work on files. */
void courier_prepared(struct courier *); /* job.err says how it went */
void courier_worked(struct courier *);
void courier_done(struct courier *, int err); /* sends DONE */

/* courier_files.c: at most one piece of work is under way (`working`). */
void courier_prepare_files(struct courier *);
/* SET_ASIDE or ROTATE of the host: DONE will answer. */
void courier_file_request(struct courier *, uint8_t type, struct cursor *body);

/* courier_say.c */
int courier_allow(struct allowance *, unsigned burst, int64_t every_ns);
void courier_set_state(struct courier *, enum courier_state, const char *why);
void courier_alert(struct courier *, uint64_t count, const char *format, ...) __attribute__((format(printf, 3, 4)));
void courier_log(struct courier *, unsigned level, const char *line); /* a line of the sink's */

#endif

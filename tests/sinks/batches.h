/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches for the tests of sinks. */
#ifndef PS_TESTS_BATCHES_H
#define PS_TESTS_BATCHES_H

#include "core/base/mem.h"
#include "core/record.h"

/* A batch under construction, which owns all that it points to. */
struct made {
	struct ps_batch batch;
	struct ps_exe *exes;
	struct ps_place *places;
	struct ps_text *texts;
	struct ps_record *records;
	struct arena memory;
};

/* Named (a fixed host and boot, seq), with nothing in it. */
void made_init(struct made *, uint64_t seq);
void made_done(struct made *);

struct ps_text made_text(struct made *, const void *data, size_t len);
uint32_t made_exe(struct made *, struct ps_text path, struct ps_text name, struct ps_text cmdline);
uint32_t made_domain(struct made *, struct ps_text);
/* A container's, to be altered. */
uint32_t made_place(struct made *, const char *container);

/* A record to be filled in; valid until the next. Times are those of `start` and 10 s later. */
struct ps_record *made_traffic(struct made *, int64_t start);
struct ps_record *made_program(struct made *, int64_t start, const char *text);
struct ps_record *made_audit(struct made *, int64_t start);
struct ps_record *made_verdict(struct made *, int64_t start, const char *text);
struct ps_record *made_alert(struct made *, int64_t start, const char *text);

/* An ordinary batch: n records of some executables and addresses, each with 1000 bytes sent and
 * 2000 received. */
void made_usual(struct made *, uint64_t seq, uint32_t n, int64_t start);

/* Bytes that are not UTF-8, that end lines, that turn and hide text, and 100 KiB of arguments. */
void made_hostile(struct made *, uint64_t seq, int64_t start);
struct ps_text hostile_path(void);

#endif

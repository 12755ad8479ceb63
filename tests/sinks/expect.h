/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a sink has stored, read back by other means than the sink's own. */
#ifndef PS_TESTS_EXPECT_H
#define PS_TESTS_EXPECT_H

#include "tests/sinks/fake_host.h"

struct stored {
	int64_t rows; /* of traffic */
	int64_t sent; /* their sum, without counts out of the ordinary; -1: not told apart */
	int64_t alerts, audits, programs, verdicts;
	int hostile; /* rows whose executable is hostile_path(), byte for byte; -1: not told apart */
	int broken;  /* rows that are not what the format promises */
};

/* 0, or -1 when this plugin's stores cannot be read here. */
int expect_read(struct ps_ctx *, struct stored *);

/* True if records of that kind, which is not traffic, are stored. */
int expect_kind(struct ps_ctx *, enum ps_kind);

/* Changes the store behind the sink's back, as whoever administers it can. 0, or -1. */
int expect_sql(struct ps_ctx *, const char *sql);

/* The column of connections, programs, losses and audit that says the batch of a row, and that of
 * batches which it is. */
const char *expect_batch_column(struct ps_ctx *);
const char *expect_batch_key(struct ps_ctx *);

#endif

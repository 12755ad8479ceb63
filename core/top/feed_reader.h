/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads RUN/feed.sock into a model, and connects again when it has ended. Never waits. */
#ifndef PS_TOP_FEED_READER_H
#define PS_TOP_FEED_READER_H

#include <stdint.h>

#include "core/top/model.h"

struct feed_reader {
	char *path;
	struct top_model *model;
	int fd;           /* to be polled for input; -1: not connected */
	int64_t again_ns; /* CLOCK_MONOTONIC: not connected, and tried again then */
};

void feed_reader_init(struct feed_reader *, const char *folder, struct top_model *);
void feed_reader_done(struct feed_reader *);

/* 0 or -errno. */
int feed_reader_connect(struct feed_reader *);

/* Reads what there is, up to a few MiB; or connects again if it is time. */
void feed_reader_go(struct feed_reader *);

/* Milliseconds until it wants to go though its fd has no input; -1: never. */
int feed_reader_timeout(const struct feed_reader *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A text file that batches are appended to, each once and whole.
 *
 * Beside it, NAME-mark holds how long the file was after the last whole batch, and that batch's
 * name. The file is synced before the mark, so whatever stands behind the mark's length is the
 * beginning of a batch that was never acknowledged: it is cut off, and the batch comes again.
 */
#ifndef PS_TEXTLOG_LOG_H
#define PS_TEXTLOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

struct log {
	int fd, mark_fd;     /* -1: closed */
	uint64_t dev, ino;   /* of fd */
	int64_t length, end; /* of the whole batches; with what has been appended since */
	uint64_t generation; /* of the mark: the higher of two slots holds */
	bool named;          /* the name below is one */
	uint8_t host[PS_ID_SIZE], boot[PS_ID_SIZE];
	uint64_t seq;
};

/* Opens the file and its mark, which must be there, and cuts off what is not whole. 0 or -errno. */
int log_open(struct log *, const char *path);
void log_close(struct log *);

/* True if the file at path is still the one that is open. */
bool log_current(const struct log *, const char *path);

/* True if this batch is the last one that was committed. */
bool log_has(const struct log *, const struct ps_batch *);

/* Adds bytes of the batch that is being written. 0 or -errno: then log_undo(). */
int log_append(struct log *, const void *data, size_t len);

/* Makes what was appended durable, as the batch of that name. 0 or -errno: then log_undo(). */
int log_commit(struct log *, const struct ps_batch *);

/* Takes back what was appended. What fails here is made good by the next log_open(). */
void log_undo(struct log *);

#endif

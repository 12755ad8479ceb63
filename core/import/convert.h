/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of an older database as a record. What does not fit is left out, and counted. No I/O; one thread. */
#ifndef PS_IMPORT_CONVERT_H
#define PS_IMPORT_CONVERT_H

#include "core/import/chunk.h"
#include "core/import/old_db.h"

enum { CONVERT_TEXT_MAX = 1 << 20 };

struct convert {
	int64_t now_s;
	uint64_t counts[REPORT_REASONS];
	/* private */
	struct buf key, arguments;
	char time[20]; /* local, the last one that was read, */
	int64_t time_s;
	enum report_reason time_note; /* and what there is to say about it; REPORT_REASONS: nothing */
	int64_t last_s;               /* the row before */
};

void convert_init(struct convert *, int64_t now_s);
void convert_done(struct convert *);

/* Adds the row to the chunk. False, with the reason counted, if it cannot be taken. Local times (version 3) are those
 * of this process's time zone. */
bool convert_row(struct convert *, struct chunk *, const struct old_row *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What became of an older file: what was taken, and what was not, by reason. One thread. */
#ifndef PS_IMPORT_REPORT_H
#define PS_IMPORT_REPORT_H

#include <stdint.h>
#include <stdio.h>

enum report_reason {
	/* Rows that were not taken. */
	REPORT_NO_TIME,
	REPORT_DAMAGED,
	REPORT_TWICE,
	/* Something of a row or an entry that was not taken. */
	REPORT_BYTES,
	REPORT_EVENTS,
	REPORT_UID,
	REPORT_PORT,
	REPORT_FAMILY,
	REPORT_NETNS,
	REPORT_ADDRESS,
	REPORT_MISSING,
	REPORT_LONG,
	REPORT_NAMES,
	REPORT_SHAPE,
	REPORT_ROOM,
	/* What was taken otherwise than it stood there: nothing is lost by it. */
	REPORT_HASH,
	REPORT_COMMAND,
	REPORT_NUL,
	REPORT_TYPE,
	REPORT_ESCAPED,
	REPORT_TWO_TIMES,
	REPORT_NO_HOUR,
	REPORT_FUTURE,
	REPORT_REASONS
};

struct report {
	const char *file;
	const char *kind;                 /* "snitch.db, version 3" */
	const char *what;                 /* "rows", "executables" */
	uint64_t taken, present, retired; /* now; before; and in a part that the store's retention has removed since */
	uint64_t old;                     /* of the taken: older than the store's retention */
	uint64_t counts[REPORT_REASONS];
	int64_t first_s, last_s; /* of those that were taken */
	char *trouble;           /* why it ended before its end; mem_alloc()ed */
	char *notes;             /* lines about the file as a whole; mem_alloc()ed */
};

void report_init(struct report *, const char *file);
void report_done(struct report *);

/* The first reason why it ended early is kept. */
void report_trouble(struct report *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_note(struct report *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether something was not taken. */
int report_is_partial(const struct report *);

/* For people; dry: nothing was written. */
void report_print(const struct report *, int dry, FILE *out);
/* As one JSON object on a line. */
void report_print_json(const struct report *, int dry, FILE *out);

#endif

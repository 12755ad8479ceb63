/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows as lines of text, each as wide as it is told and no wider, whatever a name has in it. The more room there
 * is, the more columns. Times are local.
 */
#ifndef PS_TOP_TABLE_H
#define PS_TOP_TABLE_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/query/ask.h"
#include "core/top/rows.h"

enum top_column {
	TOP_PROGRAM,
	TOP_SENT_RATE,
	TOP_RECEIVED_RATE,
	TOP_RATE,
	TOP_SENT,
	TOP_RECEIVED,
	TOP_TOTAL,
	TOP_CONNECTIONS,
	TOP_LISTENING,
	TOP_PEER,
	TOP_COLUMNS
};

struct top_look {
	enum top_column sort;
	bool reverse; /* else the greatest is first, and of texts the first of the alphabet */
	enum ask_units units;
	unsigned width;
	bool utf8; /* what the locale has */
};

const char *top_column_title(enum top_column);

void top_sort(struct top_rows *, const struct top_look *);

/* What it is called: the executable, and the name where that is another. */
void top_put_name(struct buf *, const char *exe, const char *name);

/* Each puts a line, without an end of line. */
void top_put_titles(struct buf *, const struct top_look *);
void top_put_program(struct buf *, const struct top_look *, const struct top_program *);
void top_put_connection(struct buf *, const struct top_look *, const struct top_connection *);
void top_put_listener(struct buf *, const struct top_look *, const struct top_listener *);
void top_put_event(struct buf *, const struct top_look *, const struct top_event *);

/* What is above listeners. */
void top_put_listening(struct buf *, const struct top_look *, const struct top_rows *);

/* The lines above: TOP_SUMMARY of them, or all in one of few words. */
enum { TOP_SUMMARY = 3 };
void top_put_summary(struct buf *, const struct top_look *, const struct top_rows *, unsigned line);
void top_put_brief(struct buf *, const struct top_look *, const struct top_rows *);

/* Any text of ours or of the feed's. */
void top_put_text(struct buf *, const struct top_look *, const char *text);

#endif

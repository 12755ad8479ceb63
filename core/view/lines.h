/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `picosnitch view` shows, as lines of text, each as wide as it is told and no wider, whatever a value has in it.
 * The more room there is, the more columns. Times are local.
 */
#ifndef PS_VIEW_LINES_H
#define PS_VIEW_LINES_H

#include "core/base/buf.h"
#include "core/view/model.h"

struct view_look {
	unsigned width;
	bool utf8;               /* what the locale has */
	const char *store;       /* what is asked: "sqlite /var/lib/..." */
	const char *attribution; /* of countries; NULL: it needs none */
	int64_t now;             /* Unix seconds */
	int64_t waited_ms;       /* for the answer to the question that is out */
};

/* The lines above the rows. */
enum view_head { VIEW_HEAD_STORE, VIEW_HEAD_RANGE, VIEW_HEAD_PATH, VIEW_HEAD_SUMS, VIEW_HEAD_LOSSES, VIEW_HEADS };
void view_put_head(struct buf *, const struct view_look *, const struct view_model *, enum view_head);

/* All of them in one line. */
void view_put_brief(struct buf *, const struct view_look *, const struct view_model *);

bool view_has_trends(const struct view_look *, const struct view_model *);
void view_put_titles(struct buf *, const struct view_look *, const struct view_model *);
void view_put_row(struct buf *, const struct view_look *, const struct view_model *, const struct view_row *);

/* Where there are no rows: why. A line of it, from 0 on. False: there is none of that number. */
bool view_put_nothing(struct buf *, const struct view_look *, const struct view_model *, size_t line);

/* The last line. */
void view_put_foot(struct buf *, const struct view_look *, const struct view_model *);

/* The menu of dimensions: a line, of which `menu_rows` are below each other. */
unsigned view_menu_columns(const struct view_look *);
void view_put_menu(struct buf *, const struct view_look *, const struct view_model *, unsigned place);

/* All of the selected row: a line of it, from 0 on. False: there is none of that number. */
bool view_put_whole(struct buf *, const struct view_look *, const struct view_model *, size_t line);

extern const char *const view_help[];
extern const size_t view_help_lines;

#endif

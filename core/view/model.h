/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `picosnitch view` knows and does: keys and answers go in, questions come out, and what is to be shown can be
 * read. No clock, no I/O, no terminal.
 *
 * There is one question at a time: for the rows first, then for what stands beside those in sight. A key that asks
 * for other rows makes an answer that is still on its way worthless.
 */
#ifndef PS_VIEW_MODEL_H
#define PS_VIEW_MODEL_H

#include "core/query/ask.h"
#include "core/query/range.h"
#include "core/screen/help.h"
#include "core/screen/typed.h"
#include "core/view/job.h"

enum view_mode { VIEW_LIST, VIEW_MENU, VIEW_FIND, VIEW_HELP, VIEW_WHOLE };

/* One step of the way to what is shown. */
struct view_filter {
	enum ps_dimension dimension;
	bool exclude;
	char *value; /* as stored; of PS_BY_TIME there is none: the range was narrowed */
	uint32_t len;
	char *shown;
	struct range range; /* PS_BY_TIME: before */
};

struct view_model {
	/* The question. */
	enum ps_dimension by;
	struct view_filter *filters;
	size_t n_filters;
	struct range range;
	enum ps_order order, order_elsewhere; /* that of steps of time aside */
	bool all_ports;                       /* those of clients, too, one by one */
	int64_t now;                          /* of the range, Unix seconds */

	/* Answers. */
	struct view_rows *rows; /* NULL: there was none yet */
	uint64_t serial;        /* of the question; counts up */
	bool asked, pending;    /* the rows' question is out; it, or what is to be asked, is not answered */
	bool failed;            /* the last answer, with why */
	char *why;
	bool beside_failed, state_asked;
	int64_t state_from; /* how far back it was looked for who writes */
	struct view_host hosts[VIEW_HOSTS_MAX];
	unsigned n_hosts, n_hosts_more;
	struct arena state_memory;

	/* What is shown of them. */
	enum ask_units units;
	enum view_mode mode;
	size_t selected, top, page; /* rows; page: how many have room */
	bool trends;                /* there is room for them */
	struct help help;
	size_t help_page; /* lines that have room */
	struct typed find;
	unsigned menu, menu_rows; /* the place of a dimension; how many stand below each other */
	size_t whole_top, whole_page;
	char said[160]; /* until the next key */
	bool quit, redraw;
	char *wanted; /* the value to select in the next answer */
	uint32_t wanted_len;
};

/* Begins with the question of the ask. */
void view_model_init(struct view_model *, const struct ask *, int64_t now);
void view_model_done(struct view_model *);

/* What a key does (press.h). now: Unix seconds. */
void view_model_key(struct view_model *, uint32_t press, int64_t now);

/* The question that is to be asked next, once none is on its way; NULL: none. The caller's. */
struct view_job *view_model_next(struct view_model *);

/* True if an answer to it is of no use any more. */
bool view_model_stale(const struct view_model *, const struct view_job *);

/* Takes a job with its answer, or one that was given up (err -ECANCELED). */
void view_model_take(struct view_model *, struct view_job *);

/* How many rows have room, and whether trends do. Keeps the selected one in sight. */
void view_model_room(struct view_model *, size_t page, bool trends);

/* The selected row, or NULL. */
const struct view_row *view_model_selected(const struct view_model *);

/* Within model*.c. */
void view_model_ask(struct view_model *, int64_t now);
void view_model_say(struct view_model *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void view_model_move_to(struct view_model *, size_t row);
void view_model_want(struct view_model *, const char *value, uint32_t len);
bool view_model_sort(struct view_model *);
void view_model_by(struct view_model *, enum ps_dimension, int64_t now);
void view_model_include(struct view_model *, int64_t now);
void view_model_exclude(struct view_model *, int64_t now);
enum view_remove { VIEW_REMOVE_ANY, VIEW_REMOVE_INCLUDE, VIEW_REMOVE_EXCLUDE };
void view_model_remove(struct view_model *, enum view_remove, int64_t now);

#endif

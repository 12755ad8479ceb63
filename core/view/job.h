/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A question of `picosnitch view`, and what has been answered. Self-contained: made by one thread, filled by another,
 * and taken by the first again.
 */
#ifndef PS_VIEW_JOB_H
#define PS_VIEW_JOB_H

#include "core/view/rows.h"

enum view_job_kind {
	VIEW_ROWS,     /* what is shown */
	VIEW_TRENDS,   /* of some of its rows, traffic by steps of time */
	VIEW_VERDICTS, /* of some hashes */
	VIEW_STATE,    /* who has written to the store, and when last */
};

struct view_host {
	const char *name;
	int64_t last;
};
enum { VIEW_HOSTS_MAX = 8, VIEW_ASKED_MAX = 128 };

struct view_job {
	enum view_job_kind kind;
	uint64_t serial; /* of the rows that it belongs to */
	struct ps_question question;
	enum ps_dimension by[2];
	struct ps_filter *filters;
	struct arena memory;
	unsigned n_asked; /* of VIEW_TRENDS and VIEW_VERDICTS: rows, by their index */
	size_t asked[VIEW_ASKED_MAX];
	struct ps_text values[VIEW_ASKED_MAX]; /* of them */
	int64_t begin;                         /* VIEW_TRENDS: of its first step */
	unsigned steps;

	/* The answer. */
	int err; /* of the reader: -errno */
	const char *why;
	int64_t took_ns;
	struct view_rows *rows;               /* VIEW_ROWS */
	uint64_t *trends;                     /* VIEW_TRENDS: steps of each that was asked for */
	const char *verdicts[VIEW_ASKED_MAX]; /* VIEW_VERDICTS; NULL: none */
	bool alarming[VIEW_ASKED_MAX];
	struct view_host hosts[VIEW_HOSTS_MAX]; /* VIEW_STATE: who wrote last */
	unsigned n_hosts, n_hosts_more;
};

/* With no filters yet. */
struct view_job *view_job_new(enum view_job_kind, uint64_t serial);
void view_job_free(struct view_job *);

/* The value is copied. */
void view_job_filter(struct view_job *, enum ps_dimension, int exclude, struct ps_text value);

/* A row whose trend or verdict is asked for. False: there is no room for more. */
bool view_job_want(struct view_job *, size_t row, struct ps_text value);

/* Once the question is whole: takes its answer, whose arg is the job. */
void view_job_answer(struct view_job *, struct ps_answer *);

void view_rows_free(struct view_rows *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A question from the words of a command line, or from names with values. */
#ifndef PS_QUERY_ASK_H
#define PS_QUERY_ASK_H

#include "core/base/mem.h"
#include "core/question.h"

enum ask_format { ASK_TABLE, ASK_CSV, ASK_JSON };
enum ask_units { ASK_AUTO, ASK_B, ASK_KB, ASK_MB, ASK_GB };

/* What is understood when all is known. */
struct ask_words {
	const char *last, *from, *to, *step;
	int ordered;              /* --order was given */
	const char *traffic_only; /* an option that says nothing to --audit */
	const char *groups_only;  /* ... and to --events */
};

struct ask {
	struct ps_question question;
	enum ps_dimension by[PS_DIMENSIONS];
	struct ps_filter *filters;
	enum ask_format format;
	enum ask_units units;
	const char *store, *file; /* of argv, or NULL: which sink's store; which file */
	int64_t last;             /* the range ends now, and is so long: in seconds; 0: it is another */
	int audit;                /* the self-audit is asked for, not the traffic */
	int follow;               /* and what comes to it */
	int silent;               /* of that: what is there now is not told */
	int help;
	struct ask_words words;
	struct arena memory;
};

/* Reads argv, whose first word is the command's name, as seen at `now` (Unix seconds). 0, or
 * -EINVAL with what is wrong, for a person, in *why (lives as long as the ask). ask_done() in any
 * case. Not thread-safe (getopt). */
int ask_parse(struct ask *, int argc, char **argv, int64_t now, const char **why);
void ask_done(struct ask *);

/* The same one by one: ask_put() takes an option that has a value, by its long name or its letter ("filter", "f"), and
 * ask_end() what follows of them together. Texts live as long as the ask. Any thread, one for each ask. */
void ask_begin(struct ask *);
int ask_put(struct ask *, const char *name, const char *value, const char **why);
int ask_end(struct ask *, int64_t now, const char **why);

/* What --help prints. */
extern const char ask_help[];

#endif

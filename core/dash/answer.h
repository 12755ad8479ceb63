/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a question becomes an answer: on a worker's thread, with a store of its own. */
#ifndef PS_DASH_ANSWER_H
#define PS_DASH_ANSWER_H

#include "core/cli/store.h"
#include "core/dash/dash.h"
#include "core/dash/json.h"
#include "core/dash/reply.h"
#include "core/dash/target.h"
#include "core/query/ask.h"
#include "core/query/country.h"

enum {
	ANSWER_ROWS = 100,
	ANSWER_ROWS_MAX = 10000,
	ANSWER_TEXT_MAX = 32 << 20,    /* bytes of texts in one answer; what is beyond is `more` */
	ANSWER_EXPORT_MAX = 512 << 20, /* bytes of an export */
};

struct asking {
	struct dash *dash;
	struct cli_store *store; /* its reader is open when an endpoint is called */
	const struct target *target;
	struct reply *reply;
	const struct country *countries; /* or NULL */
	int64_t now;                     /* Unix seconds */
};

/* An endpoint: sets the reply. */
typedef void answer_function(struct asking *);

answer_function answer_info, answer_traffic, answer_tops, answer_series, answer_events, answer_audit, answer_export,
    answer_metrics;

/* Reads those of the request's parameters that belong to a question: `question` and `own` name, between spaces, what
 * the endpoint knows; f, x and kind may stand more than once. 0, or -EINVAL with the reply set. ask_done() in any case.
 */
int answer_read(struct asking *, struct ask *, const char *question, const char *own);

/* ask_end(), likewise. */
int answer_read_end(struct asking *, struct ask *);

/* A whole number among the parameters. 0, or -EINVAL with the reply set. */
int answer_number(struct asking *, const char *name, unsigned fallback, unsigned least, unsigned most, unsigned *n);

/* The parameter `ports`: "all" has each port of a client by itself; without it they may be one group, -2, so that sums
 * answer at once. 0, or -EINVAL with the reply set. */
int answer_ports(struct asking *, struct ps_question *);

/* Asks the store. 0, or -errno with the reply set. */
int answer_ask(struct asking *, const struct ps_question *, struct ps_answer *);

/* When the first and the last row were recorded; INT64_MIN: there is none. Not older than some seconds. 0, or -errno
 * with the reply set. */
struct extent {
	int64_t first, last;
	uint64_t rows;
};
int answer_extent(struct asking *, struct extent *);

/* ps_answer.loss for an answer whose arg begins with a json_t *: the array. */
void answer_put_loss(void *arg, const struct ps_answer_loss *);

#endif

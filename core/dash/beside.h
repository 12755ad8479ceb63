/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known about values of an answer: the country of an address, the verdict about a hash. */
#ifndef PS_DASH_BESIDE_H
#define PS_DASH_BESIDE_H

#include "core/dash/answer.h"

enum { BESIDE_HASHES_MAX = 1000 }; /* that have a verdict looked up in one answer: the first */

/* Where a verdict goes that is not known yet. */
struct beside_place {
	json_t *list; /* an array, at that index; or an object, as its "beside" */
	size_t at;
	char *hash;
};

struct beside {
	struct asking *asking;
	struct beside_place *places;
	size_t n;
};

/* Sets what is known of one value, or null: `holder` is an array, or an object with "beside". It has to live until
 * beside_end(). */
void beside_put(struct beside *, json_t *holder, size_t at, enum ps_dimension, struct ps_text value);

/* Asks for the verdicts, and sets them. 0, or -errno with the reply set. */
int beside_end(struct beside *);
void beside_done(struct beside *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of answers as JSON. */
#ifndef PS_DASH_JSON_H
#define PS_DASH_JSON_H

#include <jansson.h>

#include "core/base/buf.h"
#include "core/question.h"

/* Beyond that a number is not exact in a browser. */
#define JSON_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

/* Appends it in one line, and frees it. NULL is fatal: out of memory. */
void json_put_new(struct buf *out, json_t *);

json_t *json_count(uint64_t);
json_t *json_text(struct ps_text); /* what is not UTF-8, which no store of ours has, becomes a ? */
json_t *json_time(int64_t);        /* null at INT64_MIN and INT64_MAX */

/* A dimension's value as people see it: a word, a text, or a number. */
json_t *json_value(enum ps_dimension, struct ps_text);

/* ps_answer.loss: arg is a JSON array. */
json_t *json_loss(const struct ps_answer_loss *);

#endif

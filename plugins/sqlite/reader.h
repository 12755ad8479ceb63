/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers from the store, for whoever may read its file. Writes nothing. */
#ifndef PS_SQLITE_READER_H
#define PS_SQLITE_READER_H

#include "core/plugin.h"
#include "core/question.h"
#include "core/trail.h"

/* The members of struct ps_reader. */
int reader_open(const struct ps_host *, struct ps_ctx *, void **self);
int reader_ask(void *self, const struct ps_question *, struct ps_answer *);
int reader_walk(void *self, const struct ps_trail *);
void reader_close(void *self);

#endif

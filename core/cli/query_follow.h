/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `picosnitch query --follow`: what comes to an answer. */
#ifndef PS_CLI_QUERY_FOLLOW_H
#define PS_CLI_QUERY_FOLLOW_H

#include "core/cli/store.h"
#include "core/query/ask.h"
#include "core/query/country.h"

/* Until standard output is closed, or the store has been away at the start. The exit status. */
int query_follow(struct ask *, const char *config_path);

/* Of the terminal that standard output is; 0: it is none. Whether it may have bold text. */
unsigned query_width(void);
int query_bold(void);

/* The countries of addresses, if the question is about them; NULL: it is not, or there are none, which is said. */
struct country *query_countries(const struct cli_store *, const struct ask *);

/* A ps_answer.loss: a warning. */
void query_warn(void *, const struct ps_answer_loss *);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words that people see for values that are numbers: of users, protocols, families. Any thread. */
#ifndef PS_QUERY_VALUE_WORD_H
#define PS_QUERY_VALUE_WORD_H

#include "core/question.h"

#define VALUE_WORD_SIZE 64

/* "root", "tcp", "ipv4", or NULL: the value stands for itself. In `out`, or static. What the system says of a user is
 * remembered for some seconds. */
const char *value_word(char out[VALUE_WORD_SIZE], enum ps_dimension, long long number);

#endif

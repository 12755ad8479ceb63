/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stored values as people see them: valid UTF-8, no control characters, no more than VIEW_SHOWN_MAX bytes. */
#ifndef PS_VIEW_SHOWN_H
#define PS_VIEW_SHOWN_H

#include <stdbool.h>

#include "core/base/mem.h"
#include "core/question.h"

/* Names for the numbers that have one; a dash for what is not known. Asks the system for the names of users. */
const char *shown_value(struct arena *, enum ps_dimension, struct ps_text value);

const char *shown_text(struct arena *, struct ps_text);

/* "clean", "SUSPICIOUS 5 of 70", ...; *alarming: it should be looked at. */
const char *shown_verdict(struct arena *, const struct ps_answer_event *, bool *alarming);

#endif

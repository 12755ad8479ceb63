/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Questions about countries. A store knows addresses, not countries: it is asked by remote address instead, and what
 * it answers is folded by country, of which the filters, the order and the limit are seen to here.
 */
#ifndef PS_QUERY_FOLD_H
#define PS_QUERY_FOLD_H

#include "core/plugin.h"
#include "core/query/country.h"
#include "core/question.h"

/*
 * reader->ask() for all questions, PS_BY_COUNTRY among what they group or filter by, too; without that it is
 * reader->ask() itself. db may be NULL: then no country is known. The result is that of the reader. Memory is in
 * proportion to the groups of the answer before its limit; none is needed if the question is in parts,
 * or groups by remote address and not by country. Any thread, as far as the reader allows.
 */
int fold_ask(const struct ps_reader *reader, void *self, const struct country *db, const struct ps_question *,
             struct ps_answer *);

/* Whether the question groups or filters by country. */
int fold_is_needed(const struct ps_question *);

#endif

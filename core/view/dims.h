/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dimensions in the order in which people go through them, and what they are called. */
#ifndef PS_VIEW_DIMS_H
#define PS_VIEW_DIMS_H

#include <stdbool.h>

#include "core/question.h"

/* All of them, each once. */
enum ps_dimension dims_at(unsigned place); /* place < PS_DIMENSIONS */
unsigned dims_place(enum ps_dimension);

/* "executable", "remote address". */
const char *dims_title(enum ps_dimension);

/* Of a key of the menu: '1' to '9', '0', 'a' and so on; and back, PS_DIMENSIONS if there is none. */
char dims_key(unsigned place);
enum ps_dimension dims_of_key(uint32_t key);

/* SHA-256s, of which there may be verdicts; addresses, which may have a country. */
bool dims_is_hash(enum ps_dimension);
bool dims_is_address(enum ps_dimension);

/* That, or a country itself. */
bool dims_is_place(enum ps_dimension);

/* Where to go on once `done` (a set of bits by dimension) are known. */
enum ps_dimension dims_next(uint64_t done);

#endif

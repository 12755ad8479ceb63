/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of the page, which are in the program. */
#ifndef PS_DASH_PAGE_H
#define PS_DASH_PAGE_H

#include "core/dash/reply.h"

/* Sets the reply if the path is one of the page's. accept_encoding, if_none_match: headers, or NULL. */
bool page_answer(struct reply *, const char *path, const char *accept_encoding, const char *if_none_match);

#endif

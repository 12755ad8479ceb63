/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of the page, which are in the program. */
#ifndef PS_DASH_PAGE_H
#define PS_DASH_PAGE_H

#include "core/dash/reply.h"

/* Sets the reply if the path is one of the page's. accept_encoding, if_none_match: headers, or NULL. */
bool page_answer(struct reply *, const char *path, const char *accept_encoding, const char *if_none_match);

/* Whether an Accept-Encoding has gzip, and an If-None-Match the tag, which is quoted. */
bool page_accepts_gzip(const char *accept_encoding);
bool page_has_tag(const char *if_none_match, const char *tag);

#endif

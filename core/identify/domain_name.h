/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Domain names as records have them: in reverse notation ("com.example.www"), so that what belongs
 * together sorts together. Any byte is allowed; ASCII letters are made small, as DNS does not tell
 * them apart. A dot or a backslash within a label has a backslash before it. Pure.
 */
#ifndef PS_IDENTIFY_DOMAIN_NAME_H
#define PS_IDENTIFY_DOMAIN_NAME_H

#include <stddef.h>

#include "core/base/value.h"

#define DOMAIN_NAME_MAX 253 /* bytes of a name, its dots included */
#define DOMAIN_LABELS (DOMAIN_NAME_MAX / 2 + 1)
#define DOMAIN_NAME_SIZE (2 * DOMAIN_NAME_MAX + 1) /* of the notation, with room for backslashes and a NUL */

/* From labels, the first being the leftmost: at most DOMAIN_LABELS with together at most
 * DOMAIN_NAME_MAX bytes. Returns the length, without the NUL. */
size_t domain_name_join(char out[DOMAIN_NAME_SIZE], const struct ps_text *labels, size_t n);

/* From the usual notation ("www.example.com", with or without a dot at the end). Returns the length,
 * or 0 for what is no name: nothing, too much, empty labels, a number such as an address is. */
size_t domain_name_from_text(char out[DOMAIN_NAME_SIZE], const char *text, size_t len);

#endif

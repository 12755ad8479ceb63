/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses that are in no country: the registries of special purposes (IANA; RFC 6890 and its like). Any thread. */
#ifndef PS_QUERY_SPECIAL_H
#define PS_QUERY_SPECIAL_H

#include <stdbool.h>

#include "core/base/value.h"

/* Reads an address as it is stored. An IPv6 address that carries one of IPv4 (mapped, NAT64, 6to4) becomes that.
 * False: it is none of IPv4 or IPv6. */
bool special_parse(struct ps_addr *, struct ps_text);

/* "private", "loopback", "multicast", ...; NULL if it is somewhere in the world. Static. */
const char *special_word(const struct ps_addr *);

/* Whether it is a word of the above. */
bool special_is_word(const char *);

#endif

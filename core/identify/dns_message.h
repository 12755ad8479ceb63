/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an answer of DNS says: which addresses the name has that was asked for. Pure, and bounded:
 * the message is anybody's, may be cut, and is worth no more than a few thousand steps.
 */
#ifndef PS_IDENTIFY_DNS_MESSAGE_H
#define PS_IDENTIFY_DNS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/value.h"

enum dns_kind {
	DNS_PLAIN,
	DNS_MULTICAST,  /* mDNS: no question; anybody may answer, so names within `local` alone count */
	DNS_LINK_LOCAL, /* LLMNR: likewise, names of one label */
};

/* One address of a name. The text lives until the function that is told returns. */
struct dns_found {
	struct ps_text name; /* that was asked for; reverse notation */
	struct ps_addr addr; /* IPv4-mapped as IPv4 */
	uint32_t ttl;        /* seconds, the least on the way from the name to the address */
};
typedef void (*dns_each)(void *arg, const struct dns_found *);

/* Tells of each address in a message: of A and AAAA records and the hints of HTTPS and SVCB, at the
 * end of the chain of aliases that begins at the question. What is cut is read as far as it goes.
 * Returns how many were told, or -EINVAL for what is no answer, or one that says an error. */
int dns_message_read(const void *data, size_t len, enum dns_kind, dns_each, void *arg);

#endif

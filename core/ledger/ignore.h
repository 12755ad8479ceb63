/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is left out of the log: [log] ignore_* and ignore_local, made quick to ask. Pure; main
 * thread only.
 *
 * A look costs a bit for the ports, a binary search for the networks, one look in a table for a
 * hash, and one for each label of a domain, however many rules there are.
 */
#ifndef PS_LEDGER_IGNORE_H
#define PS_LEDGER_IGNORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/capture/addresses.h"
#include "core/config/settings.h"
#include "core/record.h"

struct ignore;

/* Copies what it needs of the settings. NULL when there is nothing to ignore: the others take that. */
struct ignore *ignore_open(const struct log_settings *);
void ignore_close(struct ignore *);

/* The ends of a flow, as a traffic record has them. */
struct ignore_flow {
	uint32_t netns;
	int64_t lport, rport;
	struct ps_addr laddr, raddr;
};

/* Whether its ports, its remote address, or both ends being here say so. */
bool ignore_flow(const struct ignore *, const struct ignore_flow *);

/* Whether its domain, in reverse notation, says so: by whole labels, in either case. */
bool ignore_domain(const struct ignore *, struct ps_text domain);

/* Whether the hash of its executable says so. */
bool ignore_hash(const struct ignore *, const uint8_t sha256[32]);

/* Whether addresses of this machine are asked for, and those: they replace the ones before. */
bool ignore_wants_addresses(const struct ignore *);
void ignore_set_addresses(struct ignore *, const struct own_address *, size_t n);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lists of [log], what is to be ignored: words between commas or blanks, as values that can be
 * compared. Pure. That a line has 65536 bytes bounds them: some 4000 networks, 1000 hashes.
 */
#ifndef PS_CONFIG_LISTS_H
#define PS_CONFIG_LISTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/value.h"

struct port_range {
	uint16_t first, last; /* both are in it; first <= last */
};

/* addr.family is AF_INET or AF_INET6, as an address of a record has it; bits beyond the prefix are 0. */
struct subnet {
	struct ps_addr addr;
	uint8_t bits;
};

struct hash_value {
	uint8_t sha256[32];
};

struct ignore_lists {
	struct port_range *ports;
	struct subnet *subnets;
	char **domains; /* reverse notation, lower case: com.example */
	struct hash_value *hashes;
	size_t n_ports, n_subnets, n_domains, n_hashes;
};

enum ignore_list { IGNORE_PORTS, IGNORE_DOMAINS, IGNORE_SUBNETS, IGNORE_HASHES };

/* Adds one word to a list. NULL, or what is wrong with it, for a person. */
const char *lists_add(struct ignore_lists *, enum ignore_list, const char *word);

/* The next word at *text, which moves behind it: words end with a comma or a blank. NULL: there is
 * none. The text is changed. */
char *lists_word(char **text);

void lists_done(struct ignore_lists *);

#endif

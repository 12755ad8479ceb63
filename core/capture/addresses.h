/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The addresses that interfaces of a network namespace have: which of them are this machine. */
#ifndef PS_CAPTURE_ADDRESSES_H
#define PS_CAPTURE_ADDRESSES_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/value.h"

struct own_address {
	uint32_t netns; /* inode */
	struct ps_addr addr;
};

struct own_addresses {
	struct own_address *list;
	size_t n;
};

/* Adds those of the namespace that process pid lives in (0: the calling thread's), which is `netns`;
 * 4096 at most. Blocks on the kernel, and the calling thread enters the namespace meanwhile: for a
 * worker. 0 or -errno; then the list is as it was. */
int addresses_read(struct own_addresses *, uint32_t netns, uint32_t pid);
void addresses_done(struct own_addresses *);

#endif

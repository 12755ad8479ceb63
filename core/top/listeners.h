/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sockets that wait for others, as the last whole look of the feed says, by port; and those of a look that has
 * not ended yet. Bounded: further ones are counted. */
#ifndef PS_TOP_LISTENERS_H
#define PS_TOP_LISTENERS_H

#include <jansson.h>

#include "core/top/rows.h"

struct listener {
	uint8_t program[32];       /* its key */
	struct top_listener shown; /* its texts are its own */
};

struct listener_list {
	struct listener *of;
	size_t n;
	uint64_t more;
};

struct listeners {
	struct listener_list whole, coming;
	char *error; /* of the last whole look; "": none; NULL: there has been no look */
	size_t most;
};

void listeners_init(struct listeners *, size_t most);
void listeners_done(struct listeners *);

/* A line of a look, and its last. */
void listeners_add(struct listeners *, const json_t *line);
void listeners_turn(struct listeners *, const json_t *line);

/* The feed is lost. */
void listeners_clear(struct listeners *);

#endif

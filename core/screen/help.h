/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of help that scroll. */
#ifndef PS_SCREEN_HELP_H
#define PS_SCREEN_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct help {
	const char *const *lines;
	size_t n, top; /* top: the first that is shown */
};

/* False: the key goes back. page: how many lines have room. */
bool help_key(struct help *, uint32_t press, size_t page);

/* Keeps `top` where `page` lines from it on are there. */
void help_fit(struct help *, size_t page);

#endif

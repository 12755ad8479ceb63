/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line of text that is being typed: what to find. */
#ifndef PS_SCREEN_TYPED_H
#define PS_SCREEN_TYPED_H

#include <stdint.h>

enum { TYPED_MAX = 60 };

struct typed {
	char text[TYPED_MAX + 1]; /* as the locale has it */
};

enum typed_state { TYPED_ON, TYPED_DONE, TYPED_GIVEN_UP };

/* A key while it is typed. */
enum typed_state typed_key(struct typed *, uint32_t press);

#endif

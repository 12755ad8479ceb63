/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of `picosnitch dash` share. */
#ifndef PS_DASH_DASH_H
#define PS_DASH_DASH_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/dash/guard.h"
#include "core/dash/options.h"

enum { DASH_ASKED_AT_ONCE = 4, DASH_LISTENERS_MAX = 8 };

struct dash {
	const struct dash_options *options;
	struct guard guard;
	struct atlas *atlas;
	struct workers *workers;
	struct live *live;
	struct visits *visits;
	atomic_bool stopping;
};

#endif

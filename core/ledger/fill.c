/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/fill.h"

bool fill_see(struct fill *f, uint64_t n, uint64_t room)
{
	bool was = f->near;

	f->room = room;
	f->last = n;
	if (n > f->most)
		f->most = n;
	f->calm = n * 100 < room * FILL_CALM_PERCENT ? f->calm + 1 : 0;
	if (n * 100 >= room * FILL_NEAR_PERCENT)
		f->near = true;
	else if (f->calm >= FILL_CALM_TIMES)
		f->near = false;
	return f->near != was;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nearly full: each change of state is told once. */
#include "core/ledger/fill.h"

#include "tests/tap.h"

/* How often a change was told. */
static unsigned see(struct fill *f, uint64_t n, unsigned times)
{
	unsigned changes = 0;

	while (times--)
		changes += fill_see(f, n, 1000);
	return changes;
}

int main(void)
{
	struct fill f = {0};

	is_int(see(&f, 899, 50), 0, "below 90 %% nothing is told");
	is_int(see(&f, 900, 1), 1, "from there on it is");
	ok(f.near, "that it is nearly full");
	is_int(see(&f, 950, 20) + see(&f, 1000, 20), 0, "once");
	is_int(see(&f, 800, 50), 0, "a little less is no change");
	for (unsigned i = 0, n = 0; i < 10; i++) {
		n += see(&f, 10, FILL_CALM_TIMES - 1) + see(&f, 750, 1);
		is_int(n, 0, "nor is much less for a moment");
	}
	is_int(see(&f, 749, FILL_CALM_TIMES - 1), 0, "not yet");
	is_int(see(&f, 749, 1), 1, "less for a while is");
	ok(!f.near, "it is over");
	is_int(see(&f, 10, 50), 0, "which is told once");
	is_int(see(&f, 900, 1), 1, "and then it may come again");
	ok(f.most == 1000 && f.last == 900, "the most is known, and the last");
	return tap_done();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/gap.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

/* The daemon before this one was killed: what it had not written is lost. */
static void tell_killed(struct losses *losses, const struct journal_start *start, int64_t before_ns, int64_t started_ns)
{
	int64_t from = start->last_end_ns > start->unclean_since_ns ? start->last_end_ns : start->unclean_since_ns;
	char stamp[CLOCK_TEXT_SIZE], *text;

	/* The pid file knows of windows without traffic too. */
	if (before_ns > from && before_ns < started_ns)
		from = before_ns;
	text = mem_printf(
	    "the daemon before did not stop but was killed: what came after %s is lost, the window that was open "
	    "and the time until this start",
	    clock_text(stamp, from));
	losses_add_range(losses, PS_STAGE_RESTART, from, started_ns, 1, 0, 0, text);
	free(text);
}

/* It was stopped: nothing is lost of what it saw, but nobody saw what came after. */
static void tell_stopped(struct losses *losses, const struct journal_start *start, int64_t started_ns)
{
	int64_t away_ns = started_ns - start->last_end_ns;
	char stamp[CLOCK_TEXT_SIZE], *text;

	if (!start->last_end_ns)
		return;
	clock_text(stamp, start->last_end_ns);
	if (away_ns < -NS_PER_S)
		losses_add(
		    losses, PS_STAGE_TAMPER, 1, 0, 0,
		    "the clock was set back while picosnitch was stopped: the last window ended at %s, and it is earlier now",
		    stamp);
	if (away_ns < 0)
		return;
	text = mem_printf("picosnitch was stopped at %s and started again %.1f s later: nothing was watched in between",
	                  stamp, (double)away_ns / (double)NS_PER_S);
	losses_tell(losses, PS_STAGE_RESTART, start->last_end_ns, started_ns, text);
	free(text);
}

void gap_tell(struct losses *losses, const struct journal_start *start, int64_t before_ns, int64_t started_ns)
{
	if (start->unclean)
		tell_killed(losses, start, before_ns, started_ns);
	else
		tell_stopped(losses, start, started_ns);
}

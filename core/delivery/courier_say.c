/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/delivery/courier_inside.h"
#include "core/plugin.h"

#define LOG_BURST 20
#define LOG_EVERY_NS (500 * NS_PER_MS)

int courier_allow(struct allowance *a, unsigned burst, int64_t every_ns)
{
	int64_t now = clock_monotonic_ns(), back = (now - a->since_ns) / every_ns;

	a->used = back < a->used ? a->used - (unsigned)back : 0;
	a->since_ns += back * every_ns;
	if (a->used >= burst)
		return 0;
	a->used++;
	return 1;
}

void courier_set_state(struct courier *c, enum courier_state state, const char *why)
{
	static const char *const text[] = {"starting", "ready", "away", "restarting", "stopped", "ended"};
	char copy[sizeof(c->why)];

	snprintf(copy, sizeof(copy), "%s", why);
	text_clean(copy, strlen(copy));
	memcpy(c->why, copy, sizeof(copy));
	if (c->status.state != state)
		c->status.since_ns = clock_monotonic_ns();
	c->status.state = state;
	c->status.state_text = text[state];
}

void courier_alert(struct courier *c, uint64_t count, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_clean(text, strlen(text));
	c->events.alert(c->events.arg, c->sink->name, text, count);
}

void courier_log(struct courier *c, unsigned level, const char *line)
{
	const char *name = c->sink->name;

	if (!courier_allow(&c->log_allowance, LOG_BURST, LOG_EVERY_NS)) {
		c->lines_left_out++;
		return;
	}
	if (c->lines_left_out)
		log_warning("sink %s: %u lines were left out", name, c->lines_left_out);
	c->lines_left_out = 0;
	if (level == PS_ERROR)
		log_error("sink %s: %s", name, line);
	else if (level == PS_WARNING)
		log_warning("sink %s: %s", name, line);
	else if (level == PS_INFO)
		log_info("sink %s: %s", name, line);
	else
		log_debug("sink %s: %s", name, line);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/losses.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"

/* Distinct alerts in one window; further ones are added to the last. */
enum { WAITING_MAX = 256, STAGES = PS_STAGE_NAMES + 1 };

struct waiting {
	struct ps_record record;
	struct ps_alert shown; /* of its counts */
	char *text;
};

struct losses {
	struct waiting waiting[WAITING_MAX];
	size_t n;
	struct losses_total totals[STAGES];
	void (*seen)(void *arg, const struct ps_record *, const char *text);
	void *seen_arg;
};

struct losses *losses_open(void)
{
	return mem_alloc(sizeof(struct losses));
}

void losses_close(struct losses *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->waiting[i].text);
	free(l);
}

const char *losses_stage_name(enum ps_stage stage)
{
	static const char *const names[STAGES] = {
	    "",        "ring",    "flows",  "programs", "fanotify", "hash",    "process", "handoff", "journal", "sink",
	    "restart", "capture", "config", "selftest", "audit",    "channel", "tamper",  "memory",  "names"};

	return (unsigned)stage < STAGES ? names[stage] : "";
}

static void show(struct losses *l, struct waiting *w)
{
	struct ps_record more = w->record;

	more.alert.count -= w->shown.count;
	more.alert.sent -= w->shown.sent;
	more.alert.received -= w->shown.received;
	w->shown = w->record.alert;
	if (l->seen)
		l->seen(l->seen_arg, &more, w->text);
}

void losses_show(struct losses *l, void (*seen)(void *, const struct ps_record *, const char *), void *arg)
{
	l->seen = seen;
	l->seen_arg = arg;
}

void losses_show_more(struct losses *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct ps_alert *now = &l->waiting[i].record.alert, *shown = &l->waiting[i].shown;

		if (now->count != shown->count || now->sent != shown->sent || now->received != shown->received)
			show(l, &l->waiting[i]);
	}
}

static void add(struct losses *l, enum log_level level, enum ps_stage stage, int64_t start_ns, int64_t end_ns,
                uint64_t count, uint64_t sent, uint64_t received, const char *text)
{
	struct losses_total *total = &l->totals[stage];
	struct waiting *w = NULL;
	struct ps_alert *a;
	bool first = false;

	/* What was only told, and lost nothing, is a record but no loss. */
	if (count || sent || received) {
		total->stage = stage;
		total->count += count;
		total->sent += sent;
		total->received += received;
		total->last_ns = clock_wall_ns();
	}
	for (size_t i = 0; i < l->n && !w; i++)
		if (l->waiting[i].record.alert.stage == stage && l->waiting[i].record.start_ns == start_ns &&
		    strcmp(l->waiting[i].text, text) == 0)
			w = &l->waiting[i];
	if (!w && l->n == WAITING_MAX)
		w = &l->waiting[WAITING_MAX - 1];
	if (!w) {
		first = true;
		w = &l->waiting[l->n++];
		*w = (struct waiting){.text = mem_strdup(text)};
		w->record.kind = PS_ALERT;
		w->record.start_ns = start_ns;
		w->record.end_ns = end_ns;
		w->record.alert.stage = stage;
		if (level == LOG_LEVEL_INFO)
			log_info("%s: %s", losses_stage_name(stage), text);
		else
			log_error("%s: %s", losses_stage_name(stage), text);
	}
	a = &w->record.alert;
	a->count += count;
	a->sent += sent;
	a->received += received;
	if (first)
		show(l, w);
}

void losses_add_range(struct losses *l, enum ps_stage stage, int64_t start_ns, int64_t end_ns, uint64_t count,
                      uint64_t sent, uint64_t received, const char *text)
{
	add(l, LOG_LEVEL_ERROR, stage, start_ns, end_ns, count, sent, received, text);
}

void losses_tell(struct losses *l, enum ps_stage stage, int64_t start_ns, int64_t end_ns, const char *text)
{
	add(l, LOG_LEVEL_INFO, stage, start_ns, end_ns, 0, 0, 0, text);
}

void losses_add(struct losses *l, enum ps_stage stage, uint64_t count, uint64_t sent, uint64_t received,
                const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	losses_add_range(l, stage, 0, 0, count, sent, received, text);
}

void losses_take(struct losses *l, void (*each)(void *, const struct ps_record *, const char *), void *arg)
{
	losses_show_more(l);
	for (size_t i = 0; i < l->n; i++) {
		each(arg, &l->waiting[i].record, l->waiting[i].text);
		free(l->waiting[i].text);
	}
	l->n = 0;
}

size_t losses_waiting(const struct losses *l)
{
	return l->n;
}

size_t losses_totals(const struct losses *l, struct losses_total *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < STAGES && n < max; i++)
		if (l->totals[i].last_ns)
			out[n++] = l->totals[i];
	return n;
}

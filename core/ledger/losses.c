/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/losses.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"

/* Distinct alerts at a time; further ones are added up by stage. */
enum { STAGES = PS_STAGE_NAMES + 1, DISTINCT_MAX = 256, WAITING_MAX = DISTINCT_MAX + STAGES };

#define AND_MORE "and more, of too many kinds to be told one by one"

/* An alert: of this window, or one of before that may not be over. */
struct waiting {
	struct ps_record record; /* of this window */
	struct ps_alert shown;   /* of its counts */
	char *text;
	bool seen; /* in this window */
	enum log_level level;
	unsigned times;                 /* windows that it was seen in */
	uint64_t count, sent, received; /* in all of them */
	int64_t since_ns;
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

		if (l->waiting[i].seen &&
		    (now->count != shown->count || now->sent != shown->sent || now->received != shown->received))
			show(l, &l->waiting[i]);
	}
}

__attribute__((format(printf, 2, 3))) static void log_at(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_message(level, format, args);
	va_end(args);
}

static struct waiting *find(struct losses *l, enum ps_stage stage, int64_t start_ns, const char *text)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->waiting[i].record.alert.stage == stage && l->waiting[i].record.start_ns == start_ns &&
		    strcmp(l->waiting[i].text, text) == 0)
			return &l->waiting[i];
	return NULL;
}

static struct waiting *begin(struct losses *l, enum log_level level, enum ps_stage stage, int64_t start_ns,
                             int64_t end_ns, const char *text)
{
	struct waiting *w = &l->waiting[l->n++];

	*w = (struct waiting){.text = mem_strdup(text), .level = level, .since_ns = clock_wall_ns()};
	w->record.kind = PS_ALERT;
	w->record.start_ns = start_ns;
	w->record.end_ns = end_ns;
	w->record.alert.stage = stage;
	log_at(level, "%s: %s", losses_stage_name(stage), text);
	return w;
}

static void add(struct losses *l, enum log_level level, enum ps_stage stage, int64_t start_ns, int64_t end_ns,
                uint64_t count, uint64_t sent, uint64_t received, const char *text)
{
	struct losses_total *total = &l->totals[stage];
	struct waiting *w = find(l, stage, start_ns, text);
	struct ps_alert *a;
	bool first;

	/* What was only told, and lost nothing, is a record but no loss. */
	if (count || sent || received) {
		total->stage = stage;
		total->count += count;
		total->sent += sent;
		total->received += received;
		total->last_ns = clock_wall_ns();
	}
	if (!w && l->n >= DISTINCT_MAX) {
		start_ns = end_ns = 0;
		text = AND_MORE;
		w = find(l, stage, 0, text);
	}
	if (!w)
		w = begin(l, level, stage, start_ns, end_ns, text);
	first = !w->seen;
	w->seen = true;
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

void losses_warn(struct losses *l, enum ps_stage stage, const char *text)
{
	add(l, LOG_LEVEL_WARNING, stage, 0, 0, 0, 0, 0, text);
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

/* The window of an alert ends. */
static void close_window(struct waiting *w)
{
	struct ps_alert *a = &w->record.alert;

	w->times++;
	w->count += a->count;
	w->sent += a->sent;
	w->received += a->received;
	a->count = a->sent = a->received = 0;
	w->shown = *a;
	w->seen = false;
}

/* A whole window has passed without it. What was seen once needs no word about its end. */
static void end(struct waiting *w)
{
	if (w->times > 1)
		log_at(w->level, "%s: %s: this has ended; since it was told %.0f s ago: %" PRIu64 " times, in %u windows",
		       losses_stage_name(w->record.alert.stage), w->text, (double)(clock_wall_ns() - w->since_ns) / NS_PER_S,
		       w->count, w->times);
	free(w->text);
}

void losses_take(struct losses *l, void (*each)(void *, const struct ps_record *, const char *), void *arg)
{
	size_t kept = 0;

	losses_show_more(l);
	for (size_t i = 0; i < l->n; i++) {
		struct waiting *w = &l->waiting[i];

		if (!w->seen) {
			end(w);
			continue;
		}
		each(arg, &w->record, w->text);
		close_window(w);
		/* What has a range of its own has been said. */
		if (w->record.start_ns)
			free(w->text);
		else
			l->waiting[kept++] = *w;
	}
	l->n = kept;
}

size_t losses_waiting(const struct losses *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->waiting[i].seen;
	return n;
}

size_t losses_totals(const struct losses *l, struct losses_total *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < STAGES && n < max; i++)
		if (l->totals[i].last_ns)
			out[n++] = l->totals[i];
	return n;
}

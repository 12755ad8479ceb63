/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/programs.h"

#include <stdlib.h>

enum {
	SOON_MS = 50,   /* between two looks at those that wait for their hash */
	QUEUED_MAX = 4, /* batches that the journal has not committed, before what is new waits */
};

static void on_note(void *arg, const struct first_note *note)
{
	struct programs *p = arg;
	struct buf line;

	buf_init(&line);
	first_note_line(note, &line);
	buf_put_u8(&line, 0);
	journal_line(p->journal, JOURNAL_EXE_LOG, (char *)line.data);
	buf_done(&line);
	if (p->told)
		p->told(p->told_arg, note);
}

static void hand_over(struct programs *p)
{
	struct ledger_stats stats;
	struct buf *batches;
	size_t n = ledger_programs(p->ledger, &batches, on_note, p);

	ledger_get_stats(p->ledger, &stats);
	/* What is not in a batch yet begins with the window that is open. */
	if (n)
		journal_append(p->journal, batches, n, stats.window_start_ns);
	free(batches);
}

static void on_timer(uv_timer_t *timer)
{
	struct programs *p = timer->data;
	bool soon = first_seen_check(p->first_seen, 0);

	if (journal_queued(p->journal) < QUEUED_MAX)
		hand_over(p);
	if (soon && !p->stopped)
		uv_timer_start(timer, on_timer, SOON_MS, 0);
}

static void on_loaded(void *arg)
{
	struct programs *p = arg;

	if (!p->stopped)
		on_timer(&p->timer);
}

void programs_open(struct programs *p, uv_loop_t *loop, const struct settings *settings, struct processes *processes,
                   struct losses *losses, struct journal *journal, struct ledger *ledger)
{
	*p = (struct programs){.ledger = ledger, .journal = journal};
	p->first_seen = first_seen_open(processes, losses);
	ledger_ask(ledger, p->first_seen);
	uv_timer_init(loop, &p->timer);
	p->timer.data = p;
	p->record = record_open(loop, settings, p->first_seen, losses, journal, on_loaded, p);
}

void programs_tick(struct programs *p)
{
	on_timer(&p->timer);
	record_tick(p->record);
}

bool programs_idle(const struct programs *p)
{
	struct first_seen_stats stats;

	first_seen_get_stats(p->first_seen, &stats);
	return !stats.waiting;
}

static void timer_closed(uv_handle_t *handle)
{
	struct programs *p = handle->data;

	p->closed(p->arg);
}

void programs_stop(struct programs *p, void (*closed)(void *), void *arg)
{
	first_seen_check(p->first_seen, 1);
	hand_over(p);
	p->stopped = true;
	p->closed = closed;
	p->arg = arg;
	uv_close((uv_handle_t *)&p->timer, timer_closed);
}

void programs_close(struct programs *p, bool save)
{
	record_close(p->record, save);
	first_seen_close(p->first_seen);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/programs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"

enum {
	SOON_MS = 50,   /* between two looks at those that wait for their hash */
	QUEUED_MAX = 4, /* batches that the journal has not committed, before what is new waits */
};

static void put_line(struct programs *p, struct buf *line)
{
	buf_put_u8(line, 0);
	journal_line(p->journal, JOURNAL_EXE_LOG, (char *)line->data);
	buf_done(line);
}

static void on_note(void *arg, const struct first_note *note)
{
	struct programs *p = arg;
	struct buf line;

	buf_init(&line);
	first_note_line(note, &line);
	put_line(p, &line);
	if (p->told)
		p->told(p->told_arg, note);
}

/* Gives batches to the journal. */
static void append(struct programs *p, struct buf *batches, size_t n)
{
	struct ledger_stats stats;

	ledger_get_stats(p->ledger, &stats);
	/* What is not in a batch yet begins with the window that is open. */
	if (n)
		journal_append(p->journal, batches, n, stats.window_start_ns);
	free(batches);
}

static void hand_over(struct programs *p)
{
	struct buf *batches;
	size_t n = ledger_programs(p->ledger, &batches, on_note, p);

	append(p, batches, n);
}

/* For people: what is another answer than before, and at once who is suspicious. */
static void tell(struct programs *p, const struct finding *f)
{
	struct buf text;

	if (!finding_is_answer(f))
		return;
	buf_init(&text);
	finding_line(f, &text);
	put_line(p, &text);
	if (f->what.state != PS_FINDING_SUSPICIOUS)
		return;
	finding_text(f, &text);
	log_warning("%.*s", (int)text.len, (const char *)text.data);
	buf_done(&text);
}

int programs_found(struct programs *p, const char *service, const struct ps_found *found)
{
	struct finding f = {.service = service, .what = *found, .path = {"", 0}, .at_ns = clock_wall_ns()};
	struct memory *memory = first_seen_memory(p->first_seen);
	char verdict[MEMORY_VERDICT_MAX];
	const struct memory_hash *hash;
	const struct memory_exe *exe;
	struct memory_stats before, after;
	struct buf *batches;
	size_t n;

	if (p->stopped || !memory || journal_queued(p->journal) >= QUEUED_MAX)
		return -EAGAIN;
	exe = memory_find_hash(memory, found->sha256, &hash);
	if (exe) {
		f.path = exe->path;
		f.before = finding_state(hash->verdict);
	}
	finding_verdict(&f, verdict);
	memory_get_stats(memory, &before);
	memory_verdict(memory, found->sha256, verdict);
	memory_get_stats(memory, &after);
	n = ledger_finding(p->ledger, &batches, &f);
	append(p, batches, n);
	if (!exe || before.changes != after.changes)
		tell(p, &f);
	if (p->judged)
		p->judged(p->told_arg, &f);
	return 0;
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of a window: its rows, and what else goes with them, as batches. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/ledger/first_seen.h"
#include "core/ledger/ledger_inside.h"
#include "core/ledger/writer.h"

enum {
	HELD_WINDOWS = 2,
	UNHASHED_TOLD = 256, /* alerts that writing the rows may add */
};

static void write_row(struct writer *w, const struct row *row, int64_t end_ns)
{
	const struct row_key *k = &row->key;
	int64_t boot_ns = clock_wall_ns() - clock_boot_ns();
	struct ps_record *r = writer_record(w);

	r->kind = PS_TRAFFIC;
	r->start_ns = row->start_ns;
	r->end_ns = end_ns;
	r->traffic = (struct ps_traffic){
	    .exe = writer_exe(w, k->who.self),
	    .parent = writer_exe(w, k->who.parent),
	    .grandparent = writer_exe(w, k->who.grandparent),
	    .place = writer_place(w, k->who.place),
	    .domain = writer_name(w, row->domain.name),
	    .domain_source = (uint8_t)row->domain.source,
	    .domain_rivals = row->domain.rivals < UINT16_MAX ? (uint16_t)row->domain.rivals : UINT16_MAX,
	    .uid = k->uid,
	    .netns = k->netns,
	    .family = k->family,
	    .direction = k->direction,
	    .protocol = k->protocol,
	    .lport = k->lport,
	    .rport = k->rport,
	    .laddr = row_address(k->laddr_family, k->laddr),
	    .raddr = row_address(k->raddr_family, k->raddr),
	    .opened_ns = row->opened_ns ? boot_ns + row->opened_ns : 0,
	    .closed_ns = row->closed_ns ? boot_ns + row->closed_ns : 0,
	    .sent = row->sent,
	    .received = row->received,
	    .calls = row->calls,
	};
}

static void write_alert(void *arg, const struct ps_record *alert, const char *text)
{
	struct ledger *l = arg;
	struct ps_record *r = writer_record(l->writer);

	*r = *alert;
	if (!r->end_ns) {
		r->start_ns = l->stats.window_start_ns;
		r->end_ns = clock_wall_ns();
	}
	r->alert.text = writer_text(l->writer, text, strlen(text));
}

/* What a note is about: the program; of a file that was changed, with what lies there now; of a script, as if
 * that had been executed. */
static uint32_t note_exe(struct writer *w, const struct first_note *note)
{
	const struct program *p = note->who.self;
	const struct executable *file = note->script ? p->script_file : p->file;
	bool changed = note->event == PS_PROGRAM_CHANGED;
	struct program script = *p;

	if (!note->script && !changed)
		return writer_exe(w, note->who.self);
	if (note->script) {
		script.path = p->script;
		script.name = first_note_name(note);
		script.script = (struct ps_text){"", 0};
		script.script_file = NULL;
		script.flags = (p->flags & PS_EXE_CMDLINE_CUT) | (p->flags & PS_EXE_SCRIPT_UNSURE ? PS_EXE_HASH_UNSURE : 0);
	}
	return writer_add(w, &script, changed ? note->state : file->state, changed ? note->sha256 : file->sha256);
}

static void write_note(struct writer *w, const struct first_note *note)
{
	struct ps_record *r = writer_record(w);
	struct buf text;

	buf_init(&text);
	first_note_text(note, &text);
	r->kind = PS_PROGRAM;
	r->start_ns = r->end_ns = note->at_ns;
	r->program = (struct ps_program){
	    .exe = note_exe(w, note),
	    .parent = writer_exe(w, note->who.parent),
	    .grandparent = writer_exe(w, note->who.grandparent),
	    .place = writer_place(w, note->who.place),
	    .text = writer_text(w, text.data, text.len),
	    .uid = note->uid,
	    .event = (uint8_t)note->event,
	    .role = (uint8_t)note->role,
	    .expected = note->expected,
	};
	memcpy(r->program.previous, note->previous, sizeof(r->program.previous));
	buf_done(&text);
}

size_t ledger_programs(struct ledger *l, struct buf **batches, void (*note)(void *, const struct first_note *),
                       void *arg)
{
	size_t n = l->first_seen ? first_seen_waiting_notes(l->first_seen) : 0;
	struct writer w;

	*batches = NULL;
	if (!n)
		return 0;
	writer_open(&w, &l->origin, l->encode, l->commands, n);
	writer_begin(&w);
	for (size_t i = 0; i < n; i++) {
		write_note(&w, first_seen_note(l->first_seen, i));
		note(arg, first_seen_note(l->first_seen, i));
	}
	writer_flush(&w);
	writer_close(&w);
	first_seen_taken(l->first_seen);
	*batches = w.out;
	return w.n_out;
}

size_t ledger_finding(struct ledger *l, struct buf **batches, const struct finding *f)
{
	const struct ps_found *what = &f->what;
	struct ps_record *r;
	struct writer w;
	struct buf text;

	buf_init(&text);
	finding_text(f, &text);
	writer_open(&w, &l->origin, l->encode, l->commands, 1);
	writer_begin(&w);
	r = writer_record(&w);
	r->kind = PS_VERDICT;
	r->start_ns = r->end_ns = f->at_ns;
	r->finding = (struct ps_finding){
	    .state = (uint8_t)what->state,
	    .previous = (uint8_t)f->before,
	    .service = writer_text(&w, f->service, strlen(f->service)),
	    .path = f->path.len ? writer_text(&w, f->path.data, f->path.len) : 0,
	    .text = writer_text(&w, text.data, text.len),
	    .link = *what->link ? writer_text(&w, what->link, strlen(what->link)) : 0,
	    .malicious = what->malicious,
	    .suspicious = what->suspicious,
	    .harmless = what->harmless,
	    .undetected = what->undetected,
	    .asked_ns = what->asked_ns,
	    .analysed_ns = what->analysed_ns,
	};
	memcpy(r->finding.sha256, what->sha256, sizeof(r->finding.sha256));
	writer_flush(&w);
	writer_close(&w);
	buf_done(&text);
	*batches = w.out;
	return w.n_out;
}

static int is_late(const struct program *p)
{
	return p->file->state == PS_HASH_LATE || (p->script_file && p->script_file->state == PS_HASH_LATE);
}

static void tell_unsure(struct ledger *l, const char *what, const char *name)
{
	char *text = mem_printf(
	    "the SHA-256 of %s%s may not be that of what was executed: it could be changed unseen before it was read", what,
	    name);

	losses_tell(l->losses, PS_STAGE_HASH, 0, 0, text);
	free(text);
}

/* Says once per window and reason that executables have no hash, or one that is not sure. */
static void tell_unhashed(struct ledger *l, const struct program *p)
{
	static const char *const why[] = {
	    [PS_HASH_GONE] = "process and file had gone",
	    [PS_HASH_MISMATCH] = "the file that could be opened was not the one that was executed",
	    [PS_HASH_UNREADABLE] = "it could not be read",
	    [PS_HASH_CHANGED] = "it changed before it was read",
	    [PS_HASH_LATE] = "it was not ready in time",
	};

	const char *name = p->path.len ? p->path.data : p->name.data;

	if (p->file->state != PS_HASH_OK && p->file->state != PS_HASH_ABSENT) {
		losses_add(l->losses, PS_STAGE_HASH, 1, 0, 0, "no SHA-256 of %s: %s", name, why[p->file->state]);
	} else if (p->flags & PS_EXE_HASH_UNSURE) {
		tell_unsure(l, "", name);
	}
	if (p->script_file && p->script_file->state != PS_HASH_OK) {
		enum ps_hash_state state = p->script_file->state;
		char *text =
		    mem_printf("no SHA-256 of the script %s: %s", p->script.data,
		               state == PS_HASH_MISMATCH ? "the folder that its path begins in is not known" : why[state]);

		losses_tell(l->losses, PS_STAGE_HASH, 0, 0, text);
		free(text);
	} else if (p->script_file && p->flags & PS_EXE_SCRIPT_UNSURE) {
		tell_unsure(l, "the script ", p->script.data);
	}
}

/* Gives the row the name of its remote address, as far as that is known by now. */
static void name_row(struct ledger *l, struct row *row)
{
	const struct row_key *k = &row->key;
	struct domain_flow flow = {
	    .image = row->image,
	    .netns = k->netns,
	    .protocol = k->protocol,
	    .direction = k->direction,
	    .lport = k->lport,
	    .rport = k->rport,
	    .laddr = row_address(k->laddr_family, k->laddr),
	    .raddr = row_address(k->raddr_family, k->raddr),
	    .opened_ns = row->opened_ns,
	    .first_ns = row->first_ns,
	    .closed = row->closed_ns != 0,
	};

	row->domain = (struct domain_answer){.name = {"", 0}};
	if (l->domains && !k->ignored)
		domains_find(l->domains, &flow, clock_boot_ns(), &row->domain);
}

/* Whether its name is worth waiting for. */
static bool waits_for_name(struct ledger *l, const struct row *row)
{
	const struct row_key *k = &row->key;
	struct ps_addr addr = row_address(k->raddr_family, k->raddr);

	return l->awaited && l->addresses && !k->ignored && !row->domain.name.len && addr.family &&
	       l->unnamed < LEDGER_UNNAMED_MAX && l->awaited(l->nameless_arg, k->netns, &addr);
}

static bool ignores_file(const struct ledger *l, const struct executable *file)
{
	return file && file->state == PS_HASH_OK && ignore_hash(l->ignore, file->sha256);
}

/* Whether the row is left out, now that all is known that will be. */
static bool leaves_out(struct ledger *l, const struct row *row)
{
	const struct program *self = row->key.who.self;

	if (!row->key.ignored &&
	    (!l->ignore || !(row_is_ignored(l, &row->key) || ignore_domain(l->ignore, row->domain.name) ||
	                     ignores_file(l, self->file) || ignores_file(l, self->script_file))))
		return false;
	if (row_is_execution(&row->key))
		return true;
	l->stats.ignored.sent += row->sent;
	l->stats.ignored.received += row->received;
	l->stats.ignored.calls += row->calls;
	return true;
}

/* Adds the row, without what is not recorded, to those that are equal then. */
static void blank_row(struct ledger *l, struct table *blank, const struct row *row)
{
	struct domain_answer domain = row->domain;
	struct row_key key = row->key;
	int64_t closed_ns;
	struct row *sum;

	if (!l->ports) {
		key.lport = key.lport < 0 ? key.lport : 0;
		key.rport = key.rport < 0 ? key.rport : 0;
	}
	if (!l->addresses) {
		key.raddr_family = 0;
		memset(key.raddr, 0, sizeof(key.raddr));
		domain = (struct domain_answer){.name = {"", 0}};
	}
	/* Equal names are the same text. */
	key.domain = domain.name.len ? domain.name.data : NULL;
	key.who = lineage_named(l->processes, &key.who, l->commands);
	sum = table_get(blank, &key, sizeof(key));
	if (sum) {
		lineage_drop(l->processes, &key.who);
		if (row->start_ns < sum->start_ns)
			sum->start_ns = row->start_ns;
	} else {
		sum = mem_alloc(sizeof(*sum));
		sum->key = key;
		sum->start_ns = row->start_ns;
		sum->domain = domain;
		table_add(blank, &sum->key, sizeof(sum->key), sum);
	}
	/* In no order: closed is what holds only closed ones. */
	closed_ns = sum->calls && !(sum->closed_ns && row->closed_ns) ? 0
	            : sum->closed_ns > row->closed_ns                 ? sum->closed_ns
	                                                              : row->closed_ns;
	row_add(sum, row->opened_ns, row->closed_ns, row->sent, row->received, row->calls);
	sum->closed_ns = closed_ns;
}

size_t ledger_end_window(struct ledger *l, int final, struct buf **batches, int64_t *end_ns)
{
	bool blanks = !l->addresses || !l->commands || !l->ports;
	struct writer w = {0};
	struct table blank = {0};
	struct row *row;

	*end_ns = clock_wall_ns();
	if (*end_ns < l->stats.window_start_ns) /* the clock was set back */
		*end_ns = l->stats.window_start_ns;
	if (!l->rows.n && !l->n_more && !losses_waiting(l->losses)) {
		losses_take(l->losses, write_alert, l); /* what lasted until now has ended */
		goto out;
	}
	writer_open(&w, &l->origin, l->encode, l->commands,
	            l->rows.n + l->n_more + losses_waiting(l->losses) + UNHASHED_TOLD);
	writer_begin(&w);
	l->unnamed = 0;
	for (size_t at = 0; (row = table_next(&l->rows, &at));) {
		const struct lineage *who = &row->key.who;

		if (!final && row->held < HELD_WINDOWS &&
		    (is_late(who->self) || is_late(who->parent) || is_late(who->grandparent))) {
			row->held++;
			continue;
		}
		name_row(l, row);
		if (!final && waits_for_name(l, row)) {
			l->unnamed++;
			continue;
		}
		row->written = true;
		tell_unhashed(l, who->self);
		if (leaves_out(l, row))
			continue;
		if (blanks)
			blank_row(l, &blank, row);
		else
			write_row(&w, row, *end_ns);
	}
	for (size_t at = 0; (row = table_next(&blank, &at));)
		write_row(&w, row, *end_ns);
	for (size_t i = 0; i < l->n_more; i++)
		*writer_record(&w) = l->more[i];
	l->n_more = 0;
	l->writer = &w;
	losses_take(l->losses, write_alert, l);
	l->writer = NULL;
	writer_flush(&w);
	/* The batches have copies: now the rows may let go of what they point to. */
	for (size_t at = 0; (row = table_next(&l->rows, &at));)
		if (row->written)
			row_free(l, &l->rows, row);
	for (size_t at = 0; (row = table_next(&blank, &at));)
		row_free(l, &blank, row);
	table_done(&blank);
	writer_close(&w);
out:
	l->stats.window_start_ns = *end_ns;
	l->stats.windows++;
	*batches = w.out;
	return w.n_out;
}

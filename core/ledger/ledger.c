/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/identify/place.h"
#include "core/ledger/ignore.h"

enum {
	BATCH_RECORDS = 16384,
	BATCH_TEXT = 8 << 20, /* a batch ends when its texts have come to this */
	HELD_WINDOWS = 2,
	UNHASHED_TOLD = 256, /* alerts that writing the rows may add */
};

/* What tells one row from another. No padding: it is compared as bytes. */
struct row_key {
	struct lineage who;
	uint32_t uid, netns;
	int64_t lport, rport;
	uint16_t protocol;
	uint8_t family, direction;
	uint8_t laddr_family, raddr_family;
	uint8_t ignored; /* left out of the log: the row is there for its program alone */
	uint8_t pad;
	uint8_t laddr[16], raddr[16];
};

_Static_assert(sizeof(struct row_key) == 96, "row keys must have no holes");

struct row {
	struct row_key key;
	int64_t start_ns;
	int64_t opened_ns, closed_ns; /* of the first and the last connection that it holds */
	uint64_t sent, received, calls;
	unsigned held; /* windows that it has waited for a hash */
	bool written;
};

struct ledger {
	struct processes *processes;
	struct executables *executables;
	struct losses *losses;
	struct ledger_origin origin;
	ledger_encode encode;
	size_t max_rows;
	struct table rows;
	struct ledger_stats stats;
	struct ps_record *more; /* ledger_append() */
	size_t n_more;
	bool addresses, commands, ports; /* [log] */
	struct ignore *ignore;           /* NULL: nothing is left out */
	struct first_seen *first_seen;   /* NULL: nobody is told */
};

struct ledger *ledger_open(struct processes *processes, struct executables *executables, struct losses *losses,
                           const struct ledger_origin *origin, ledger_encode encode, size_t max_rows)
{
	struct ledger *l = mem_alloc(sizeof(*l));

	*l = (struct ledger){
	    .processes = processes,
	    .executables = executables,
	    .losses = losses,
	    .origin = *origin,
	    .encode = encode,
	    .max_rows = max_rows,
	    .addresses = true,
	    .commands = true,
	    .ports = true,
	};
	l->stats.window_start_ns = clock_wall_ns();
	return l;
}

void ledger_set_log(struct ledger *l, const struct log_settings *log)
{
	l->addresses = log->addresses;
	l->commands = log->commands;
	l->ports = log->ports;
	ignore_close(l->ignore);
	l->ignore = ignore_open(log);
}

bool ledger_wants_addresses(const struct ledger *l)
{
	return ignore_wants_addresses(l->ignore);
}

void ledger_set_addresses(struct ledger *l, const struct own_addresses *own)
{
	ignore_set_addresses(l->ignore, own->list, own->n);
}

static void row_free(struct ledger *l, struct table *rows, struct row *row)
{
	table_remove(rows, &row->key, sizeof(row->key));
	lineage_drop(l->processes, &row->key.who);
	free(row);
}

void ledger_close(struct ledger *l)
{
	struct row *row;

	for (size_t at = 0; (row = table_next(&l->rows, &at));)
		row_free(l, &l->rows, row);
	table_done(&l->rows);
	ignore_close(l->ignore);
	free(l->more);
	free(l);
}

static void key_of(struct row_key *key, const struct observation *o, const struct lineage *who)
{
	memset(key, 0, sizeof(*key));
	key->who = *who;
	key->uid = o->uid;
	key->netns = o->netns;
	key->lport = o->lport;
	key->rport = o->rport;
	key->family = o->family;
	key->direction = o->direction;
	key->protocol = o->protocol;
	key->laddr_family = o->laddr.family;
	key->raddr_family = o->raddr.family;
	memcpy(key->laddr, o->laddr.bytes, sizeof(key->laddr));
	memcpy(key->raddr, o->raddr.bytes, sizeof(key->raddr));
}

static void row_add(struct row *row, int64_t opened_ns, int64_t closed_ns, uint64_t sent, uint64_t received,
                    uint64_t calls)
{
	if (opened_ns && (!row->opened_ns || opened_ns < row->opened_ns))
		row->opened_ns = opened_ns;
	if (closed_ns || opened_ns > row->closed_ns)
		row->closed_ns = closed_ns;
	row->sent += sent;
	row->received += received;
	row->calls += calls;
}

static struct ps_addr address(uint8_t family, const uint8_t bytes[16])
{
	struct ps_addr a = {.family = family};

	memcpy(a.bytes, bytes, sizeof(a.bytes));
	return a;
}

/* Whether what is known at once says that it is left out: all but its domain and its hash. */
static bool is_ignored(const struct ledger *l, const struct row_key *k)
{
	struct ignore_flow flow = {
	    .netns = k->netns,
	    .lport = k->lport,
	    .rport = k->rport,
	    .laddr = address(k->laddr_family, k->laddr),
	    .raddr = address(k->raddr_family, k->raddr),
	};

	return ignore_flow(l->ignore, &flow);
}

/* What is kept of an observation when not all of it is: whose it was. */
static void blur(struct observation *o)
{
	o->lport = o->rport = 0;
	o->direction = PS_DIRECTION_UNKNOWN;
	o->laddr = o->raddr = (struct ps_addr){0};
}

void ledger_add(struct ledger *l, const struct observation *observed)
{
	struct observation o = *observed;
	struct lineage who;
	struct row_key key;
	struct row *row;
	bool known;

	l->stats.sent += o.sent;
	l->stats.received += o.received;
	l->stats.calls += o.calls;
	known = processes_find(l->processes, &o.image, &who);
	key_of(&key, &o, &who);
	if (l->ignore && is_ignored(l, &key)) {
		blur(&o);
		key_of(&key, &o, &who);
		key.ignored = 1;
	} else if (!known) {
		losses_add(l->losses, PS_STAGE_PROCESS, o.calls, 0, 0,
		           "traffic of processes that had gone before anything was known of them: it is stored without a name");
	}
	if (l->first_seen)
		first_seen_ask(l->first_seen, &who, o.uid, (uint32_t)l->stats.windows + 1);
	row = table_get(&l->rows, &key, sizeof(key));
	if (!row && l->rows.n >= l->max_rows && !key.ignored) {
		losses_add(l->losses, PS_STAGE_HANDOFF, 1, 0, 0,
		           "more than %zu rows in one window: further traffic is kept per program, without addresses and ports",
		           l->max_rows);
		blur(&o);
		key_of(&key, &o, &who);
		row = table_get(&l->rows, &key, sizeof(key));
	}
	if (row) {
		lineage_drop(l->processes, &who);
	} else {
		row = mem_alloc(sizeof(*row));
		row->key = key;
		row->start_ns = l->stats.window_start_ns;
		table_add(&l->rows, &row->key, sizeof(row->key), row);
	}
	row_add(row, o.opened_ns, o.closed_ns, o.sent, o.received, o.calls);
}

void ledger_ask(struct ledger *l, struct first_seen *first_seen)
{
	l->first_seen = first_seen;
}

void ledger_append(struct ledger *l, const struct ps_record *record)
{
	l->more = mem_resize(l->more, (l->n_more + 1) * sizeof(*l->more));
	l->more[l->n_more++] = *record;
}

/* ---- from rows to batches ---- */

struct writer {
	struct ledger *ledger;
	struct table index, place_index; /* program or place -> its number plus one, as a pointer */
	struct program **programs;
	struct place **where;
	struct ps_exe *exes;
	struct ps_place *places;
	struct ps_text *texts;
	struct ps_record *records;
	uint32_t n_exes, n_places, n_texts, n_records;
	size_t room; /* records in one batch */
	size_t text_size;
	char nowhere[PLACE_ROOM(0)];
	struct arena arena;
	struct buf *out;
	size_t n_out;
};

/* Room for `records` of them at once, and their executables. */
static void writer_open(struct writer *w, struct ledger *l, size_t records)
{
	size_t room = records < BATCH_RECORDS ? records : BATCH_RECORDS;

	*w = (struct writer){.ledger = l, .room = room};
	w->records = mem_alloc(room * sizeof(*w->records));
	w->texts = mem_alloc((room + 1) * sizeof(*w->texts));
	w->exes = mem_alloc((3 * room + 1) * sizeof(*w->exes));
	w->programs = mem_alloc((3 * room + 1) * sizeof(*w->programs));
	w->places = mem_alloc((room + 1) * sizeof(*w->places));
	w->where = mem_alloc((room + 1) * sizeof(*w->where));
}

static void writer_close(struct writer *w)
{
	free(w->records);
	free(w->texts);
	free(w->exes);
	free(w->programs);
	free(w->places);
	free(w->where);
}

static void writer_begin(struct writer *w)
{
	w->n_records = 0;
	w->n_exes = w->n_places = w->n_texts = 1;
	w->exes[0] = (struct ps_exe){.path = {"", 0}, .name = {"", 0}, .cmdline = {"", 0}, .script = {"", 0}};
	place_parse(&w->places[0], w->nowhere, "", 0);
	w->texts[0] = (struct ps_text){"", 0};
	w->text_size = 0;
	table_init(&w->index);
	table_init(&w->place_index);
	arena_init(&w->arena);
}

static void writer_flush(struct writer *w)
{
	const struct ledger_origin *origin = &w->ledger->origin;
	struct ps_batch batch = {
	    .hostname = {origin->hostname, (uint32_t)strlen(origin->hostname)},
	    .n_exes = w->n_exes,
	    .n_texts = w->n_texts,
	    .n_records = w->n_records,
	    .n_places = w->n_places,
	    .exes = w->exes,
	    .places = w->places,
	    .texts = w->texts,
	    .records = w->records,
	};

	if (w->n_records) {
		memcpy(batch.host, origin->host, PS_ID_SIZE);
		memcpy(batch.boot, origin->boot, PS_ID_SIZE);
		w->out = mem_resize(w->out, (w->n_out + 1) * sizeof(*w->out));
		buf_init(&w->out[w->n_out]);
		w->ledger->encode(&w->out[w->n_out++], &batch);
	}
	table_done(&w->index);
	table_done(&w->place_index);
	arena_done(&w->arena);
}

static struct ps_record *writer_record(struct writer *w)
{
	if (w->n_records == w->room || w->text_size > BATCH_TEXT) {
		writer_flush(w);
		writer_begin(w);
	}
	w->records[w->n_records] = (struct ps_record){0};
	return &w->records[w->n_records++];
}

/* One more executable: that program, with that file. */
static uint32_t writer_add(struct writer *w, const struct program *p, enum ps_hash_state state,
                           const uint8_t sha256[32])
{
	struct ps_exe *exe = &w->exes[w->n_exes];

	*exe = (struct ps_exe){
	    .path = p->path,
	    .name = p->name,
	    .cmdline = p->cmdline,
	    .flags = p->flags,
	    .hash_state = (uint8_t)state,
	    .script = {"", 0},
	};
	if (!w->ledger->commands) {
		exe->cmdline = (struct ps_text){"", 0};
		exe->flags &= (uint8_t)~PS_EXE_CMDLINE_CUT;
	}
	if (state == PS_HASH_OK)
		memcpy(exe->sha256, sha256, sizeof(exe->sha256));
	w->text_size += exe->path.len + exe->name.len + exe->cmdline.len;
	return w->n_exes++;
}

static uint32_t writer_exe(struct writer *w, struct program *p)
{
	uintptr_t at;

	if (!p || (!p->path.len && !p->name.len))
		return 0;
	at = (uintptr_t)table_get(&w->index, &p, sizeof(p));
	if (at)
		return (uint32_t)(at - 1);
	/* The key lives in the array of programs, which does not move while the batch is made. */
	w->programs[w->n_exes] = p;
	table_add(&w->index, &w->programs[w->n_exes], sizeof(p), (void *)(uintptr_t)(w->n_exes + 1));
	return writer_add(w, p, p->file->state, p->file->sha256);
}

static uint32_t writer_text(struct writer *w, const void *text, size_t len)
{
	w->texts[w->n_texts] = (struct ps_text){arena_copy(&w->arena, text, len), (uint32_t)len};
	return w->n_texts++;
}

static uint32_t writer_place(struct writer *w, struct place *place)
{
	uintptr_t at;

	if (!place || !place->says.cgroup.len)
		return 0;
	at = (uintptr_t)table_get(&w->place_index, &place, sizeof(place));
	if (at)
		return (uint32_t)(at - 1);
	w->places[w->n_places] = place->says;
	w->text_size += 2 * place->says.cgroup.len;
	w->where[w->n_places] = place;
	table_add(&w->place_index, &w->where[w->n_places], sizeof(place), (void *)(uintptr_t)(w->n_places + 1));
	return w->n_places++;
}

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
	    .uid = k->uid,
	    .netns = k->netns,
	    .family = k->family,
	    .direction = k->direction,
	    .protocol = k->protocol,
	    .lport = k->lport,
	    .rport = k->rport,
	    .laddr = address(k->laddr_family, k->laddr),
	    .raddr = address(k->raddr_family, k->raddr),
	    .opened_ns = row->opened_ns ? boot_ns + row->opened_ns : 0,
	    .closed_ns = row->closed_ns ? boot_ns + row->closed_ns : 0,
	    .sent = row->sent,
	    .received = row->received,
	    .calls = row->calls,
	};
}

static void write_alert(void *arg, const struct ps_record *alert, const char *text)
{
	struct writer *w = arg;
	struct ps_record *r = writer_record(w);

	*r = *alert;
	if (!r->end_ns) {
		r->start_ns = w->ledger->stats.window_start_ns;
		r->end_ns = clock_wall_ns();
	}
	r->alert.text = writer_text(w, text, strlen(text));
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
	    /* Of a file that was changed, what lies there now. */
	    .exe = note->event == PS_PROGRAM_CHANGED ? writer_add(w, note->who.self, note->state, note->sha256)
	                                             : writer_exe(w, note->who.self),
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
	writer_open(&w, l, n);
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

static int is_late(const struct program *p)
{
	return p->file->state == PS_HASH_LATE;
}

/* Says once per window and reason that executables have no hash. */
static void tell_unhashed(struct ledger *l, const struct program *p)
{
	static const char *const why[] = {
	    [PS_HASH_GONE] = "process and file had gone",
	    [PS_HASH_MISMATCH] = "the file that could be opened was not the one that was executed",
	    [PS_HASH_UNREADABLE] = "it could not be read",
	    [PS_HASH_CHANGED] = "it changed before it was read",
	    [PS_HASH_LATE] = "it was not ready in time",
	};

	if (p->file->state != PS_HASH_OK && p->file->state != PS_HASH_ABSENT)
		losses_add(l->losses, PS_STAGE_HASH, 1, 0, 0, "no SHA-256 of %s: %s", p->path.len ? p->path.data : p->name.data,
		           why[p->file->state]);
}

/* Whether the row is left out, now that all is known that will be. */
static bool leaves_out(struct ledger *l, const struct row *row)
{
	const struct executable *file = row->key.who.self->file;

	if (!row->key.ignored && (!l->ignore || !(is_ignored(l, &row->key) ||
	                                          (file->state == PS_HASH_OK && ignore_hash(l->ignore, file->sha256)))))
		return false;
	l->stats.ignored.sent += row->sent;
	l->stats.ignored.received += row->received;
	l->stats.ignored.calls += row->calls;
	return true;
}

/* Adds the row, without what is not recorded, to those that are equal then. */
static void blank_row(struct ledger *l, struct table *blank, const struct row *row)
{
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
	}
	key.who.self = program_named(l->processes, key.who.self, l->commands);
	key.who.parent = program_named(l->processes, key.who.parent, l->commands);
	key.who.grandparent = program_named(l->processes, key.who.grandparent, l->commands);
	place_hold(key.who.place);
	sum = table_get(blank, &key, sizeof(key));
	if (sum) {
		lineage_drop(l->processes, &key.who);
		if (row->start_ns < sum->start_ns)
			sum->start_ns = row->start_ns;
	} else {
		sum = mem_alloc(sizeof(*sum));
		sum->key = key;
		sum->start_ns = row->start_ns;
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
	struct writer w = {.ledger = l};
	struct table blank = {0};
	struct row *row;

	*end_ns = clock_wall_ns();
	if (*end_ns < l->stats.window_start_ns) /* the clock was set back */
		*end_ns = l->stats.window_start_ns;
	if (!l->rows.n && !l->n_more && !losses_waiting(l->losses))
		goto out;
	writer_open(&w, l, l->rows.n + l->n_more + losses_waiting(l->losses) + UNHASHED_TOLD);
	writer_begin(&w);
	for (size_t at = 0; (row = table_next(&l->rows, &at));) {
		const struct lineage *who = &row->key.who;

		if (!final && row->held < HELD_WINDOWS &&
		    (is_late(who->self) || is_late(who->parent) || is_late(who->grandparent))) {
			row->held++;
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
	losses_take(l->losses, write_alert, &w);
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

void ledger_get_stats(const struct ledger *l, struct ledger_stats *stats)
{
	*stats = l->stats;
	stats->rows = l->rows.n;
}

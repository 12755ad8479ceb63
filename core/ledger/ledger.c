/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/ledger/ledger_inside.h"

enum {
	/* Of max_rows, one part is for executions, whose command lines together may take so much. */
	EXECUTION_SHARE = 4,
	EXECUTION_TEXT = 16 << 20,
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

void row_free(struct ledger *l, struct table *rows, struct row *row)
{
	table_remove(rows, &row->key, sizeof(row->key));
	lineage_drop(l->processes, &row->key.who);
	if (rows == &l->rows && row_is_execution(&row->key)) {
		l->executions--;
		l->execution_text -= row->text;
	}
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

void row_add(struct row *row, int64_t opened_ns, int64_t closed_ns, uint64_t sent, uint64_t received, uint64_t calls)
{
	if (opened_ns && (!row->opened_ns || opened_ns < row->opened_ns))
		row->opened_ns = opened_ns;
	if (closed_ns || opened_ns > row->closed_ns)
		row->closed_ns = closed_ns;
	row->sent += sent;
	row->received += received;
	row->calls += calls;
}

bool row_is_ignored(const struct ledger *l, const struct row_key *k)
{
	struct ignore_flow flow = {
	    .netns = k->netns,
	    .lport = k->lport,
	    .rport = k->rport,
	    .laddr = row_address(k->laddr_family, k->laddr),
	    .raddr = row_address(k->raddr_family, k->raddr),
	};

	return ignore_flow(l->ignore, &flow);
}

/* What is kept of an observation when not all of it is: whose it was. */
static void blur(struct observation *o)
{
	o->lport = o->lport < 0 ? o->lport : 0;
	o->rport = o->rport < 0 ? o->rport : 0;
	o->direction = PS_DIRECTION_UNKNOWN;
	o->laddr = o->raddr = (struct ps_addr){0};
}

/* The same programs without their command lines, or nobody. */
static void lineage_blur(struct ledger *l, struct lineage *who, bool nobody)
{
	struct lineage blurred;

	if (nobody)
		processes_nobody(l->processes, &blurred);
	else
		blurred = lineage_named(l->processes, who, false);
	lineage_drop(l->processes, who);
	*who = blurred;
}

/* The row of an observation, or the one that it must do with when the window is full. The lineage
 * becomes that row's; the row holds it, if it is new. */
static struct row *row_for(struct ledger *l, struct observation *o, struct lineage *who, bool ignored)
{
	struct row_key key;
	struct row *row;

	key_of(&key, o, who);
	key.ignored = ignored;
	row = table_get(&l->rows, &key, sizeof(key));
	if (!row && !ignored && o->family && l->rows.n - l->executions >= l->max_rows) {
		losses_add(l->losses, PS_STAGE_HANDOFF, 1, 0, 0,
		           "more than %zu rows in one window: further traffic is kept per program, without addresses and ports",
		           l->max_rows);
		blur(o);
		key_of(&key, o, who);
		row = table_get(&l->rows, &key, sizeof(key));
	} else if (!row && !ignored && !o->family &&
	           (l->executions >= l->max_rows / EXECUTION_SHARE || l->execution_text >= EXECUTION_TEXT)) {
		losses_add(l->losses, PS_STAGE_HANDOFF, 1, 0, 0,
		           "more executions in one window than there is room for: further ones are kept per program, without "
		           "command lines");
		lineage_blur(l, who, false);
		key_of(&key, o, who);
		row = table_get(&l->rows, &key, sizeof(key));
	}
	/* Programs may be made without end, too. */
	if (!row && l->rows.n >= 2 * l->max_rows) {
		losses_add(l->losses, PS_STAGE_HANDOFF, 1, 0, 0,
		           "more than %zu rows in one window: further traffic is kept without its program", 2 * l->max_rows);
		blur(o);
		lineage_blur(l, who, true);
		key_of(&key, o, who);
		key.ignored = ignored;
		row = table_get(&l->rows, &key, sizeof(key));
	}
	if (row) {
		lineage_drop(l->processes, who);
		return row;
	}
	row = mem_alloc(sizeof(*row));
	row->key = key;
	row->start_ns = l->stats.window_start_ns;
	row->first_ns = clock_boot_ns();
	table_add(&l->rows, &row->key, sizeof(row->key), row);
	if (row_is_execution(&key)) {
		row->text = (size_t)who->self->cmdline.len + who->parent->cmdline.len + who->grandparent->cmdline.len;
		l->execution_text += row->text;
		l->executions++;
	}
	return row;
}

/* To whom looks on, what the row will say, as far as it is known by now. */
static void show(struct ledger *l, const struct observation *o, const struct lineage *who, bool ignored)
{
	const struct executable *file = who->self->file;
	struct ledger_seen seen = {.what = *o, .who = who, .domain = {.name = {"", 0}}};
	struct domain_flow flow = domain_flow_of(o, clock_boot_ns());

	if (l->domains && o->family && !ignored)
		domains_find(l->domains, &flow, flow.first_ns, &seen.domain);
	seen.ignored = ignored || (l->ignore && (ignore_domain(l->ignore, seen.domain.name) ||
	                                         (file->state == PS_HASH_OK && ignore_hash(l->ignore, file->sha256))));
	if (seen.ignored)
		blur(&seen.what);
	if (!l->ports) {
		seen.what.lport = o->lport < 0 ? o->lport : 0;
		seen.what.rport = o->rport < 0 ? o->rport : 0;
	}
	if (!l->addresses)
		seen.what.raddr = (struct ps_addr){0};
	if (!l->addresses || seen.ignored)
		seen.domain = (struct domain_answer){.name = {"", 0}};
	l->seen(l->seen_arg, &seen);
}

void ledger_show(struct ledger *l, void (*seen)(void *, const struct ledger_seen *), void *arg)
{
	l->seen = seen;
	l->seen_arg = arg;
}

static void ask_name(struct ledger *l, const struct observation *o, const struct lineage *who)
{
	struct domain_flow flow = domain_flow_of(o, clock_boot_ns());
	struct domain_answer answer;

	domains_find(l->domains, &flow, flow.first_ns, &answer);
	if (!answer.name.len)
		l->nameless(l->nameless_arg, o, who);
}

void ledger_add(struct ledger *l, const struct observation *observed)
{
	struct observation o = *observed;
	bool known, ignored = false;
	struct lineage who;
	struct row_key key;
	struct row *row;

	if (o.family) {
		l->stats.sent += o.sent;
		l->stats.received += o.received;
		l->stats.calls += o.calls;
	} else {
		l->stats.executions += o.calls;
	}
	known = processes_find(l->processes, &o.image, &who);
	if (l->ignore) {
		key_of(&key, &o, &who);
		ignored = row_is_ignored(l, &key);
	}
	if (ignored)
		blur(&o);
	else if (!known && o.family)
		losses_add(l->losses, PS_STAGE_PROCESS, o.calls ? o.calls : 1, 0, 0,
		           "traffic of processes that had gone before anything was known of them: it is stored without a name");
	else if (!known)
		losses_add(l->losses, PS_STAGE_PROCESS, o.calls, 0, 0,
		           "executions of which nothing was known any more: they are stored without a name");
	if (l->first_seen)
		first_seen_ask(l->first_seen, &who, o.uid, (uint32_t)l->stats.windows + 1);
	if (l->seen)
		show(l, &o, &who, ignored);
	row = row_for(l, &o, &who, ignored);
	if (l->nameless && !row->image.tgid && o.raddr.family && l->addresses && !ignored)
		ask_name(l, &o, &row->key.who);
	row->image = o.image;
	row_add(row, o.opened_ns, o.closed_ns, o.sent, o.received, o.calls);
	processes_connection(l->processes, &o.image, o.began, o.closed_ns != 0);
}

void ledger_name_by(struct ledger *l, struct domains *domains)
{
	l->domains = domains;
}

void ledger_on_nameless(struct ledger *l,
                        void (*nameless)(void *arg, const struct observation *, const struct lineage *),
                        bool (*awaited)(void *arg, uint32_t netns, const struct ps_addr *), void *arg)
{
	l->nameless = nameless;
	l->awaited = awaited;
	l->nameless_arg = arg;
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

void ledger_get_stats(const struct ledger *l, struct ledger_stats *stats)
{
	*stats = l->stats;
	stats->rows = l->rows.n;
}

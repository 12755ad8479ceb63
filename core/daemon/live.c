/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/live.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/daemon/live_line.h"

/* What one process moved beyond the flows that have lines. */
struct merged {
	struct wire_image image; /* the key */
	struct lineage who;      /* held */
	uint32_t uid;
	struct live_sum sum;
};

struct live {
	struct live_parts parts;
	struct feed *feed; /* NULL: there is no socket */
	struct listening *listening;
	struct live_time time;
	struct buf lines; /* of the drain under way */
	unsigned n_lines;
	struct live_sum all, others; /* of the drain; of processes that found no room among `merged` */
	struct table merged;
	unsigned parts_open;
	void (*closed)(void *arg);
	void *arg;
};

static bool is_read(const struct live *live)
{
	return live->feed && feed_is_read(live->feed);
}

static void add_up(struct live_sum *sum, const struct observation *o)
{
	sum->sent += o->sent;
	sum->received += o->received;
	sum->calls += o->calls;
	sum->flows++;
}

static void merge(struct live *live, const struct ledger_seen *seen)
{
	const struct observation *o = &seen->what;
	struct merged *m = table_get(&live->merged, &o->image, sizeof(o->image));

	if (!m && live->merged.n >= LIVE_MERGED_MAX) {
		add_up(&live->others, o);
		return;
	}
	if (!m) {
		m = mem_alloc(sizeof(*m));
		*m = (struct merged){.image = o->image, .who = *seen->who, .uid = o->uid};
		lineage_hold(&m->who);
		table_add(&live->merged, &m->image, sizeof(m->image), m);
	}
	add_up(&m->sum, o);
}

/* A flow that moved, or an execution. */
static void on_seen(void *arg, const struct ledger_seen *seen)
{
	struct live *live = arg;
	bool has_room = live->n_lines < LIVE_LINES_MAX && live->lines.len < LIVE_BYTES_MAX;

	if (seen->what.family)
		add_up(&live->all, &seen->what);
	else
		live->all.executions += seen->what.calls;
	if (has_room) {
		live_line_traffic(&live->lines, &live->time, seen);
		live->n_lines++;
	} else if (seen->what.family) {
		merge(live, seen);
	}
}

/* What the others did, if anything. */
static void put_merged(struct live *live)
{
	struct merged *m;

	for (size_t at = 0; (m = table_next(&live->merged, &at));) {
		if (live->lines.len < 2 * LIVE_BYTES_MAX) {
			live_line_merged(&live->lines, &live->time, &m->image, &m->who, m->uid, &m->sum);
		} else {
			live->others.sent += m->sum.sent;
			live->others.received += m->sum.received;
			live->others.calls += m->sum.calls;
			live->others.flows += m->sum.flows;
		}
		table_remove(&live->merged, &m->image, sizeof(m->image));
		lineage_drop(live->parts.processes, &m->who);
		free(m);
	}
	if (live->others.flows)
		live_line_merged(&live->lines, &live->time, NULL, NULL, 0, &live->others);
}

void live_tick(struct live *live)
{
	put_merged(live);
	if (is_read(live)) {
		losses_show_more(live->parts.losses);
		live_line_tick(&live->lines, &live->time, &live->all);
		feed_put(live->feed, &live->lines);
		listening_look(live->listening, &live->parts.settings->log, false);
	}
	if (!is_read(live))
		ledger_show(live->parts.ledger, NULL, NULL);
	buf_done(&live->lines);
	live->n_lines = 0;
	live->all = live->others = (struct live_sum){0};
	live->time.start_ns = live->time.end_ns;
}

/* The lines say until when: a drain is timed as it begins to be read. */
void live_drained(struct live *live)
{
	live->time.end_ns = clock_wall_ns();
	live->time.boot_ns = live->time.end_ns - clock_boot_ns();
	/* The clock may have been set back. */
	if (live->time.start_ns > live->time.end_ns)
		live->time.start_ns = live->time.end_ns;
}

void live_note(struct live *live, const struct first_note *note)
{
	struct buf line;

	if (!is_read(live))
		return;
	buf_init(&line);
	live_line_program(&line, note, live->parts.settings->log.commands);
	feed_put(live->feed, &line);
}

void live_finding(struct live *live, const struct finding *f)
{
	struct buf line;

	if (!is_read(live))
		return;
	buf_init(&line);
	live_line_finding(&line, f);
	feed_put(live->feed, &line);
}

static void on_loss(void *arg, const struct ps_record *record, const char *text)
{
	struct live *live = arg;
	struct ps_record r = *record;
	struct buf line;

	if (!is_read(live))
		return;
	if (!r.end_ns)
		r.start_ns = r.end_ns = clock_wall_ns();
	buf_init(&line);
	live_line_alert(&line, &r, text);
	feed_put(live->feed, &line);
}

static void on_listening(void *arg, struct buf *lines)
{
	struct live *live = arg;

	if (is_read(live))
		feed_put(live->feed, lines);
	buf_done(lines);
}

static void on_reader(void *arg, struct buf *out)
{
	struct live *live = arg;
	struct feed_stats stats;

	feed_get_stats(live->feed, &stats);
	live_line_hello(out, live->parts.host, live_interval_ms(live), &stats);
	ledger_show(live->parts.ledger, on_seen, live);
	listening_look(live->listening, &live->parts.settings->log, true);
	live->parts.watched(live->parts.arg);
}

int64_t live_interval_ms(const struct live *live)
{
	int64_t interval = live->parts.settings->core.drain_interval_ms;

	return is_read(live) && interval > LIVE_INTERVAL_MS ? LIVE_INTERVAL_MS : interval;
}

/* ---- life ---- */

/* Who may read beside root: the group of [data]; if that is root's, the user who is given the records anyway, so that
 * the web page need not be root to be live. */
static gid_t readers_group(const struct settings *s)
{
	const struct group *group = getgrnam(s->data.group);
	const struct passwd *user = getpwnam(s->core.user);

	return group && group->gr_gid ? group->gr_gid : user ? user->pw_gid : 0;
}

struct live *live_open(uv_loop_t *loop, const struct live_parts *parts)
{
	const struct settings *s = parts->settings;
	struct live *live = mem_alloc(sizeof(*live));
	int err;

	live->parts = *parts;
	live->time.start_ns = clock_wall_ns();
	live->listening = listening_open(loop, parts->probe, parts->processes, on_listening, live);
	err = feed_open(&live->feed, loop, s->paths.run, readers_group(s), on_reader, live);
	if (err)
		log_warning("%s/feed.sock: %s: there is no live feed", s->paths.run, strerror(-err));
	losses_show(parts->losses, on_loss, live);
	return live;
}

static void part_closed(void *arg)
{
	struct live *live = arg;

	if (--live->parts_open)
		return;
	live->closed(live->arg);
	free(live);
}

void live_close(struct live *live, void (*closed)(void *), void *arg)
{
	struct feed *feed = live->feed;

	live->closed = closed;
	live->arg = arg;
	live->feed = NULL;
	live->parts_open = feed ? 2 : 1;
	losses_show(live->parts.losses, NULL, NULL);
	ledger_show(live->parts.ledger, NULL, NULL);
	put_merged(live);
	buf_done(&live->lines);
	table_done(&live->merged);
	if (feed)
		feed_close(feed, part_closed, live);
	listening_close(live->listening, part_closed, live);
}

void live_reload(struct live *live, const struct settings *settings)
{
	if (live)
		live->parts.settings = settings;
}

void live_get_stats(const struct live *live, struct feed_stats *stats, struct listening_stats *listening)
{
	*stats = (struct feed_stats){0};
	*listening = (struct listening_stats){0};
	if (live && live->feed)
		feed_get_stats(live->feed, stats);
	if (live)
		listening_get_stats(live->listening, listening);
}

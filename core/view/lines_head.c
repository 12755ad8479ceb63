/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines above the rows: whose store, when, by which path, what it comes to, what was lost. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/count.h"
#include "core/query/names.h"
#include "core/query/output.h"
#include "core/query/when.h"
#include "core/screen/cells.h"
#include "core/view/dims.h"
#include "core/view/lines_inside.h"

enum { FILTER_LEAST = 8 };

static const char *times(uint64_t n)
{
	return n == 1 ? "once" : "times";
}

static void put_ago(struct buf *out, int64_t seconds)
{
	if (seconds < 0)
		buf_put_str(out, "in the future");
	else if (seconds < 120)
		buf_printf(out, "%" PRId64 " s ago", seconds);
	else if (seconds < 7200)
		buf_printf(out, "%" PRId64 " min ago", seconds / 60);
	else if (seconds < 2 * 86400)
		buf_printf(out, "%" PRId64 " h ago", seconds / 3600);
	else
		buf_printf(out, "%" PRId64 " days ago", seconds / 86400);
}

static void put_store(struct buf *out, const struct view_look *look, const struct view_model *m)
{
	buf_put_str(out, look->store);
	if (m->n_hosts == 1 && *m->hosts[0].name)
		buf_printf(out, " of %s", m->hosts[0].name);
	else if (m->n_hosts > 1)
		buf_printf(out, " of %u machines", m->n_hosts + m->n_hosts_more);
	if (m->n_hosts) {
		buf_put_str(out, ", last row ");
		put_ago(out, look->now - m->hosts[0].last);
	}
	if (look->attribution && dims_is_place(m->by))
		buf_printf(out, "; %s", look->attribution);
}

static void put_time(struct buf *out, int64_t seconds)
{
	char text[WHEN_TEXT_SIZE];

	buf_put_str(out, when_text(text, seconds));
}

static void put_range(struct buf *out, const struct view_model *m)
{
	char name[RANGE_NAME_SIZE];
	int64_t from, to;

	range_window(&m->range, m->now, &from, &to);
	if (m->range.length && !m->range.is_fixed && !m->range.back)
		buf_put_str(out, "last ");
	if (m->range.length || !m->range.is_fixed)
		buf_printf(out, "%s", range_name(name, m->range.length));
	if (m->range.back)
		buf_printf(out, ", %u back", m->range.back);
	if (m->range.length || !m->range.is_fixed)
		buf_put_str(out, ": ");
	/* All that there is has its own times. */
	if (from == INT64_MIN && m->rows && !m->pending && m->rows->first <= m->rows->last)
		from = m->rows->first;
	if (from != INT64_MIN)
		put_time(out, from);
	else
		buf_put_str(out, "from the beginning");
	buf_put_str(out, " to ");
	if (to == INT64_MAX) {
		buf_put_str(out, "now, ");
		to = m->now;
	}
	put_time(out, to);
}

static void put_filter(struct buf *out, const struct view_look *look, const struct view_filter *f, unsigned most)
{
	const char *shown = *f->shown ? f->shown : "-";

	buf_printf(out, "%s%s", names_dimension(f->dimension), f->exclude ? "!=" : "=");
	if (most && columns_text(shown) > most)
		cells_put(out, shown, look->utf8, most, COLUMNS_MIDDLE);
	else
		buf_put_str(out, shown);
	buf_put_str(out, " > ");
}

/* most: columns of a value; 0: all of it. */
static void put_path(struct buf *out, const struct view_look *look, const struct view_model *m, unsigned most)
{
	for (size_t i = 0; i < m->n_filters; i++)
		put_filter(out, look, &m->filters[i], most);
	buf_printf(out, "by %s", look->width < LINES_NARROW ? names_dimension(m->by) : dims_title(m->by));
}

static void put_path_within(struct buf *out, const struct view_look *look, const struct view_model *m, unsigned width)
{
	struct buf all;

	buf_init(&all);
	put_path(&all, look, m, 0);
	buf_put_u8(&all, 0);
	if (columns_text((char *)all.data) > width && m->n_filters) {
		unsigned share = width / (unsigned)(m->n_filters + 1),
		         most = share > FILTER_LEAST + 8 ? share - 8 : FILTER_LEAST;

		all.len = 0;
		put_path(&all, look, m, most);
		buf_put_u8(&all, 0);
	}
	buf_put_str(out, (char *)all.data);
	buf_done(&all);
}

static void put_sums(struct buf *out, const struct view_model *m)
{
	const struct view_rows *r = m->rows;

	if (!r) {
		buf_put_str(out, m->failed ? "no answer" : "asking");
		return;
	}
	buf_printf(out, "%" PRIu64 " %s; sent ", r->groups, r->groups == 1 ? "entry" : "entries");
	view_put_amount(out, m, r->sent, ", received ");
	view_put_amount(out, m, r->received, "");
	buf_printf(out, ", %" PRIu64 " call%s", r->calls, r->calls == 1 ? "" : "s");
	if (r->groups > r->n)
		buf_printf(out, "; the first %zu are shown", r->n);
	if (!r->n_losses)
		buf_put_str(out, "; nothing lost");
}

static void put_losses(struct buf *out, const struct view_model *m)
{
	const struct view_rows *r = m->rows;
	uint64_t sent = 0, received = 0;

	if (!r || !r->n_losses)
		return;
	for (unsigned i = 0; i < r->n_losses; i++) {
		sent = count_add(sent, r->losses[i].sent);
		received = count_add(received, r->losses[i].received);
	}
	if (sent || received) {
		buf_put_str(out, "LOST ");
		view_put_amount(out, m, sent, " sent, ");
		view_put_amount(out, m, received, " received");
	} else {
		buf_put_str(out, "MISSED something");
	}
	for (unsigned i = 0; i < r->n_losses; i++) {
		const struct view_loss *loss = &r->losses[i];

		buf_printf(out, "; %s ", loss->stage);
		if (loss->count > 1)
			buf_printf(out, "%" PRIu64 " ", loss->count);
		buf_printf(out, "%s: %s", times(loss->count), loss->text);
	}
}

void view_put_head(struct buf *out, const struct view_look *look, const struct view_model *m, enum view_head which)
{
	struct buf text;

	buf_init(&text);
	switch (which) {
	case VIEW_HEAD_STORE:
		put_store(&text, look, m);
		break;
	case VIEW_HEAD_RANGE:
		put_range(&text, m);
		break;
	case VIEW_HEAD_PATH:
		put_path_within(&text, look, m, look->width);
		break;
	case VIEW_HEAD_SUMS:
		put_sums(&text, m);
		break;
	default:
		put_losses(&text, m);
		break;
	}
	view_put_line(out, look, &text,
	              which == VIEW_HEAD_PATH || which == VIEW_HEAD_STORE ? COLUMNS_MIDDLE : COLUMNS_LEFT);
}

void view_put_brief(struct buf *out, const struct view_look *look, const struct view_model *m)
{
	char name[RANGE_NAME_SIZE];
	struct buf text;

	buf_init(&text);
	if (m->rows && m->rows->n_losses)
		buf_put_str(&text, "LOST ");
	buf_put_str(&text, range_name(name, m->range.length));
	if (m->range.back)
		buf_printf(&text, "-%u", m->range.back);
	buf_put_str(&text, " ");
	put_path_within(&text, look, m, look->width);
	view_put_line(out, look, &text, COLUMNS_MIDDLE);
}

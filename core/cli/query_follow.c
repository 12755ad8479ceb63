/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The question is asked again and again, and what its groups have grown by is told: so a row that comes late, or to a
 * group that is there already, is told as well, and all that was told adds up to the answer.
 */
#include "core/cli/query_follow.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/cli/store.h"
#include "core/query/event_rows.h"
#include "core/query/fold.h"
#include "core/query/growth.h"
#include "core/query/output.h"

enum { PAUSE_MS = 1000, AGAIN_MS = 5000 };

/* Rounds after which the store is opened anew: its file may be another one by now. */
enum { ROUNDS = 60 };

struct follow {
	struct ask *ask;
	struct growth rows, losses;
	struct output *output;
	struct event_rows events;
	struct country *db;
	bool silent; /* in this round, nothing is told */
};

static int on_row(void *arg, const struct ps_answer_row *row)
{
	struct ps_answer_row grown = *row;
	struct follow *f = arg;

	return growth_row(&f->rows, &grown) && !f->silent && output_row(f->output, &grown);
}

static void on_loss(void *arg, const struct ps_answer_loss *loss)
{
	struct ps_answer_row grown = {.values = &loss->stage,
	                              .sent = loss->sent,
	                              .received = loss->received,
	                              .calls = loss->count,
	                              .rows = loss->rows,
	                              .first = loss->first,
	                              .last = loss->last};
	struct ps_answer_loss more = *loss;
	struct follow *f = arg;

	if (!growth_row(&f->losses, &grown) || f->silent)
		return;
	more.count = grown.calls;
	more.sent = grown.sent;
	more.received = grown.received;
	query_warn(NULL, &more);
}

static int on_event(void *arg, const struct ps_answer_event *event)
{
	return event_rows_put(&((struct follow *)arg)->events, event);
}

/* 0, -errno of the store (said), or with *written -errno of writing. */
static int ask_once(struct follow *f, struct cli_store *store, int *written)
{
	struct ps_answer to = {.arg = f, .row = on_row, .loss = on_loss};
	int r;

	if (f->ask->question.kinds)
		to = (struct ps_answer){.arg = f, .event = on_event};
	r = fold_ask(store->reader, store->self, f->db, &f->ask->question, &to);
	*written = f->ask->question.kinds ? event_rows_write(&f->events, f->silent) : output_round(f->output);
	f->silent = f->silent && r < 0;
	if (r < 0)
		log_warning("%s; trying again", cli_store_why(store));
	return r;
}

/* False once nobody reads any more. */
static bool pause_ms(int ms)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, ms) <= 0 || !(out.revents & POLLERR);
}

static int rounds(struct follow *f, const char *config_path)
{
	const char *name = f->ask->store ? f->ask->store : "sqlite";
	struct cli_store store;
	int r = 0, written = 0;

	if (cli_store_open(&store, config_path, name, f->ask->file) < 0)
		return 1;
	f->db = query_countries(&store, f->ask);
	for (unsigned round = 1; written == 0; round++) {
		r = ask_once(f, &store, &written);
		if (written < 0 || !pause_ms(r < 0 ? AGAIN_MS : PAUSE_MS))
			break;
		if (r == 0 && round % ROUNDS)
			continue;
		cli_store_close(&store);
		while (cli_store_open(&store, config_path, name, f->ask->file) < 0)
			if (!pause_ms(AGAIN_MS))
				return 0;
	}
	cli_store_close(&store);
	if (written < 0 && written != -EPIPE) {
		log_error("writing the answer: %s", strerror(-written));
		return 1;
	}
	return 0;
}

int query_follow(struct ask *ask, const char *config_path)
{
	struct follow f = {.ask = ask, .silent = ask->silent};
	int status;

	growth_init(&f.rows, ask->question.n_by);
	growth_init(&f.losses, 1);
	event_rows_init(&f.events, ask, stdout);
	f.output = ask->question.kinds ? NULL : output_begin(ask, stdout, query_width(), query_bold());
	status = rounds(&f, config_path);
	if (f.output)
		output_end(f.output, 0);
	event_rows_done(&f.events);
	growth_done(&f.rows);
	growth_done(&f.losses);
	country_close(f.db);
	return status;
}

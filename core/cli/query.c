/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `picosnitch query`: questions to a store, on the command line. */
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/cli/cli.h"
#include "core/cli/front.h"
#include "core/cli/query_follow.h"
#include "core/cli/store.h"
#include "core/geoip/wanted.h"
#include "core/query/ask.h"
#include "core/query/audit_rows.h"
#include "core/query/event_rows.h"
#include "core/query/fold.h"
#include "core/query/output.h"

void query_warn(void *arg, const struct ps_answer_loss *loss)
{
	uint64_t bytes = loss->sent + loss->received;

	(void)arg;
	if (bytes)
		log_warning("in this range %" PRIu64 " bytes were lost (%.*s, %" PRIu64 " times): %.*s", bytes,
		            (int)loss->stage.len, loss->stage.data, loss->count, (int)loss->text.len, loss->text.data);
	else
		log_warning("in this range something was missed (%.*s, %" PRIu64 " times): %.*s", (int)loss->stage.len,
		            loss->stage.data, loss->count, (int)loss->text.len, loss->text.data);
}

unsigned query_width(void)
{
	struct winsize size;

	return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int query_bold(void)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color);
}

struct country *query_countries(const struct cli_store *store, const struct ask *ask)
{
	char why[COUNTRY_WHY];
	struct country *db;

	if (!fold_is_needed(&ask->question))
		return NULL;
	db = country_open_wanted(cli_store_settings(store), why);
	if (!db)
		log_warning("no country is known: %s", *why ? why : "[geoip] enabled is no");
	return db;
}

static int ask_traffic(const struct cli_store *store, const struct ask *ask, int *written)
{
	struct output *output = output_begin(ask, stdout, query_width(), query_bold());
	struct ps_answer to = {.arg = output, .row = output_row, .loss = query_warn};
	struct country *db = query_countries(store, ask);
	int r;

	r = fold_ask(store->reader, store->self, db, &ask->question, &to);
	*written = output_end(output, r == 0);
	if (r == 0 && country_attribution(db) && ask->format == ASK_TABLE && isatty(STDOUT_FILENO))
		printf("\n%s\n", country_attribution(db));
	country_close(db);
	return r;
}

static int ask_audit(const struct ps_reader *reader, void *self, const struct ask *ask, int *written)
{
	struct audit_rows rows;
	struct ps_answer to = {.arg = &rows, .audit = audit_rows_put, .loss = query_warn};
	int r;

	audit_rows_begin(&rows, ask, stdout);
	r = reader->ask(self, &ask->question, &to);
	*written = audit_rows_end(&rows, r == 0);
	return r;
}

static int ask_events(const struct cli_store *store, const struct ask *ask, int *written)
{
	struct event_rows rows;
	struct ps_answer to = {.arg = &rows, .event = event_rows_put};
	int r;

	event_rows_init(&rows, ask, stdout);
	r = fold_ask(store->reader, store->self, NULL, &ask->question, &to);
	*written = event_rows_write(&rows, 0);
	event_rows_done(&rows);
	return r;
}

static int run(const struct ask *ask)
{
	struct cli_store store;
	int r, written;

	if (cli_store_open(&store, cli.config, ask->store ? ask->store : "sqlite", ask->file) < 0)
		return 1;
	r = ask->audit            ? ask_audit(store.reader, store.self, ask, &written)
	    : ask->question.kinds ? ask_events(&store, ask, &written)
	                          : ask_traffic(&store, ask, &written);
	if (r < 0)
		log_error("%s", cli_store_why(&store));
	else if (written < 0 && written != -EPIPE)
		log_error("writing the answer: %s", strerror(-(r = written)));
	cli_store_close(&store);
	return r < 0;
}

int front_main(int argc, char **argv)
{
	const char *why = NULL;
	struct ask ask;
	int status = 0;

	setlocale(LC_CTYPE, "");
	if (ask_parse(&ask, argc, argv, time(NULL), &why) < 0) {
		log_error("query: %s", why);
		status = 2;
	} else if (ask.help) {
		fputs(ask_help, stdout);
	} else {
		status = ask.follow ? query_follow(&ask, cli.config) : run(&ask);
	}
	ask_done(&ask);
	return status;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/cli/query.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/cli/query_follow.h"
#include "core/cli/store.h"
#include "core/query/ask.h"
#include "core/query/audit_rows.h"
#include "core/query/event_rows.h"
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

static int ask_traffic(const struct ps_reader *reader, void *self, const struct ask *ask, int *written)
{
	struct output *output = output_begin(ask, stdout, query_width(), query_bold());
	struct ps_answer to = {.arg = output, .row = output_row, .loss = query_warn};
	int r;

	r = reader->ask(self, &ask->question, &to);
	*written = output_end(output, r == 0);
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

static int ask_events(const struct ps_reader *reader, void *self, const struct ask *ask, int *written)
{
	struct event_rows rows;
	struct ps_answer to = {.arg = &rows, .event = event_rows_put};
	int r;

	event_rows_init(&rows, ask, stdout);
	r = reader->ask(self, &ask->question, &to);
	*written = event_rows_write(&rows, 0);
	event_rows_done(&rows);
	return r;
}

static int run(const struct ask *ask, const char *config_path)
{
	struct cli_store store;
	int r, written;

	if (cli_store_open(&store, config_path, ask->store ? ask->store : "sqlite", ask->file) < 0)
		return 1;
	r = ask->audit            ? ask_audit(store.reader, store.self, ask, &written)
	    : ask->question.kinds ? ask_events(store.reader, store.self, ask, &written)
	                          : ask_traffic(store.reader, store.self, ask, &written);
	if (r < 0)
		log_error("%s", cli_store_why(&store));
	else if (written < 0 && written != -EPIPE)
		log_error("writing the answer: %s", strerror(-(r = written)));
	cli_store_close(&store);
	return r < 0;
}

int query_main(int argc, char **argv, const char *config_path)
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
		status = ask.follow ? query_follow(&ask, config_path) : run(&ask, config_path);
	}
	ask_done(&ask);
	return status;
}

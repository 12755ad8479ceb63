/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET /api/v1/export: what `picosnitch query` prints, as a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/dash/answer.h"
#include "core/query/output.h"

enum { EXPORT_ROWS_MAX = 1000000, ROWS_BETWEEN_LOOKS = 1024 };

struct export
{
	struct output *output;
	FILE *out;
	uint64_t rows;
	int large;
};

static int take_row(void *arg, const struct ps_answer_row *row)
{
	struct export *e = arg;

	if (++e->rows % ROWS_BETWEEN_LOOKS == 0)
		e->large = ftello(e->out) > ANSWER_EXPORT_MAX;
	return e->large || output_row(e->output, row);
}

/* The file is the reply's then. It is complete before the first byte goes out: a slow client holds no store, and a
 * failure is told by its status. */
static void hand_over(struct asking *a, FILE *out, int json)
{
	struct reply *r = a->reply;
	char stamp[32];
	time_t now = a->now;
	struct tm t;
	int fd = fcntl(fileno(out), F_DUPFD_CLOEXEC, 0);
	off_t size = ftello(out);

	if (fd < 0 || size < 0) {
		reply_error(r, MHD_HTTP_SERVICE_UNAVAILABLE, strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	gmtime_r(&now, &t);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &t);
	snprintf(r->attachment, sizeof(r->attachment), "attachment; filename=\"picosnitch-%s.%s\"", stamp,
	         json ? "jsonl" : "csv");
	r->type = json ? "application/x-ndjson; charset=utf-8" : "text/csv; charset=utf-8; header=present";
	r->file = fd;
	r->file_len = (uint64_t)size;
}

static void write_file(struct asking *a, struct ask *ask)
{
	struct export e = {.out = tmpfile()};
	struct ps_answer to = {.arg = &e, .row = take_row};
	int asked, written;

	if (!e.out) {
		reply_error(a->reply, MHD_HTTP_SERVICE_UNAVAILABLE, strerror(errno));
		return;
	}
	e.output = output_begin(ask, e.out, 0, 0);
	asked = answer_ask(a, &ask->question, &to);
	written = output_end(e.output, asked == 0);
	if (asked == 0 && e.large)
		reply_error(a->reply, MHD_HTTP_BAD_REQUEST, "the answer is larger than 512 MiB: ask for less, or use a limit");
	else if (asked == 0 && written < 0)
		reply_error(a->reply, MHD_HTTP_SERVICE_UNAVAILABLE, strerror(-written));
	else if (asked == 0)
		hand_over(a, e.out, ask->format == ASK_JSON);
	fclose(e.out);
}

void answer_export(struct asking *a)
{
	const char *format = target_value(a->target, "format");
	struct ask ask;
	unsigned limit;

	if (answer_read(a, &ask, "by f x last from to step order limit format", "") == 0 && answer_read_end(a, &ask) == 0 &&
	    answer_number(a, "limit", 0, 1, EXPORT_ROWS_MAX, &limit) == 0) {
		if (!format || ask.format == ASK_TABLE)
			reply_error(a->reply, MHD_HTTP_BAD_REQUEST, "format is csv or json");
		else
			write_file(a, &ask);
	}
	ask_done(&ask);
}

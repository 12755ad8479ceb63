/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/event_rows.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/query/names.h"
#include "core/query/output.h"
#include "core/query/when.h"

struct event_line {
	int64_t start;
	size_t at; /* of those that came in one answer */
	size_t len;
	char text[];
};

/* A member of an event: a text, or a number. */
struct member {
	uint32_t kinds; /* that have it */
	const char *name;
	const struct ps_text *text;
	int64_t number;
};

#define MEMBERS 28

static void members_of(struct member out[MEMBERS], const struct ps_answer_event *e)
{
	enum { P = PS_PROGRAM, A = PS_ALERT, V = PS_VERDICT, ALL = P | A | V };
	const struct member members[MEMBERS] = {
	    {ALL, "start", NULL, e->start},
	    {A, "end", NULL, e->end},
	    {ALL, "what", &e->what, 0},
	    {ALL, "text", &e->text, 0},
	    {ALL, "host", &e->host, 0},
	    {P | V, "exe", &e->exe, 0},
	    {P | V, "sha256", &e->sha256, 0},
	    {P | V, "previous", &e->previous, 0},
	    {P, "role", &e->role, 0},
	    {P, "name", &e->name, 0},
	    {P, "cmdline", &e->cmdline, 0},
	    {P, "script", &e->script, 0},
	    {P, "pexe", &e->parent, 0},
	    {P, "gpexe", &e->grandparent, 0},
	    {P, "unit", &e->unit, 0},
	    {P, "container", &e->container, 0},
	    {P, "uid", NULL, e->uid},
	    {P, "expected", NULL, e->expected},
	    {A, "count", NULL, (int64_t)e->count},
	    {A, "sent", NULL, (int64_t)e->sent},
	    {A, "received", NULL, (int64_t)e->received},
	    {V, "service", &e->service, 0},
	    {V, "link", &e->link, 0},
	    {V, "malicious", NULL, (int64_t)e->malicious},
	    {V, "suspicious", NULL, (int64_t)e->suspicious},
	    {V, "harmless", NULL, (int64_t)e->harmless},
	    {V, "undetected", NULL, (int64_t)e->undetected},
	};

	memcpy(out, members, sizeof(members));
}

static void write_csv(FILE *out, const struct ps_answer_event *e, const struct member *members)
{
	fputs(names_event_kind(e->kind), out);
	for (size_t i = 0; members[i].name; i++) {
		putc(',', out);
		if (!(members[i].kinds & (uint32_t)e->kind))
			continue;
		if (members[i].text)
			output_csv_value(out, *members[i].text);
		else
			fprintf(out, "%" PRId64, members[i].number);
	}
	fputs("\r\n", out);
}

static void write_json(FILE *out, const struct ps_answer_event *e, const struct member *members)
{
	json_t *line = json_object();

	json_object_set_new(line, "kind", json_string(names_event_kind(e->kind)));
	for (size_t i = 0; members[i].name; i++)
		if (members[i].kinds & (uint32_t)e->kind)
			json_object_set_new(line, members[i].name,
			                    members[i].text ? json_stringn(members[i].text->data, members[i].text->len)
			                                    : json_integer(members[i].number));
	json_dumpf(line, out, JSON_COMPACT);
	putc('\n', out);
	json_decref(line);
}

static void write_line(FILE *out, const struct ps_answer_event *e)
{
	char time[WHEN_TEXT_SIZE], *text = mem_printf("%.*s", (int)e->text.len, e->text.data);

	text_clean(text, strlen(text));
	fprintf(out, "%s  %-10s  %s\n", when_text(time, e->start), e->kind == PS_ALERT ? "loss" : e->what.data, text);
	free(text);
}

void event_rows_init(struct event_rows *r, const struct ask *ask, FILE *out)
{
	*r = (struct event_rows){.ask = ask, .out = out};
	table_init(&r->told);
}

int event_rows_put(void *rows, const struct ps_answer_event *e)
{
	struct member members[MEMBERS];
	struct event_rows *r = rows;
	struct event_line *line;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return 1;
	members_of(members, e);
	if (r->ask->format == ASK_CSV)
		write_csv(out, e, members);
	else if (r->ask->format == ASK_JSON)
		write_json(out, e, members);
	else
		write_line(out, e);
	fclose(out);
	if (r->ask->follow && table_get(&r->told, text, len)) {
		free(text);
		return 0;
	}
	line = mem_alloc(sizeof(*line) + len);
	*line = (struct event_line){.start = e->start, .at = r->n, .len = len};
	memcpy(line->text, text, len);
	free(text);
	if (!(r->n & (r->n - 1)))
		r->lines = mem_resize(r->lines, (r->n ? r->n * 2 : 1) * sizeof(*r->lines));
	r->lines[r->n++] = line;
	return 0;
}

/* The earliest first; of one second, what came later is the earlier. */
static int compare(const void *a, const void *b)
{
	const struct event_line *x = *(struct event_line *const *)a, *y = *(struct event_line *const *)b;

	return x->start != y->start ? (x->start > y->start) - (x->start < y->start) : (x->at < y->at) - (x->at > y->at);
}

static void begin(struct event_rows *r)
{
	struct member members[MEMBERS];
	const struct ps_answer_event none = {.kind = PS_ALERT};

	if (r->began || r->ask->format != ASK_CSV)
		return;
	members_of(members, &none);
	fputs("kind", r->out);
	for (size_t i = 0; members[i].name; i++)
		fprintf(r->out, ",%s", members[i].name);
	fputs("\r\n", r->out);
}

int event_rows_write(struct event_rows *r, int silent)
{
	size_t first = r->ask->question.limit && r->n > r->ask->question.limit ? r->n - r->ask->question.limit : 0;

	begin(r);
	r->began = 1;
	if (r->n)
		qsort(r->lines, r->n, sizeof(*r->lines), compare);
	for (size_t i = 0; i < r->n; i++) {
		struct event_line *line = r->lines[i];

		if (i >= first && !silent)
			fwrite(line->text, 1, line->len, r->out);
		if (r->ask->follow && !table_get(&r->told, line->text, line->len))
			table_add(&r->told, line->text, line->len, line);
		else
			free(line);
	}
	r->n = 0;
	errno = 0;
	return fflush(r->out) != 0 || ferror(r->out) ? errno ? -errno : -EIO : 0;
}

void event_rows_done(struct event_rows *r)
{
	struct event_line *line;

	for (size_t i = 0; i < r->n; i++)
		free(r->lines[i]);
	for (size_t at = 0; (line = table_next(&r->told, &at));)
		free(line);
	table_done(&r->told);
	free(r->lines);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/postgres/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/query/source.h"
#include "plugins/postgres/link.h"
#include "plugins/postgres/params.h"

#define GRACE_MS 1000 /* longer than the server's own limit, so that it is the server who says so */

struct reader_state {
	struct source source; /* first: see source_reader_ask() */
	struct relation_names names;
	struct link link;
	int64_t limit; /* ms that are waited for a statement now */
};

static const struct sql_dialect dialect = {
    .sum = "sum",
    .key = "key",
    .text_before = "",
    .text_after = " COLLATE \"C\"",
    .quote = "\"",
    .quote_table = "",
    .digits_before = "encode(",
    .digits_after = ", 'hex')",
    .key_digits_before = "replace(CAST(",
    .key_digits_after = " AS text), '-', '')",
    .key_before = "CAST(",
    .key_after = " AS uuid)",
    .numbered = true,
};

static bool is_lost(const struct reader_state *r)
{
	return r->link.late || PQstatus(r->link.conn) != CONNECTION_OK;
}

/* What is lost is of no use to the next question; nor is what still has an answer to this one on its way. */
static int explain(struct reader_state *r)
{
	const char *state = r->link.state;
	enum source_fault fault = r->link.late || strcmp(state, "57014") == 0 ? SOURCE_LATE
	                          : strcmp(state, "42501") == 0               ? SOURCE_CLOSED
	                          : strcmp(state, "42P01") == 0               ? SOURCE_EMPTY
	                                                                      : SOURCE_OTHER;

	if (is_lost(r))
		link_close(&r->link);
	return source_failed(&r->source, fault, r->link.why);
}

static bool connect_again(struct reader_state *r)
{
	const struct ps_host *host = r->link.host;
	enum trouble trouble;
	struct params p;

	if (!params_set(&p, host, r->link.ctx, false))
		return false;
	link_allow(&r->link, host->number(r->link.ctx, "answer_timeout"));
	trouble = link_open(&r->link, p.keywords, p.values);
	params_clear(&p);
	if (trouble != LINK_FINE)
		host->why(r->link.ctx, "%s", r->link.why);
	return trouble == LINK_FINE;
}

static int select_rows(void *self, const struct sql *sql, unsigned n,
                       int (*take)(void *arg, const struct ps_text *cells), void *arg)
{
	struct reader_state *r = self;
	struct ps_text cells[PS_DIMENSIONS + 6];
	struct link_value *values = mem_alloc(sql->n_values * sizeof(*values));
	char(*numbers)[24] = mem_alloc(sql->n_values * sizeof(*numbers));
	enum trouble trouble;
	int stopped = 0;
	PGresult *row;

	for (unsigned i = 0; i < sql->n_values; i++) {
		const struct sql_value *v = &sql->values[i];

		snprintf(numbers[i], sizeof(numbers[i]), "%lld", (long long)v->number);
		/* A parameter is a text that ends with a NUL: none of ours has one within. */
		values[i] =
		    (struct link_value){.data = v->is_number ? numbers[i] : mem_printf("%.*s", (int)v->text.len, v->text.data)};
	}
	link_allow(&r->link, r->limit);
	trouble = link_begin(&r->link, (const char *)sql->text.data, values, (int)sql->n_values);
	while (trouble == LINK_FINE && (row = link_row(&r->link))) {
		for (unsigned i = 0; i < n; i++)
			cells[i] = (struct ps_text){PQgetisnull(row, 0, (int)i) ? NULL : PQgetvalue(row, 0, (int)i),
			                            (uint32_t)PQgetlength(row, 0, (int)i)};
		/* To the end in any case: the transaction goes on. */
		if (!stopped && (unsigned)PQnfields(row) == n)
			stopped = take(arg, cells);
		PQclear(row);
		link_allow(&r->link, r->limit);
	}
	if (trouble == LINK_FINE && !link_end(&r->link))
		trouble = LINK_AWAY;
	for (unsigned i = 0; i < sql->n_values; i++)
		if (!sql->values[i].is_number)
			free((char *)(uintptr_t)values[i].data);
	free(numbers);
	free(values);
	return stopped ? stopped : trouble == LINK_FINE ? 0 : explain(r);
}

static enum trouble try_begin(struct reader_state *r, int64_t ms)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = %lld",
	         (long long)ms);
	link_allow(&r->link, r->limit);
	return link_run(&r->link, sql);
}

static int begin(void *self, int64_t ms)
{
	struct reader_state *r = self;
	bool idle = r->link.conn;
	enum trouble trouble;

	r->limit = ms + GRACE_MS;
	if (!idle && !connect_again(r))
		return -EIO;
	trouble = try_begin(r, ms);
	/* The server may have been started again since somebody asked last. */
	if (trouble != LINK_FINE && idle && !r->link.late && is_lost(r)) {
		if (!connect_again(r))
			return -EIO;
		trouble = try_begin(r, ms);
	}
	return trouble == LINK_FINE ? 0 : explain(r);
}

static void end(void *self)
{
	struct reader_state *r = self;

	link_allow(&r->link, r->limit);
	if (r->link.conn && link_run(&r->link, "ROLLBACK") != LINK_FINE)
		link_close(&r->link);
}

static void reader_close(void *self)
{
	struct reader_state *r = self;

	link_close(&r->link);
	free(r);
}

static int reader_open(const struct ps_host *host, struct ps_ctx *ctx, void **self)
{
	struct reader_state *r;

	if (!params_check(host, ctx))
		return -EINVAL;
	r = mem_alloc(sizeof(*r));
	r->link = (struct link){.host = host, .ctx = ctx};
	r->source = (struct source){
	    .host = host, .ctx = ctx, .dialect = dialect, .self = r, .begin = begin, .end = end, .select = select_rows};
	relation_names(&r->names, host, ctx);
	r->source.dialect.names = &r->names;
	if (connect_again(r)) {
		*self = r;
		return 0;
	}
	reader_close(r);
	return -EIO;
}

const struct ps_reader reader = {
    .open = reader_open, .ask = source_reader_ask, .walk = source_reader_walk, .close = reader_close};

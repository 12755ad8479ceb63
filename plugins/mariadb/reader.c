/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/mariadb/reader.h"

#include <errmsg.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/query/source.h"
#include "plugins/mariadb/await.h"
#include "plugins/mariadb/link.h"
#include "plugins/mariadb/params.h"

#define CELLS (PS_DIMENSIONS + 6)
#define GRACE_MS 1000 /* longer than the server's own limit, so that it is the server who says so */

struct reader_state {
	struct source source; /* first: see source_reader_ask() */
	struct relation_names names;
	struct link link;
	struct await await;
};

static const struct sql_dialect dialect = {
    .sum = "sum",
    .key = "`key`",
    /* utf8mb4_bin, too, does not see spaces at the end. */
    .text_before = "CAST(",
    .text_after = " AS BINARY)",
    .quote = "`",
    .quote_table = "`",
    .digits_before = "HEX(",
    .digits_after = ")",
    .key_digits_before = "HEX(",
    .key_digits_after = ")",
    .key_before = "UNHEX(",
    .key_after = ")",
};

static bool is_lost(const struct reader_state *r)
{
	return r->link.code == CR_SERVER_LOST || r->link.code == CR_SERVER_GONE_ERROR;
}

/* What is lost is of no use to the next question. */
static int explain(struct reader_state *r)
{
	unsigned code = r->link.code;
	enum source_fault fault = code == 1969 || code == 3024 || r->await.late  ? SOURCE_LATE
	                          : code == 1142 || code == 1143 || code == 1044 ? SOURCE_CLOSED
	                          : code == 1146                                 ? SOURCE_EMPTY
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

	if (!params_set(&p, host, r->link.ctx))
		return false;
	/* The server gives up sooner, and so do we. */
	p.answer_s = (unsigned)((host->number(r->link.ctx, "query_timeout") * SOURCE_WALK_PATIENCE + 999) / 1000) + 5;
	trouble = link_open(&r->link, &p, false);
	params_clear(&p);
	if (trouble != LINK_FINE)
		host->why(r->link.ctx, "%s", r->link.why);
	return trouble == LINK_FINE;
}

static bool bind_values(MYSQL_STMT *st, const struct sql *sql, MYSQL_BIND *binds)
{
	for (unsigned i = 0; i < sql->n_values; i++) {
		struct sql_value *v = &sql->values[i];

		binds[i].buffer_type = v->is_number ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_STRING;
		/* The library only reads it. */
		binds[i].buffer = v->is_number ? (void *)&v->number : (void *)(uintptr_t)v->text.data;
		binds[i].buffer_length = v->text.len;
	}
	return !sql->n_values || mysql_stmt_bind_param(st, binds) == 0;
}

/* The columns of the row at hand, whatever their lengths. */
struct row {
	MYSQL_BIND binds[CELLS];
	unsigned long lengths[CELLS];
	my_bool nulls[CELLS];
	struct buf data;
};

static bool get_cells(MYSQL_STMT *st, struct row *row, unsigned n, struct ps_text *cells)
{
	size_t at = 0;

	row->data.len = 0;
	for (unsigned i = 0; i < n; i++)
		if (!row->nulls[i])
			buf_add(&row->data, row->lengths[i] + 1);
	for (unsigned i = 0; i < n; i++) {
		MYSQL_BIND one = {.buffer_type = MYSQL_TYPE_STRING, .buffer_length = row->lengths[i] + 1};
		char *data = (char *)row->data.data + at;
		unsigned long length = row->lengths[i];

		cells[i] = (struct ps_text){NULL, 0};
		if (row->nulls[i])
			continue;
		one.buffer = data;
		one.length = &length;
		if (mysql_stmt_fetch_column(st, &one, i, 0) || length != row->lengths[i])
			return false;
		data[length] = 0;
		cells[i] = (struct ps_text){data, (uint32_t)length};
		at += length + 1;
	}
	return true;
}

static int fetch_all(struct await *await, MYSQL_STMT *st, unsigned n,
                     int (*take)(void *arg, const struct ps_text *cells), void *arg, int *stopped)
{
	struct row *row = mem_alloc(sizeof(*row));
	struct ps_text cells[CELLS];
	int status;

	for (unsigned i = 0; i < n; i++)
		row->binds[i] =
		    (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .length = &row->lengths[i], .is_null = &row->nulls[i]};
	status = mysql_stmt_bind_result(st, row->binds);
	/* What is left when it is stopped is thrown away with the statement. */
	while (status == 0 && !*stopped) {
		status = await_fetch(await, st);
		if (status == MYSQL_DATA_TRUNCATED)
			status = 0;
		if (status == 0 && !get_cells(st, row, n, cells))
			status = 1;
		if (status == 0)
			*stopped = take(arg, cells);
	}
	buf_done(&row->data);
	free(row);
	return *stopped || status == MYSQL_NO_DATA ? 0 : 1;
}

static int select_rows(void *self, const struct sql *sql, unsigned n,
                       int (*take)(void *arg, const struct ps_text *cells), void *arg)
{
	struct reader_state *r = self;
	MYSQL_BIND *binds = mem_alloc(sql->n_values * sizeof(*binds));
	MYSQL_STMT *st = mysql_stmt_init(r->link.my);
	int stopped = 0;
	bool fine = st && !await_prepare(&r->await, st, (const char *)sql->text.data) && mysql_stmt_field_count(st) == n &&
	            bind_values(st, sql, binds) && !await_execute(&r->await, st) &&
	            !fetch_all(&r->await, st, n, take, arg, &stopped);

	if (!fine)
		link_failed(&r->link, st);
	if (st)
		await_close(&r->await, st);
	free(binds);
	return stopped ? stopped : fine ? 0 : explain(r);
}

static bool try_begin(struct reader_state *r, int64_t ms)
{
	char sql[128];
	bool fine;

	/* Two products, two units. */
	if (r->link.is_mariadb)
		snprintf(sql, sizeof(sql), "SET SESSION max_statement_time = %lld", (long long)(ms + 999) / 1000);
	else
		snprintf(sql, sizeof(sql), "SET SESSION max_execution_time = %lld", (long long)ms);
	r->await = (struct await){.link = &r->link, .limit_ms = ms + GRACE_MS};
	fine = !await_query(&r->await, sql) &&
	       !await_query(&r->await, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
	if (!fine)
		link_failed(&r->link, NULL);
	return fine;
}

static int begin(void *self, int64_t ms)
{
	struct reader_state *r = self;
	bool idle = r->link.my, fine;

	if (!idle && !connect_again(r))
		return -EIO;
	fine = try_begin(r, ms);
	/* The server may have been started again since somebody asked last. */
	if (!fine && idle && !r->await.late && is_lost(r)) {
		if (!connect_again(r))
			return -EIO;
		fine = try_begin(r, ms);
	}
	return fine ? 0 : explain(r);
}

static void end(void *self)
{
	struct reader_state *r = self;

	if (r->link.my && await_query(&r->await, "ROLLBACK"))
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file is opened read-only. While the daemon runs, or has left -wal and -shm behind, that
 * is enough for anyone who may read the three files. Where -shm cannot be used, nobody writes,
 * and the file is read as immutable.
 */
#include "plugins/sqlite/reader_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/query/source.h"
#include "plugins/sqlite/rollup.h"

#define STEPS_BETWEEN_LOOKS 10000 /* of SQLite's machine, between two looks at the clock */

static int on_progress(void *arg)
{
	const struct reader *r = arg;

	return clock_monotonic_ns() > r->until || r->host->stopping(r->ctx);
}

/* "file:PATH?mode=ro", with what an URI would understand otherwise escaped. */
static void put_uri(struct buf *uri, const char *path, const char *parameters)
{
	buf_put_str(uri, "file:");
	for (; *path; path++)
		if (*path == '?' || *path == '#' || *path == '%')
			buf_printf(uri, "%%%02x", (unsigned char)*path);
		else
			buf_put_u8(uri, (uint8_t)*path);
	buf_put_str(uri, parameters);
	buf_put_u8(uri, 0);
}

static int try_open(struct reader *r, const char *path, const char *parameters, int *version)
{
	struct buf uri;
	int rc;

	buf_init(&uri);
	put_uri(&uri, path, parameters);
	sqlite3_close(r->db);
	rc = sqlite3_open_v2((char *)uri.data, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
	buf_done(&uri);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(r->db, 5000);
		rc = schema_version(r->db, version);
	}
	return rc;
}

/* Opens the file that is there now. 0 or -errno after why(): then db is NULL. */
static int connect_file(struct reader *r)
{
	const struct ps_host *host = r->host;
	struct ps_ctx *ctx = r->ctx;
	const char *path = host->text(ctx, "file");
	int rc, version = 0;

	if (stat(path, &r->file) < 0) {
		rc = -errno;
		if (rc == -ENOENT)
			host->why(ctx, "there is no store at %s yet: start picosnitch with its sqlite sink enabled", path);
		else
			host->why(ctx, "%s cannot be read (%s): run this as root, or as a member of the group in [data]", path,
			          rc == -EACCES ? "permission denied" : "error");
		return rc;
	}
	rc = try_open(r, path, "?mode=ro", &version);
	r->immutable = rc == SQLITE_READONLY || rc == SQLITE_CANTOPEN;
	if (r->immutable)
		rc = try_open(r, path, "?mode=ro&immutable=1", &version);
	if (rc != SQLITE_OK) {
		host->why(ctx, "%s: %s%s", path, sqlite3_errmsg(r->db),
		          rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY
		              ? ": run this as root, or as a member of the group in [data]"
		              : "");
		rc = rc == SQLITE_CANTOPEN ? -EACCES : -EIO;
	} else if (version == 0) {
		host->why(ctx, "%s is still empty: nothing has been recorded yet", path);
		rc = -ENODATA;
	} else if (version < SCHEMA_FIRST || version > schema_newest()) {
		host->why(ctx, "%s is of version %d; this picosnitch reads %d to %d", path, version, SCHEMA_FIRST,
		          schema_newest());
		rc = -ENOTSUP;
	} else {
		sqlite3_db_config(r->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		/* What a view over a month sorts fits into that. */
		sqlite3_exec(r->db, "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536", NULL, NULL, NULL);
		rollup_functions(r->db);
		rc = groups_register(r->db, &r->groups);
		if (rc == SQLITE_OK) {
			sqlite3_progress_handler(r->db, STEPS_BETWEEN_LOOKS, on_progress, r);
			r->until = INT64_MAX;
			r->version = version;
			return 0;
		}
		host->why(ctx, "%s: %s", path, sqlite3_errmsg(r->db));
		rc = -EIO;
	}
	sqlite3_close(r->db);
	r->db = NULL;
	return rc;
}

int reader_open(const struct ps_host *host, struct ps_ctx *ctx, void **self)
{
	struct reader *r = mem_alloc(sizeof(*r));
	int rc;

	*r = (struct reader){.host = host, .ctx = ctx};
	rc = connect_file(r);
	if (rc == 0)
		*self = r;
	else
		free(r);
	return rc;
}

/* Whoever asks for days on end: the file may have been set aside meanwhile, or given another version; and one that
 * nobody wrote to then may be written to now. */
static int connect_again(struct reader *r)
{
	struct stat now;
	int version = r->version;

	if (r->db && !r->immutable && stat(r->host->text(r->ctx, "file"), &now) == 0 && now.st_ino == r->file.st_ino &&
	    now.st_dev == r->file.st_dev && schema_version(r->db, &version) == SQLITE_OK && version == r->version)
		return 0;
	sqlite3_close(r->db);
	r->db = NULL;
	return connect_file(r);
}

/* -errno of an SQLite code. */
static int failed(struct reader *r, int rc)
{
	if (rc == SQLITE_INTERRUPT)
		r->host->why(r->ctx, "the question took longer than %lld s and was given up: ask about a shorter time",
		             (long long)(r->host->number(r->ctx, "query_timeout") / 1000));
	else
		r->host->why(r->ctx, "%s: %s", r->host->text(r->ctx, "file"), sqlite3_errmsg(r->db));
	return rc == SQLITE_INTERRUPT ? -ETIME : -EIO;
}

static int prepare(struct reader *r, const struct sql *sql, sqlite3_stmt **st)
{
	int rc = sqlite3_prepare_v2(r->db, (const char *)sql->text.data, -1, st, NULL);

	for (unsigned i = 0; i < sql->n_values && rc == SQLITE_OK; i++) {
		const struct sql_value *v = &sql->values[i];

		rc = v->is_number ? sqlite3_bind_int64(*st, (int)i + 1, v->number)
		                  : sqlite3_bind_text64(*st, (int)i + 1, v->text.data, v->text.len, SQLITE_STATIC, SQLITE_UTF8);
	}
	return rc;
}

static int select_rows(void *self, const struct sql *sql, unsigned n,
                       int (*take)(void *arg, const struct ps_text *cells), void *arg)
{
	struct ps_text cells[PS_DIMENSIONS + 6];
	struct reader *r = self;
	sqlite3_stmt *st = NULL;
	int rc = prepare(r, sql, &st), stopped = 0;

	while (rc == SQLITE_OK && !stopped && sqlite3_step(st) == SQLITE_ROW) {
		for (unsigned i = 0; i < n; i++) {
			const char *data = (const char *)sqlite3_column_text(st, (int)i);

			cells[i] = (struct ps_text){data, (uint32_t)sqlite3_column_bytes(st, (int)i)};
		}
		stopped = take(arg, cells);
	}
	if (rc == SQLITE_OK && !stopped)
		rc = sqlite3_reset(st);
	if (rc != SQLITE_OK)
		stopped = failed(r, rc);
	sqlite3_finalize(st);
	return stopped;
}

static const struct sql_dialect dialect = {
    .sum = "add_up",
    .key = "id",
    .text_before = "",
    .text_after = "",
    .quote = "",
    .quote_table = "",
    .one_host = "(SELECT hostname FROM batches ORDER BY id DESC LIMIT 1)",
};

static int group_span(struct reader *r, const struct ps_question *q, const struct sql_span *span)
{
	const char *why = "";
	sqlite3_stmt *st = NULL;
	struct sql sql;
	int rc = sql_build_gather(&sql, &dialect, q, span, GROUPS_AGGREGATE, &why);

	if (rc < 0) {
		r->host->why(r->ctx, "%s", why);
		return rc;
	}
	rc = prepare(r, &sql, &st);
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
		rc = sqlite3_reset(st);
	/* That is ours: there are too many groups, or who asked has enough. */
	rc = rc == SQLITE_OK ? 0 : rc == SQLITE_ABORT ? -ECANCELED : failed(r, rc);
	sqlite3_finalize(st);
	sql_done(&sql);
	return rc;
}

static int group_rows(void *self, const struct ps_question *q, const struct sql_span *spans, unsigned n_spans,
                      const char **table)
{
	struct reader *r = self;
	int rc = 0;

	*table = NULL;
	groups_begin(&r->groups, sql_keys(q));
	for (unsigned i = 0; i < n_spans && rc == 0; i++)
		rc = group_span(r, q, &spans[i]);
	if (rc == 0)
		*table = GROUPS_TABLE;
	else
		groups_done(&r->groups);
	return r->groups.full ? 0 : rc;
}

static int tell_parts(void *self, const struct ps_question *q, const struct sql_span *spans, unsigned n_spans,
                      const struct ps_answer *answer)
{
	struct reader *r = self;
	struct parts *parts;
	int sqlite = parts_new(&parts, r->db, &r->dialect, &r->groups, q, answer), rc = 0;

	if (sqlite != SQLITE_OK) {
		rc = failed(r, sqlite);
		parts_free(parts);
		return rc;
	}
	groups_begin_parts(&r->groups, sql_keys(q), parts_tell, parts);
	for (unsigned i = 0; i < n_spans && rc == 0; i++)
		rc = group_span(r, q, &spans[i]);
	if (rc == 0)
		sqlite = parts_tell(parts);
	if (parts_enough(parts))
		rc = 0;
	else if (sqlite != SQLITE_OK)
		rc = failed(r, sqlite);
	parts_free(parts);
	return rc;
}

int reader_ask(void *self, const struct ps_question *q, struct ps_answer *answer)
{
	struct sql_span spans[ROLLUP_SPANS_MAX];
	struct reader *r = self;
	struct source source = {.host = r->host,
	                        .ctx = r->ctx,
	                        .dialect = dialect,
	                        .self = r,
	                        .group = group_rows,
	                        .parts = tell_parts,
	                        .select = select_rows};
	unsigned n_spans = 0;
	struct ps_question known = *q;
	int rc = connect_again(r);

	if (rc < 0)
		return rc;
	/* What older versions of the file do not have, nothing was written to. */
	if (r->version < SCHEMA_VERDICTS)
		known.kinds &= ~(uint32_t)PS_VERDICT;
	if (r->version < SCHEMA_PLACES)
		known.kinds &= ~(uint32_t)PS_PROGRAM;
	if (r->version < SCHEMA_HOSTNAME)
		source.dialect.one_host = "''";
	r->dialect = source.dialect;
	q = &known;
	r->until = clock_monotonic_ns() + r->host->number(r->ctx, "query_timeout") * NS_PER_MS;
	/* One transaction: losses and rows are of the same moment. */
	rc = sqlite3_exec(r->db, "BEGIN", NULL, NULL, NULL);
	if (rc == SQLITE_OK && answer->row)
		rc = rollup_spans(r->db, r->version, q, spans, &n_spans);
	if (rc != SQLITE_OK) {
		failed(r, rc);
		rc = -EIO;
	} else {
		rc = source_ask(&source, q, spans, n_spans, answer);
		groups_done(&r->groups);
	}
	r->until = INT64_MAX;
	if (!sqlite3_get_autocommit(r->db))
		sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

void reader_close(void *self)
{
	struct reader *r = self;

	sqlite3_close(r->db);
	free(r);
}

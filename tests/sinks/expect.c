/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sinks/expect.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/expect_server.h"

int expect_is_hostile(const char *shown, size_t len)
{
	struct ps_text want = hostile_path();
	char bytes[256];

	return text_unshow(bytes, sizeof(bytes), shown, len) == (long)want.len && memcmp(bytes, want.data, want.len) == 0;
}

/* Columns: exe, send, and those that must not be NULL. */
static int read_sqlite(struct ps_ctx *ctx, struct stored *out)
{
	static const char sql[] =
	    "SELECT e.exe, c.send, p.exe IS NULL OR g.exe IS NULL OR l.addr IS NULL OR r.addr IS NULL"
	    " OR d.domain IS NULL OR b.id IS NULL OR e.exe IS NULL OR w.cgroup IS NULL FROM connections c"
	    " LEFT JOIN executables e ON e.id = exe_id LEFT JOIN executables p ON p.id = pexe_id"
	    " LEFT JOIN executables g ON g.id = gpexe_id LEFT JOIN addresses l ON l.id = laddr_id"
	    " LEFT JOIN addresses r ON r.id = raddr_id LEFT JOIN domains d ON d.id = domain_id"
	    " LEFT JOIN batches b ON b.id = batch_id LEFT JOIN places w ON w.id = place_id";
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	int ok;

	ok = sqlite3_open_v2(fake_host.text(ctx, "file"), &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	     sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK;
	while (ok && sqlite3_step(st) == SQLITE_ROW) {
		out->rows++;
		if (sqlite3_column_int64(st, 1) != INT64_MAX)
			out->sent += sqlite3_column_int64(st, 1);
		out->broken += sqlite3_column_int(st, 2);
		if (sqlite3_column_type(st, 0) == SQLITE_TEXT)
			out->hostile +=
			    expect_is_hostile((const char *)sqlite3_column_text(st, 0), (size_t)sqlite3_column_bytes(st, 0));
	}
	sqlite3_finalize(st);
	st = NULL;
	if (ok &&
	    sqlite3_prepare_v2(db,
	                       "SELECT (SELECT count(*) FROM losses), (SELECT count(*) FROM audit), (SELECT count(*) FROM"
	                       " programs JOIN executables e ON e.id = exe_id JOIN places w ON w.id = place_id),"
	                       " (SELECT count(*) FROM verdicts WHERE state = 'suspicious' AND previous = 'clean' AND"
	                       " malicious = 3 AND undetected = 66 AND asked = time - 10 AND analysed IS NULL AND"
	                       " sha256 LIKE 'cd00%' AND service = 'virustotal' AND link = 'https://example.com/')",
	                       -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		out->alerts = sqlite3_column_int64(st, 0);
		out->audits = sqlite3_column_int64(st, 1);
		out->programs = sqlite3_column_int64(st, 2);
		out->verdicts = sqlite3_column_int64(st, 3);
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	return ok ? 0 : -1;
}

static void csv_line(const char *line, size_t len, struct stored *out)
{
	int commas = 0, bad = 0;
	const char *field = line;

	for (size_t i = 0, n; i < len; i += n) {
		n = text_utf8(line + i, len - i);
		bad |= !n || (n == 1 && ((unsigned char)line[i] < 0x20 || line[i] == 0x7f));
		n += !n;
		if (line[i] == ',' && ++commas == 1)
			field = line + i + 1;
	}
	out->rows++;
	if (strtoull(field, NULL, 10) <= INT64_MAX)
		out->sent += strtoll(field, NULL, 10);
	out->broken += bad || commas != 16;
}

static void json_line(const char *line, size_t len, struct stored *out)
{
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL), *exe = json_object_get(o, "exe");
	const char *kind = json_string_value(json_object_get(o, "kind"));
	json_int_t sent = json_integer_value(json_object_get(o, "sent"));

	if (kind && strcmp(kind, "alert") == 0) {
		out->alerts++;
	} else if (kind && strcmp(kind, "audit") == 0) {
		out->audits++;
		out->broken += json_object_size(o) != 18;
	} else if (kind && strcmp(kind, "program") == 0) {
		out->programs++;
		out->broken += json_object_size(o) != 56;
	} else if (kind && strcmp(kind, "verdict") == 0) {
		out->verdicts++;
		out->broken += json_object_size(o) != 16 || !expect_is_hostile(json_string_value(exe), json_string_length(exe));
	} else {
		out->rows++;
		if (sent != INT64_MAX)
			out->sent += sent;
		out->broken += !kind || json_object_size(o) != 67;
		out->hostile += exe && expect_is_hostile(json_string_value(exe), json_string_length(exe));
	}
	json_decref(o);
}

static int read_textlog(struct ps_ctx *ctx, struct stored *out)
{
	FILE *in = fopen(fake_host.text(ctx, "file"), "re");
	int json = fake_host.number(ctx, "format") == 1;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!in)
		return -1;
	out->hostile = json ? 0 : -1;
	while ((n = getline(&line, &cap, in)) > 0) {
		if (line[n - 1] != '\n')
			out->broken++;
		else if (json)
			json_line(line, (size_t)n - 1, out);
		else
			csv_line(line, (size_t)n - 1, out);
	}
	free(line);
	fclose(in);
	return 0;
}

/* contrib/example-plugin: one line, which begins with the number of rows. */
static int read_example(struct ps_ctx *ctx, struct stored *out)
{
	FILE *in = fopen(fake_host.text(ctx, "file"), "re");
	long long rows;

	if (!in)
		return -1;
	if (fscanf(in, "%lld", &rows) == 1)
		out->rows = rows;
	out->sent = out->hostile = -1;
	fclose(in);
	return 0;
}

int expect_read(struct ps_ctx *ctx, struct stored *out)
{
	*out = (struct stored){0};
	if (strcmp(ctx->plugin->name, "sqlite") == 0)
		return read_sqlite(ctx, out);
	if (strcmp(ctx->plugin->name, "textlog") == 0)
		return read_textlog(ctx, out);
	if (strcmp(ctx->plugin->name, "example") == 0)
		return read_example(ctx, out);
#ifdef WITH_MARIADB
	if (strcmp(ctx->plugin->name, "mariadb") == 0)
		return expect_read_mariadb(ctx, out);
#endif
#ifdef WITH_POSTGRES
	if (strcmp(ctx->plugin->name, "postgres") == 0)
		return expect_read_postgres(out);
#endif
	return -1;
}

int expect_kind(struct ps_ctx *ctx, enum ps_kind kind)
{
	return (ctx->plugin->sink->kinds & kind) &&
	       !(strcmp(ctx->plugin->name, "textlog") == 0 && fake_host.number(ctx, "format") == 0);
}

static int sql_sqlite(struct ps_ctx *ctx, const char *sql)
{
	sqlite3 *db = NULL;
	char *why = NULL;
	int rc = sqlite3_open(fake_host.text(ctx, "file"), &db);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, sql, NULL, NULL, &why);
	if (rc != SQLITE_OK)
		printf("# %s: %s\n", sql, why ? why : sqlite3_errmsg(db));
	sqlite3_free(why);
	sqlite3_close(db);
	return rc == SQLITE_OK ? 0 : -1;
}

int expect_sql(struct ps_ctx *ctx, const char *sql)
{
	if (strcmp(ctx->plugin->name, "sqlite") == 0)
		return sql_sqlite(ctx, sql);
#ifdef WITH_MARIADB
	if (strcmp(ctx->plugin->name, "mariadb") == 0)
		return expect_sql_mariadb(ctx, sql);
#endif
#ifdef WITH_POSTGRES
	if (strcmp(ctx->plugin->name, "postgres") == 0)
		return expect_sql_postgres(sql);
#endif
	return -1;
}

const char *expect_batch_column(struct ps_ctx *ctx)
{
	return strcmp(ctx->plugin->name, "sqlite") == 0 ? "batch_id" : "batch";
}

const char *expect_batch_key(struct ps_ctx *ctx)
{
	return strcmp(ctx->plugin->name, "sqlite") == 0 ? "id" : "batch";
}

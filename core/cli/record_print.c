/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/cli/record_print.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/query/when.h"

enum { NAMES_WIDTH = 20, SHOWN_SIZE = 4 * MEMORY_PATH_MAX + 1 };

static const char *const roles[MEMORY_ROLES] = {"self", "parent", "grandparent"};

static const char *shown(char *out, struct ps_text text)
{
	text_show(out, SHOWN_SIZE, text, PS_SHOW_PATH);
	return out;
}

/* An executable without a path: kernel threads. */
static const char *shown_path(char *out, const struct memory_exe *e)
{
	return e->path.len ? shown(out, e->path) : "(kernel)";
}

static const char *when(char out[WHEN_TEXT_SIZE], int64_t s)
{
	return s ? when_text(out, s) : "never";
}

/* "self, parent" */
static const char *roles_text(char out[40], uint8_t bits)
{
	out[0] = 0;
	for (unsigned i = 0; i < MEMORY_ROLES; i++)
		if (bits & 1u << i) {
			if (*out)
				strcat(out, ", ");
			strcat(out, roles[i]);
		}
	return *out ? out : "-";
}

/* The nearest is what counts: "self", and whether it was a parent too is in the long form. */
static const char *nearest(uint8_t bits)
{
	for (unsigned i = 0; i < MEMORY_ROLES; i++)
		if (bits & 1u << i)
			return roles[i];
	return "-";
}

/* Its first words: the state; "-" for none. */
static void print_verdict(char out[SHOWN_SIZE], const char *verdict)
{
	struct ps_text word = {verdict, (uint32_t)strcspn(verdict, ",:(")};

	while (word.len && word.data[word.len - 1] == ' ')
		word.len--;
	if (word.len)
		shown(out, word);
}

static void print_table_row(const struct memory_exe *e, FILE *out)
{
	char text[SHOWN_SIZE], hash[65] = "-", names[SHOWN_SIZE + 24] = "-", last[WHEN_TEXT_SIZE],
	                       verdict[SHOWN_SIZE] = "-";

	if (e->n_hashes) {
		text_hex(hash, e->hashes[e->n_hashes - 1].sha256, 6);
		if (e->n_hashes > 1)
			snprintf(hash + 12, sizeof(hash) - 12, " +%zu", e->n_hashes - 1);
		print_verdict(verdict, e->hashes[e->n_hashes - 1].verdict);
	}
	if (e->n_names) {
		shown(names, e->names[e->n_names - 1].text);
		if (e->n_names > 1)
			snprintf(names + strlen(names), 24, " +%zu", e->n_names - 1);
	}
	fprintf(out, "%-19s  %-11s  %-8s  %-*s  %-16s  %-10s  %s\n", when(last, e->last_s), nearest(e->roles),
	        e->expected ? "expected"
	        : e->kept   ? "partly"
	                    : "-",
	        NAMES_WIDTH, names, hash, verdict, shown_path(text, e));
}

static void print_long(const struct memory_exe *e, FILE *out)
{
	char text[SHOWN_SIZE], first[WHEN_TEXT_SIZE], last[WHEN_TEXT_SIZE], as[40], hex[65];

	fprintf(out, "%s%s\n  seen    %s to %s, as %s\n", shown_path(text, e), e->expected ? " (expected)" : "",
	        when(first, e->first_s), when(last, e->last_s), roles_text(as, e->roles));
	for (size_t i = 0; i < e->n_names; i++) {
		const struct memory_name *n = &e->names[i];

		fprintf(out, "  name    %s  %s to %s, as %s%s\n", shown(text, n->text), when(first, n->first_s),
		        when(last, n->last_s), roles_text(as, n->roles), n->expected ? " (expected)" : "");
	}
	for (size_t i = 0; i < e->n_hashes; i++) {
		const struct memory_hash *h = &e->hashes[i];

		fprintf(out, "  sha256  %s  %s to %s%s%s%s\n", text_hex(hex, h->sha256, 32), when(first, h->first_s),
		        when(last, h->last_s), h->expected ? " (expected)" : "", *h->verdict ? ": " : "",
		        *h->verdict ? shown(text, (struct ps_text){h->verdict, (uint32_t)strlen(h->verdict)}) : "");
	}
}

static json_t *json_time(int64_t s)
{
	char text[CLOCK_TEXT_SIZE];

	return s ? json_string(clock_text(text, s * NS_PER_S)) : json_null();
}

static json_t *json_roles(uint8_t bits)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < MEMORY_ROLES; i++)
		if (bits & 1u << i)
			json_array_append_new(list, json_string(roles[i]));
	return list;
}

static json_t *json_of(const struct memory_exe *e)
{
	json_t *names = json_array(), *hashes = json_array();
	char text[SHOWN_SIZE], hex[65];

	for (size_t i = 0; i < e->n_names; i++) {
		const struct memory_name *n = &e->names[i];

		json_array_append_new(names, json_pack("{s:s, s:o, s:o, s:o, s:b}", "name", shown(text, n->text), "roles",
		                                       json_roles(n->roles), "first", json_time(n->first_s), "last",
		                                       json_time(n->last_s), "expected", n->expected));
	}
	for (size_t i = 0; i < e->n_hashes; i++) {
		const struct memory_hash *h = &e->hashes[i];

		json_array_append_new(hashes, json_pack("{s:s, s:o, s:o, s:s, s:b}", "sha256", text_hex(hex, h->sha256, 32),
		                                        "first", json_time(h->first_s), "last", json_time(h->last_s), "verdict",
		                                        shown(text, (struct ps_text){h->verdict, (uint32_t)strlen(h->verdict)}),
		                                        "expected", h->expected));
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:b, s:o, s:o}", "exe", shown(text, e->path), "roles", json_roles(e->roles),
	                 "first", json_time(e->first_s), "last", json_time(e->last_s), "expected", e->expected, "names",
	                 names, "sha256", hashes);
}

static int by_path(const void *a, const void *b)
{
	const struct memory_exe *x = *(const struct memory_exe *const *)a, *y = *(const struct memory_exe *const *)b;
	uint32_t n = x->path.len < y->path.len ? x->path.len : y->path.len;
	int c = memcmp(x->path.data, y->path.data, n);

	return c ? c : (x->path.len > y->path.len) - (x->path.len < y->path.len);
}

size_t record_print(const struct memory *m, const struct memory_order *order, enum record_format format, bool bold,
                    FILE *out)
{
	const struct memory_exe **meant = mem_alloc(MEMORY_EXES_MAX * sizeof(*meant));
	json_t *list = json_array();
	size_t n = 0;

	for (const struct memory_exe *e = memory_first(m); e; e = memory_next(m, e))
		if (memory_meant(order, e))
			meant[n++] = e;
	qsort(meant, n, sizeof(*meant), by_path);
	if (n && format == RECORD_TABLE)
		fprintf(out, "%s%-19s  %-11s  %-8s  %-*s  %-16s  %-10s  %s%s\n", bold ? "\033[1m" : "", "last seen", "as",
		        "expected", NAMES_WIDTH, "name", "sha256", "verdict", "executable", bold ? "\033[0m" : "");
	for (size_t i = 0; i < n; i++) {
		if (format == RECORD_TABLE)
			print_table_row(meant[i], out);
		else if (format == RECORD_LONG)
			print_long(meant[i], out);
		else
			json_array_append_new(list, json_of(meant[i]));
	}
	if (format == RECORD_JSON) {
		json_dumpf(list, out, JSON_INDENT(2));
		fputc('\n', out);
	}
	json_decref(list);
	free(meant);
	return n;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/import/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"

static const struct {
	const char *key, *text;
} reasons[REPORT_REASONS] = {
    [REPORT_NO_TIME] = {"no_time", "rows without a time"},
    [REPORT_DAMAGED] = {"damaged", "rows, at most, in damaged parts of the file"},
    [REPORT_TWICE] = {"twice", "rows that the file gave twice"},
    [REPORT_BYTES] = {"bytes", "counts of bytes that are no number: 0 now"},
    [REPORT_EVENTS] = {"events", "counts of calls that are no number: 0 now"},
    [REPORT_UID] = {"uid", "user ids that are none: 4294967295 now"},
    [REPORT_PORT] = {"port", "ports that are none: unknown now"},
    [REPORT_FAMILY] = {"family", "families or protocols that are none: unknown now"},
    [REPORT_NETNS] = {"netns", "network namespaces that are none: unknown now"},
    [REPORT_ADDRESS] = {"address", "addresses that are none: unknown now"},
    [REPORT_MISSING] = {"missing", "programs, addresses or domains that the file refers to and does not have"},
    [REPORT_LONG] = {"long", "texts that are too long: cut"},
    [REPORT_NAMES] = {"names", "names, hashes or verdicts that are not in their place"},
    [REPORT_SHAPE] = {"shape", "entries that are not of the documented form"},
    [REPORT_ROOM] = {"room", "entries for which there is no room"},
    [REPORT_HASH] = {"hash", "texts in the place of a SHA-256: no hash now"},
    [REPORT_COMMAND] = {"command", "command lines that no shell would take: one argument now"},
    [REPORT_NUL] = {"nul", "command lines with NUL bytes: without them now"},
    [REPORT_TYPE] = {"type", "numbers or bytes in the place of a text: text now"},
    [REPORT_ESCAPED] = {"escaped", "texts with control characters, or not of UTF-8: stored with escapes"},
    [REPORT_TWO_TIMES] = {"two_times", "rows of an hour that came twice when summer time ended"},
    [REPORT_NO_HOUR] = {"no_hour", "rows of an hour that was left out when summer time began"},
    [REPORT_FUTURE] = {"future", "rows of a time that is still to come"},
};

void report_init(struct report *r, const char *file)
{
	*r = (struct report){.file = file, .kind = "", .what = "rows"};
}

void report_done(struct report *r)
{
	free(r->trouble);
	free(r->notes);
}

__attribute__((format(printf, 1, 0))) static char *line_of(const char *format, va_list args)
{
	char *line = NULL;

	if (vasprintf(&line, format, args) < 0)
		abort();
	text_clean(line, strlen(line));
	return line;
}

void report_trouble(struct report *r, const char *format, ...)
{
	va_list args;

	if (r->trouble)
		return;
	va_start(args, format);
	r->trouble = line_of(format, args);
	va_end(args);
}

void report_note(struct report *r, const char *format, ...)
{
	char *line, *both;
	va_list args;

	va_start(args, format);
	line = line_of(format, args);
	va_end(args);
	both = mem_printf("%s%s\n", r->notes ? r->notes : "", line);
	free(line);
	free(r->notes);
	r->notes = both;
}

static uint64_t sum(const struct report *r, enum report_reason from, enum report_reason to)
{
	uint64_t n = 0;

	for (unsigned i = from; i < (unsigned)to; i++)
		n += r->counts[i];
	return n;
}

int report_is_partial(const struct report *r)
{
	return r->trouble || sum(r, 0, REPORT_HASH) > 0;
}

static void print_counts(const struct report *r, enum report_reason from, enum report_reason to, const char *head,
                         FILE *out)
{
	if (!sum(r, from, to))
		return;
	fprintf(out, "  %s:\n", head);
	for (unsigned i = from; i < (unsigned)to; i++)
		if (r->counts[i])
			fprintf(out, "    %10" PRIu64 " %s\n", r->counts[i], reasons[i].text);
}

static char *time_text(char out[CLOCK_TEXT_SIZE], int64_t seconds)
{
	return clock_text(out, seconds * NS_PER_S);
}

void report_print(const struct report *r, int dry, FILE *out)
{
	char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE], *name = mem_strdup(r->file);

	text_clean(name, strlen(name));
	fprintf(out, "%s (%s): %" PRIu64 " %s %s", name, r->kind, r->taken, r->what, dry ? "would be taken" : "taken");
	free(name);
	if (r->last_s)
		fprintf(out, ", %s to %s", time_text(from, r->first_s), time_text(to, r->last_s));
	fputc('\n', out);
	if (r->present)
		fprintf(out, "  %10" PRIu64 " more were there already\n", r->present);
	if (r->retired)
		fprintf(out, "  %10" PRIu64 " more were there once; the store's retention has removed them\n", r->retired);
	print_counts(r, 0, REPORT_BYTES, "not taken", out);
	print_counts(r, REPORT_BYTES, REPORT_HASH, "not taken of what is taken", out);
	print_counts(r, REPORT_HASH, REPORT_REASONS, "changed, with nothing lost", out);
	if (r->notes)
		fputs(r->notes, out);
	if (r->old)
		fprintf(out,
		        "%" PRIu64 " of them are older than the store's retention: the daemon will remove them again, unless"
		        " `retention` in [sink sqlite] is made longer, or 0, before it runs\n",
		        r->old);
	if (r->trouble)
		fprintf(out, "it ended before its end: %s\n", r->trouble);
}

void report_print_json(const struct report *r, int dry, FILE *out)
{
	json_t *counts = json_object(), *root;
	char *name = mem_strdup(r->file);

	text_clean(name, strlen(name));
	for (unsigned i = 0; i < REPORT_REASONS; i++)
		if (r->counts[i])
			json_object_set_new(counts, reasons[i].key, json_integer((json_int_t)r->counts[i]));
	root =
	    json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o}", "file", name, "kind", r->kind, "what",
	              r->what, "dry_run", dry, "taken", (json_int_t)r->taken, "present", (json_int_t)r->present, "retired",
	              (json_int_t)r->retired, "older_than_retention", (json_int_t)r->old, "first", (json_int_t)r->first_s,
	              "last", (json_int_t)r->last_s, "all", !report_is_partial(r), "reasons", counts);
	if (r->trouble)
		json_object_set_new(root, "trouble", json_string(r->trouble));
	if (r->notes)
		json_object_set_new(root, "notes", json_string(r->notes));
	json_dumpf(root, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	fputc('\n', out);
	json_decref(root);
	free(name);
}

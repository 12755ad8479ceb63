/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picosnitch verify: whether a store still holds what was written to it. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/cli/cli.h"
#include "core/cli/store.h"
#include "core/query/verify.h"
#include "core/query/when.h"

enum { WHOLE, FAULTS, TROUBLE }; /* as cmp and diff */

static const char help[] =
    "usage: picosnitch verify [OPTION]...\n"
    "\n"
    "Computes the hash chain of a store again from its rows, and names what was changed, added or removed.\n"
    "\n"
    "      --store NAME     the store of [sink NAME] (default sqlite)\n"
    "      --file FILE      this file instead of the one in the configuration\n"
    "      --against NAME   compare it with the store of [sink NAME] too: finds what was cut off at the end,\n"
    "                       and a chain that was made anew\n"
    "      --against-file FILE  the same with another file, a copy say\n"
    "      --from TIME      what is older may have been removed by an administrator: 2026-11-23, ...\n"
    "      --json           the result as one JSON object\n"
    "  -h, --help           this text\n"
    "\n"
    "Exit status: 0 all is as it was written, 1 it is not, 2 it could not be read.\n";

struct options {
	const char *store, *file, *against, *against_file;
	int64_t from;
	int json, help;
};

/* One walk through a store. */
struct run {
	struct ps_trail trail; /* the verifier's, with a look at the clock */
	const struct ps_trail *inner;
	struct verify *verify;
	const char *name;
	json_t *faults; /* NULL: to stdout */
	int64_t next_ns;
	uint64_t batches;
	int progress;
};

static void on_fault(void *arg, const char *text)
{
	struct run *run = arg;
	char *line = mem_strdup(text);

	text_clean(line, strlen(line));
	if (run->progress)
		fputs("\r\033[K", stderr);
	if (run->faults)
		json_array_append_new(run->faults, json_string(line));
	else
		printf("%s\n", line);
	free(line);
}

static int on_begin(void *arg, int64_t cutoff)
{
	struct run *run = arg;

	return run->inner->begin(run->inner->arg, cutoff);
}

static int on_entry(void *arg, unsigned dictionary, struct ps_text id, const struct ps_value *values, unsigned n)
{
	struct run *run = arg;

	return run->inner->entry(run->inner->arg, dictionary, id, values, n);
}

static int on_batch(void *arg, const struct ps_trail_batch *batch)
{
	struct run *run = arg;

	run->batches++;
	if (run->progress && clock_monotonic_ns() > run->next_ns) {
		fprintf(stderr, "\r%s: %" PRIu64 " batches", run->name, run->batches);
		run->next_ns = clock_monotonic_ns() + NS_PER_S / 5;
	}
	return run->inner->batch(run->inner->arg, batch);
}

static int on_row(void *arg, unsigned table, const struct ps_value *values, unsigned n)
{
	struct run *run = arg;

	return run->inner->row(run->inner->arg, table, values, n);
}

static int on_stray(void *arg, unsigned table, const struct ps_value *values, unsigned n)
{
	struct run *run = arg;

	return run->inner->stray(run->inner->arg, table, values, n);
}

/* 0, or -1 after saying what is the matter. */
static int walk(struct run *run, const char *config, const char *name, const char *file, int64_t from)
{
	struct cli_store store;
	int r;

	run->name = file ? file : name;
	run->verify = verify_new(on_fault, run);
	verify_from(run->verify, from);
	run->inner = verify_trail(run->verify);
	run->progress = isatty(STDERR_FILENO);
	run->trail = (struct ps_trail){
	    .arg = run, .begin = on_begin, .entry = on_entry, .batch = on_batch, .row = on_row, .stray = on_stray};
	if (cli_store_open(&store, config, name, file) < 0)
		return -1;
	if (!store.reader->walk) {
		log_error("the store of [sink %s] keeps no hash chain", name);
		r = -1;
	} else if ((r = store.reader->walk(store.self, &run->trail)) < 0) {
		const char *why = cli_store_why(&store);

		log_error("%s", *why ? why : "it holds rows that this picosnitch does not know");
	}
	if (run->progress)
		fputs("\r\033[K", stderr);
	cli_store_close(&store);
	return r;
}

static char *time_text(char out[CLOCK_TEXT_SIZE], int64_t seconds)
{
	return clock_text(out, seconds > 0 && seconds < INT64_MAX / NS_PER_S ? seconds * NS_PER_S : 0);
}

static void print(const struct verify_counts *c, const char *name)
{
	char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];

	printf("%s: %" PRIu64 " batches with %" PRIu64 " rows", name, c->batches, c->rows);
	if (c->batches)
		printf(", %s to %s", time_text(from, c->first), time_text(to, c->last));
	printf(": %s\n", c->faults ? "NOT as they were written" : "as they were written");
	if (c->retired)
		printf("%" PRIu64
		       " more batches are from before the sink's retention: they may lack rows, and were not computed\n",
		       c->retired);
	if (c->older)
		printf("%" PRIu64 " more batches are of a version without marks: only their links were looked at\n", c->older);
	if (c->set_aside)
		printf("%" PRIu64 " rows were never taken by this store, as its batches say\n", c->set_aside);
}

static void print_json(const struct verify_counts *c, const char *name, json_t *faults)
{
	json_t *out = json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "store", name, "whole", !c->faults,
	                        "batches", (json_int_t)c->batches, "rows", (json_int_t)c->rows, "hosts",
	                        (json_int_t)c->hosts, "retired", (json_int_t)c->retired, "older", (json_int_t)c->older,
	                        "set_aside", (json_int_t)c->set_aside, "faults", faults);

	json_dumpf(out, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(out);
}

static int run_all(const struct options *o, const char *config)
{
	struct run one = {0}, two = {0};
	struct verify_counts counts, other = {0};
	int status = TROUBLE;

	one.faults = two.faults = o->json ? json_array() : NULL;
	if (walk(&one, config, o->store, o->file, o->from) < 0)
		goto out;
	if (o->against || o->against_file) {
		if (walk(&two, config, o->against ? o->against : "sqlite", o->against_file, o->from) < 0)
			goto out;
		verify_end(two.verify, &other);
		verify_end(one.verify, &counts);
		verify_compare(one.verify, one.name, two.verify, two.name);
	}
	verify_end(one.verify, &counts);
	if (o->json) {
		print_json(&counts, one.name, one.faults);
	} else {
		print(&counts, one.name);
		if (two.verify)
			print(&other, two.name);
	}
	status = counts.faults || other.faults ? FAULTS : WHOLE;
out:
	if (one.verify)
		verify_free(one.verify);
	if (two.verify)
		verify_free(two.verify);
	json_decref(one.faults);
	return status;
}

static int parse(struct options *o, int argc, char **argv)
{
	enum { OPT_STORE = 256, OPT_FILE, OPT_AGAINST, OPT_AGAINST_FILE, OPT_FROM, OPT_JSON };
	static const struct option options[] = {
	    {"store", required_argument, NULL, OPT_STORE},
	    {"file", required_argument, NULL, OPT_FILE},
	    {"against", required_argument, NULL, OPT_AGAINST},
	    {"against-file", required_argument, NULL, OPT_AGAINST_FILE},
	    {"from", required_argument, NULL, OPT_FROM},
	    {"json", no_argument, NULL, OPT_JSON},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	int c;

	*o = (struct options){.store = "sqlite", .from = INT64_MIN};
	optind = 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == OPT_STORE)
			o->store = optarg;
		else if (c == OPT_FILE)
			o->file = optarg;
		else if (c == OPT_AGAINST)
			o->against = optarg;
		else if (c == OPT_AGAINST_FILE)
			o->against_file = optarg;
		else if (c == OPT_FROM && when_point(optarg, &o->from) < 0) {
			log_error("\"%s\" is not a time: 2026-11-23T10:40 is one, and Unix seconds are", optarg);
			return -1;
		} else if (c == OPT_FROM)
			continue;
		else if (c == OPT_JSON)
			o->json = 1;
		else if (c == 'h')
			o->help = 1;
		else
			return -1;
	}
	return optind < argc ? -1 : 0;
}

int verify_main(int argc, char **argv)
{
	struct options o;

	if (parse(&o, argc, argv) < 0) {
		fputs(help, stderr);
		return TROUBLE;
	}
	if (o.help) {
		fputs(help, stdout);
		return WHOLE;
	}
	return run_all(&o, cli.config);
}

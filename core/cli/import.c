/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picosnitch import: what older versions of picosnitch have left. */
#include "core/cli/import.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/cli/cli.h"
#include "core/import/old_config.h"
#include "core/import/old_record.h"

enum { ALL, PARTLY, TROUBLE, FILES_MAX = 64 };

static const char help[] =
    "usage: picosnitch import [OPTION]... FILE...\n"
    "\n"
    "Takes over what older versions have left; what a FILE is, is told by its content:\n"
    "\n"
    "  snitch.db       connections of picosnitch 1, into the store\n"
    "  picosnitch.db   those of picosnitch 2, likewise\n"
    "  record.json     known programs of picosnitch 1, into the memory of known programs\n"
    "  state.json      those of picosnitch 2, likewise\n"
    "  config.json     the configuration of picosnitch 1: a picosnitch.ini is written to stdout\n"
    "  config.toml     that of picosnitch 2: has to be made JSON first, see picosnitch(1)\n"
    "\n"
    "      --store NAME   the store of [sink NAME] (default sqlite)\n"
    "      --dry-run      change nothing, say what would be done\n"
    "      --json         what was done as JSON, an object for each FILE\n"
    "  -h, --help         this text\n"
    "\n"
    "Stop the older picosnitch before. What was taken already is not taken again. Local times of picosnitch 1\n"
    "are read in the time zone of this machine, or of TZ.\n"
    "\n"
    "Exit status: 0 all was taken, 1 something was not, 2 usage, or nothing could be done.\n";

static int parse(struct import_options *o, int argc, char **argv)
{
	enum { OPT_STORE = 256, OPT_JSON, OPT_DRY };
	static const struct option options[] = {
	    {"store", required_argument, NULL, OPT_STORE},
	    {"json", no_argument, NULL, OPT_JSON},
	    {"dry-run", no_argument, NULL, OPT_DRY},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	int c;

	*o = (struct import_options){.store = "sqlite"};
	optind = 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == OPT_STORE)
			o->store = optarg;
		else if (c == OPT_JSON)
			o->json = true;
		else if (c == OPT_DRY)
			o->dry = true;
		else if (c == 'h')
			o->help = true;
		else
			return -1;
	}
	return o->help || (optind < argc && argc - optind <= FILES_MAX) ? 0 : -1;
}

static bool import_json(const struct import_options *o, const struct old_file *file, size_t n_files,
                        struct report *report)
{
	char why[OLD_WHY];
	json_error_t error;
	json_t *root = NULL;
	struct buf text;
	bool done = false;

	buf_init(&text);
	if (old_file_read(file, &text, why))
		log_error("%s: %s", file->name, why);
	else if (!(root = json_loadb((const char *)text.data, text.len, 0, &error)))
		log_error("%s: line %d: %s", file->name, error.line, error.text);
	else if (json_object_get(root, "version") && json_object_get(root, "Seen"))
		log_error("%s is of this picosnitch already: stop the daemon, and copy it", file->name);
	else if (old_record_is(root))
		done = import_record(o, root, report);
	else if (!old_config_is(root))
		log_error("%s is neither a configuration nor a record of an older picosnitch", file->name);
	else if (n_files > 1 || o->json)
		log_error("%s is a configuration, which is written to stdout: import it by itself, without --json", file->name);
	else
		done = import_config(root, file->name);
	json_decref(root);
	buf_done(&text);
	return done;
}

static void say_toml(const char *name)
{
	log_error("%s seems to be TOML, which picosnitch does not read; Python 3.11 or later makes JSON of it:\n"
	          "  python3 -c 'import json, sys, tomllib; json.dump(tomllib.load(open(sys.argv[1], \"rb\")), sys.stdout)'"
	          " config.toml > config.json",
	          name);
}

/* What needs rights first; databases are last, and read without any. */
static bool import_all(const struct import_options *o, const struct old_file *files, struct report *reports, size_t n)
{
	struct old_file databases[FILES_MAX];
	struct report theirs[FILES_MAX];
	size_t n_databases = 0, k = 0;
	bool done = true;

	for (size_t i = 0; i < n; i++) {
		if (files[i].kind == OLD_DATABASE)
			databases[n_databases++] = files[i];
		else if (files[i].kind == OLD_JSON)
			done &= import_json(o, &files[i], n, &reports[i]);
		else if (files[i].kind == OLD_TOML)
			say_toml(files[i].name), done = false;
		else
			log_error("%s is nothing that an older picosnitch has left", files[i].name), done = false;
	}
	if (!n_databases || !done)
		return done;
	for (size_t i = 0; i < n_databases; i++)
		report_init(&theirs[i], databases[i].name);
	done = import_databases(o, databases, theirs, n_databases);
	for (size_t i = 0; i < n; i++)
		if (files[i].kind == OLD_DATABASE) {
			report_done(&reports[i]);
			reports[i] = theirs[k++];
		}
	return done;
}

static int run(const struct import_options *o, char **names, size_t n)
{
	struct old_file files[FILES_MAX];
	struct report reports[FILES_MAX];
	char why[OLD_WHY];
	int status = TROUBLE;
	size_t opened = 0;

	for (; opened < n; opened++) {
		if (old_file_open(&files[opened], names[opened], why)) {
			log_error("%s: %s", names[opened], why);
			break;
		}
		report_init(&reports[opened], names[opened]);
	}
	if (opened == n && import_all(o, files, reports, n))
		status = ALL;
	for (size_t i = 0; i < opened; i++) {
		if (*reports[i].kind && o->json)
			report_print_json(&reports[i], o->dry, stdout);
		else if (*reports[i].kind)
			report_print(&reports[i], o->dry, stdout);
		if (status == ALL && report_is_partial(&reports[i]))
			status = PARTLY;
		report_done(&reports[i]);
		old_file_close(&files[i]);
	}
	return status;
}

int import_main(int argc, char **argv)
{
	struct import_options o;

	if (parse(&o, argc, argv) < 0) {
		fputs(help, stderr);
		return TROUBLE;
	}
	if (o.help) {
		fputs(help, stdout);
		return ALL;
	}
	return run(&o, argv + optind, (size_t)(argc - optind));
}

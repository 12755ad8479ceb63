/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picosnitch import, of a configuration and of a record of known programs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/cli/cli.h"
#include "core/cli/import.h"
#include "core/config/option.h"
#include "core/daemon/pidfile.h"
#include "core/daemon/record_file.h"
#include "core/delivery/plugin_load.h"
#include "core/import/old_config.h"
#include "core/import/old_record.h"

enum { PLUGINS_MAX = 8, LOCK_MS = 5000 };

/* What is known of sections here: the core's, and what plugins that are installed declare. */
struct knowledge {
	struct settings *settings;
	struct {
		const char *section;
		struct ps_option *options;
	} plugins[PLUGINS_MAX];
	size_t n;
};

static const struct ps_option *known(void *arg, const char *section)
{
	struct knowledge *k = arg;
	const struct ps_option *options;
	const char *name, *why;

	if (strncmp(section, "sink ", 5) != 0) {
		for (size_t i = 0; (options = settings_section(i, &name)); i++)
			if (strcmp(name, section) == 0)
				return options;
		return NULL;
	}
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->plugins[i].section, section) == 0)
			return k->plugins[i].options;
	if (k->n == PLUGINS_MAX)
		return NULL;
	k->plugins[k->n].section = section;
	k->plugins[k->n].options = plugin_describe(k->settings->paths.plugins, section + 5, &why);
	return k->plugins[k->n++].options;
}

/* The mistake that is told about that line, or NULL. */
static const char *mistake_of(const struct mistakes *m, unsigned line)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].line == line)
			return m->list[i].text;
	return NULL;
}

/* Writes it, with each line that `picosnitch check` would find wrong as a comment. */
static void print_config(const struct buf *text)
{
	const char *at = (const char *)text->data, *end = at + text->len, *wrong;
	struct mistakes mistakes = {0};
	FILE *in = fmemopen(text->data, text->len, "r");

	if (in) {
		settings_free(settings_load(in, plugin_describe, &mistakes));
		fclose(in);
	}
	for (unsigned line = 1; at < end; line++) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((next ? next + 1 : end) - at);

		wrong = *at == '[' || *at == '#' ? NULL : mistake_of(&mistakes, line);
		if (wrong)
			printf("# %s\n# ", wrong);
		fwrite(at, 1, len, stdout);
		at += len;
	}
	mistakes_done(&mistakes);
}

bool import_config(const json_t *root, const char *name)
{
	struct knowledge k = {.settings = cli_load_paths()};
	bool secret = false;
	struct buf text;

	if (!k.settings)
		return false;
	cli_describe_as(k.settings);
	buf_init(&text);
	old_config_write(&text, root, known, &k, &secret);
	print_config(&text);
	if (secret)
		log_warning("a password or key of %s is in what was written: let only root read it, as /etc/picosnitch.ini with"
		            " mode 0600",
		            name);
	for (size_t i = 0; i < k.n; i++)
		option_free(k.plugins[i].options);
	buf_done(&text);
	settings_free(k.settings);
	return fflush(stdout) == 0;
}

static bool change_record(const struct import_options *o, const struct settings *s, const json_t *root,
                          struct report *report)
{
	struct record_owner owner = cli_record_owner(s);
	struct memory *memory = NULL;
	char why[RECORD_WHY], *aside = NULL;
	bool done = false;

	if (record_load(s->paths.state, false, &memory, &aside, why)) {
		log_error("%s", why);
	} else {
		old_record_merge(memory, root, report);
		done = o->dry || !report->taken || !record_save(s->paths.state, &owner, memory, why);
		if (!done)
			log_error("%s", why);
	}
	free(aside);
	memory_close(memory);
	return done;
}

bool import_record(const struct import_options *o, const json_t *root, struct report *report)
{
	struct settings *s = cli_load_paths();
	bool done = false;
	pid_t pid;
	int lock;

	if (!s)
		return false;
	pid = pidfile_find(s->paths.run);
	lock = pid > 0 ? -EWOULDBLOCK : o->dry ? 0 : record_lock(s->paths.state, LOCK_MS);
	if (pid > 0 && !o->dry)
		log_error("the daemon (pid %d) has the memory of known programs: `systemctl stop picosnitch` (or `picosnitch "
		          "stop`), import %s, and start it again",
		          pid, report->file);
	else if (lock < 0 && !o->dry)
		log_error("%s/" RECORD_FILE ": %s", s->paths.state,
		          lock == -EWOULDBLOCK ? "another process is changing it" : strerror(-lock));
	else
		done = change_record(o, s, root, report);
	if (lock > 0)
		close(lock);
	settings_free(s);
	return done;
}

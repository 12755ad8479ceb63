/* SPDX-License-Identifier: GPL-3.0-or-later */
/* [sink NAME] sections: three keys of the core's, the others as the plugin declares them. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/config/judge.h"
#include "core/config/option.h"

enum { SINK_LIMIT = 64, ENABLED = 0, PLUGIN, TIMEOUT, OWN_KEYS };

const struct ps_option sink_options[] = {
    {"enabled", PS_OPTION_BOOL, "no", 0, 0, NULL,
     "whether the sink is used; yes unless said otherwise for sqlite and notify", 0, NULL},
    {"plugin", PS_OPTION_TEXT, "", 0, 0, NULL, "the plugin; that of the section's name, up to its dot, if left out", 0,
     NULL},
    {"timeout", PS_OPTION_DURATION, "60 s", 100, 86400000, NULL,
     "how long a call of the plugin may take before its process is ended and started again", 0, NULL},
    {0},
};

bool sink_section(const char *section)
{
	return strncmp(section, "sink", 4) == 0 && (section[4] == 0 || section[4] == ' ');
}

/* The plugin's name is part of a path: no slash, no leading dot. */
static size_t plugin_length(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-");
}

/* Those that are on unless said otherwise. */
static const char *const usual[] = {"sqlite", "notify"};

static bool is_usual(const char *name)
{
	return strcmp(name, usual[0]) == 0 || strcmp(name, usual[1]) == 0;
}

/* The sink of that section, added if it is new; NULL if the name is wrong. */
static struct sink_settings *take_sink(struct settings *s, const struct ini_entry *e, struct mistakes *m)
{
	const char *name = e->section + 4 + (e->section[4] == ' ');
	size_t plugin = plugin_length(name);
	struct sink_settings *k;

	for (size_t i = 0; i < s->n_sinks; i++)
		if (strcmp(s->sinks[i].name, name) == 0)
			return &s->sinks[i];
	if (e->key)
		return NULL; /* its section was refused */
	if (plugin == 0 || (name[plugin] && (name[plugin] != '.' || !name[plugin + 1] || strchr(name, ' ')))) {
		mistakes_add(m, e->line,
		             "[%s]: a sink is named [sink PLUGIN] or [sink PLUGIN.WORD], with a to z, 0 to 9, _ and - "
		             "in PLUGIN; the section is left out",
		             e->section);
		return NULL;
	}
	if (s->n_sinks == SINK_LIMIT) {
		mistakes_add(m, e->line, "[%s]: there are more than %d sinks; the section is left out", e->section, SINK_LIMIT);
		return NULL;
	}
	k = &s->sinks[s->n_sinks++];
	*k = (struct sink_settings){.name = mem_strdup(name), .enabled = is_usual(name), .line = e->line};
	k->plugin = mem_copy(name, plugin + 1);
	k->plugin[plugin] = 0;
	option_parse(&sink_options[TIMEOUT], sink_options[TIMEOUT].fallback, &k->timeout_ms);
	return k;
}

static bool is_own(const struct ini_entry *e, const struct sink_settings *k)
{
	return e->key && strncmp(e->section, "sink ", 5) == 0 && strcmp(e->section + 5, k->name) == 0;
}

static void take_core_key(struct sink_settings *k, const struct ini_entry *e, const struct ps_option *o,
                          struct mistakes *m)
{
	int64_t number;
	const char *wrong = option_parse(o, e->value, &number);
	const char *kept = o->fallback;

	switch (o - sink_options) {
	case ENABLED:
		kept = k->enabled ? "yes" : "no";
		if (!wrong)
			k->enabled = number;
		break;
	case PLUGIN:
		kept = k->plugin;
		if (!wrong && (!*e->value || e->value[plugin_length(e->value)]))
			wrong = "is not the name of a plugin: a to z, 0 to 9, _ and -";
		if (!wrong) {
			free(k->plugin);
			k->plugin = mem_strdup(e->value);
		}
		break;
	case TIMEOUT:
		if (!wrong)
			k->timeout_ms = number;
		break;
	}
	if (wrong)
		judge_bad(m, e, o, wrong, kept);
}

/* Reads the plugin's own keys of one sink. */
static void take_plugin_keys(struct sink_settings *k, const struct ini *ini, struct mistakes *m)
{
	while (k->options[k->n_values].key)
		k->n_values++;
	k->values = mem_alloc(k->n_values * sizeof(*k->values));
	for (size_t i = 0; i < k->n_values; i++) {
		const struct ps_option *o = &k->options[i];
		const char *wrong = o->fallback ? option_parse(o, o->fallback, &k->values[i].number) : NULL;

		k->values[i].option = o;
		k->values[i].text = mem_strdup(o->fallback ? o->fallback : "");
		if (wrong)
			mistakes_add(m, k->line, "[sink %s] %s: the default that plugin %s declares %s: the plugin is faulty",
			             k->name, o->key, k->plugin, wrong);
	}
	for (size_t i = 0; i < ini->n; i++) {
		const struct ini_entry *e = &ini->entries[i];
		const struct ps_option *o;
		struct setting *v;
		const char *wrong;
		int64_t number;

		if (!is_own(e, k) || option_find(sink_options, e->key))
			continue;
		o = option_find(k->options, e->key);
		if (!o) {
			judge_unknown(m, e, k->options, sink_options);
			continue;
		}
		v = &k->values[o - k->options];
		if (judge_repeated(m, e, &v->line))
			continue;
		wrong = option_parse(o, e->value, &number);
		if (wrong) {
			judge_bad(m, e, o, wrong, o->fallback);
			continue;
		}
		free(v->text);
		v->text = mem_strdup(e->value);
		v->number = number;
	}
	for (size_t i = 0; i < k->n_values; i++)
		if (k->enabled && (k->options[i].flags & PS_OPTION_REQUIRED) && !*k->values[i].text) {
			mistakes_add(m, k->line, "[sink %s] %s: is required; the sink is not used without it", k->name,
			             k->options[i].key);
			k->enabled = false;
		}
}

static void load_sink(struct settings *s, struct sink_settings *k, const struct ini *ini, settings_describe describe,
                      struct mistakes *m)
{
	unsigned lines[OWN_KEYS] = {0};
	const char *why = "it cannot be described";
	bool others = false;

	for (size_t i = 0; i < ini->n; i++) {
		const struct ini_entry *e = &ini->entries[i];
		const struct ps_option *o = is_own(e, k) ? option_find(sink_options, e->key) : NULL;

		if (o && !judge_repeated(m, e, &lines[o - sink_options]))
			take_core_key(k, e, o, m);
		others |= is_own(e, k) && !o;
	}
	if (!describe)
		return;
	k->options = describe(s->paths.plugins, k->plugin, &why);
	if (k->options) {
		take_plugin_keys(k, ini, m);
	} else if (lines[ENABLED] ? k->enabled : others || strcmp(k->name, "sqlite") == 0) {
		/* A section that neither turns it on nor sets anything may name a plugin that was not built. */
		mistakes_add(m, k->line, "[sink %s]: plugin %s: %s; the sink is not used", k->name, k->plugin, why);
		k->enabled = false;
	} else {
		k->enabled = false;
	}
}

/* Two processes that write one file would destroy it. */
static void judge_files(struct sink_settings *k, const struct sink_settings *before, struct mistakes *m)
{
	if (!k->enabled || !before->enabled)
		return;
	for (size_t i = 0; i < k->n_values; i++)
		for (size_t j = 0; j < before->n_values; j++) {
			const struct setting *a = &k->values[i], *b = &before->values[j];

			if ((a->option->type != PS_OPTION_STATE_FILE && a->option->type != PS_OPTION_LOG_FILE) || !*a->text ||
			    a->option->type != b->option->type || strcmp(a->text, b->text) != 0)
				continue;
			mistakes_add(m, a->line ? a->line : k->line,
			             "[sink %s] %s: \"%s\" is the file of [sink %s] too; the sink is "
			             "not used until it has one of its own",
			             k->name, a->option->key, a->text, before->name);
			k->enabled = false;
			return;
		}
}

void sinks_load(struct settings *s, const struct ini *ini, settings_describe describe, struct mistakes *m)
{
	s->sinks = mem_alloc(SINK_LIMIT * sizeof(*s->sinks));
	for (size_t i = 0; i < ini->n; i++)
		if (sink_section(ini->entries[i].section))
			take_sink(s, &ini->entries[i], m);
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		char *section = mem_printf("sink %s", usual[i]);

		take_sink(s, &(struct ini_entry){.section = section}, m);
		free(section);
	}
	for (size_t i = 0; i < s->n_sinks; i++)
		load_sink(s, &s->sinks[i], ini, describe, m);
	for (size_t i = 0; i < s->n_sinks; i++)
		for (size_t j = 0; j < i; j++)
			judge_files(&s->sinks[i], &s->sinks[j], m);
}

void sinks_free(struct settings *s)
{
	for (size_t i = 0; i < s->n_sinks; i++) {
		struct sink_settings *k = &s->sinks[i];

		for (size_t j = 0; j < k->n_values; j++)
			free(k->values[j].text);
		free(k->values);
		option_free(k->options);
		free(k->name);
		free(k->plugin);
	}
	free(s->sinks);
}

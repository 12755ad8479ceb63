/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * /etc/picosnitch.ini as typed values: defaults first, each mistake listed with its line.
 * No I/O besides reading the file; immutable once loaded; any thread may read it.
 */
#ifndef PS_CONFIG_SETTINGS_H
#define PS_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/plugin_option.h"
#include "core/config/ini.h"
#include "core/config/lists.h"

enum hooks { HOOKS_AUTO, HOOKS_FEXIT, HOOKS_TRACEPOINT };

/* One key of a [sink NAME] section, with the value that holds (given or default). */
struct setting {
	const struct ps_option *option;
	char *text; /* as in the file ("" if there is no default): a *_FILE is a name without its folder */
	int64_t number;
	unsigned line; /* 0: default */
};

/* [sink NAME] or [sink PLUGIN.INSTANCE]. */
struct sink_settings {
	char *name;   /* "sqlite", "postgres.audit" */
	char *plugin; /* "sqlite", "postgres": the key `plugin`, else the name up to the dot */
	bool enabled;
	int64_t timeout_ms;     /* key `timeout`: a host that has not answered by then is killed */
	unsigned line;          /* of the section's first key; 0: not in the file */
	struct setting *values; /* of the plugin's own options */
	size_t n_values;
	struct ps_option *options; /* the plugin's declaration, owned here */
};

/* What of the traffic is written down. */
struct log_settings {
	bool addresses, commands, ports;
	bool ignore_local;
	struct ignore_lists ignore;
};

struct settings {
	struct {
		int64_t write_interval_ms;
		int64_t drain_interval_ms;
		bool every_exe;
		char *user;            /* whom sinks run as */
		int64_t rlimit_nofile; /* 0: auto */
		int64_t st_dev_mask;   /* -1: auto */
		int64_t hash_threads;
		bool self_test;
		bool ptr;
		int64_t audit_threshold; /* bytes; 0: no alert */
		bool debug;
	} core;
	struct {
		char *state, *log, *run, *cache, *plugins;
	} paths;
	struct {
		enum hooks hooks;
		uint32_t ring_buffer_pages; /* a power of two */
		uint32_t max_flows;
	} capture;
	struct log_settings log;
	struct {
		int64_t max_size; /* bytes */
		int64_t max_age_ms;
	} journal;
	struct {
		bool enabled;
		char *database; /* "": the one that is fetched */
		bool update;    /* monthly, not never */
		char *url;      /* of what is fetched; %Y and %m are year and month */
		int64_t delay_ms;
	} geoip;
	struct {
		char *owner, *group;
		unsigned mode;
	} data;
	struct {
		char *host;
		int64_t port;
		bool scroll_zoom;
		char *theme;
		char *token; /* "": none is wanted on loopback, and elsewhere one is made */
		char *store; /* of [sink NAME] */
		char *names; /* under which it is reached, separated by commas or spaces */
	} dash;
	struct sink_settings *sinks;
	size_t n_sinks;
};

/* Tells what a plugin declares: a list for option_free(), or NULL with *why set to something
 * for a person (static or of the calling thread). `dir` is [paths] plugins. */
typedef struct ps_option *(*settings_describe)(const char *dir, const char *plugin, const char **why);

/*
 * Reads `in` (NULL: defaults alone). A line that is wrong is added to `mistakes` and has no effect:
 * the default is kept, and the settings are usable in any case. Of a key that is given twice in a
 * section the first holds; a section may be split in several parts.
 *
 * The sink `sqlite` is always there, and on unless the file says otherwise; every other sink is
 * there if the file names it, and off unless it says `enabled = yes`. A sink that is on but whose
 * plugin cannot be described, that lacks a required key, or whose files another sink has, is a
 * mistake and is off. So is, as a mistake, any key of a plugin that cannot be described. NULL for
 * describe: sink sections are read for `enabled`, `plugin` and `timeout` only, their other keys are
 * not judged.
 */
struct settings *settings_load(FILE *in, settings_describe describe, struct mistakes *mistakes);
void settings_free(struct settings *);

/* Sections and options of the core itself, for `help` and the tests; the last is "sink NAME", the
 * keys that every sink has. NULL after it. */
const struct ps_option *settings_section(size_t at, const char **name);

#endif

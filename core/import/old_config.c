/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/import/old_config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/config/lists.h"
#include "core/config/option.h"

enum { SECTIONS = 24 };

struct config {
	old_config_known known;
	void *arg;
	struct {
		char name[32];
		struct buf lines;
	} sections[SECTIONS];
	size_t n;
	struct buf notes; /* comments on keys that have no counterpart */
	bool *secret;
};

/* How the value of an old key is written now. */
enum form { AS_BOOL, AS_NUMBER, AS_SECONDS, AS_DAYS, AS_TEXT, AS_SECRET, AS_IGNORE, AS_SERVER };

struct mapping {
	const char *group, *key; /* of the old file; group NULL: version 1 */
	const char *section, *now;
	enum form form;
};

static const struct mapping mappings[] = {
    {NULL, "DB retention (days)", "sink sqlite", "retention", AS_DAYS},
    {NULL, "DB sql log", "sink sqlite", "enabled", AS_BOOL},
    {NULL, "DB sql server", NULL, NULL, AS_SERVER},
    {NULL, "DB text log", "sink textlog", "enabled", AS_BOOL},
    {NULL, "DB write limit (seconds)", "core", "write_interval", AS_SECONDS},
    {NULL, "Dash scroll zoom", "dash", "scroll_zoom", AS_BOOL},
    {NULL, "Dash theme", "dash", "theme", AS_TEXT},
    {NULL, "Desktop notifications", "sink notify", "enabled", AS_BOOL},
    {NULL, "Every exe (not just conns)", "core", "every_exe", AS_BOOL},
    {NULL, "GeoIP lookup", "geoip", "enabled", AS_BOOL},
    {NULL, "Log addresses", "log", "addresses", AS_BOOL},
    {NULL, "Log commands", "log", "commands", AS_BOOL},
    {NULL, "Log ignore", "log", NULL, AS_IGNORE},
    {NULL, "Log ports", "log", "ports", AS_BOOL},
    {NULL, "Perf ring buffer (pages)", "capture", "ring_buffer_pages", AS_NUMBER},
    {NULL, "Set RLIMIT_NOFILE", "core", "rlimit_nofile", AS_NUMBER},
    {NULL, "Set st_dev mask", "core", "st_dev_mask", AS_NUMBER},
    {NULL, "VT API key", "sink virustotal", "api_key", AS_SECRET},
    {NULL, "VT file upload", "sink virustotal", "file_upload", AS_BOOL},
    {NULL, "VT request limit (seconds)", "sink virustotal", "request_interval", AS_SECONDS},
    {"database", "enabled", "sink sqlite", "enabled", AS_BOOL},
    {"database", "retention_days", "sink sqlite", "retention", AS_DAYS},
    {"database", "write_limit_seconds", "core", "write_interval", AS_SECONDS},
    {"database", "text_log", "sink textlog", "enabled", AS_BOOL},
    {"database", "remote", NULL, NULL, AS_SERVER},
    {"data", "owner", "data", "owner", AS_TEXT},
    {"data", "group", "data", "group", AS_TEXT},
    {"data", "mode", "data", "mode", AS_TEXT},
    {"log", "addresses", "log", "addresses", AS_BOOL},
    {"log", "commands", "log", "commands", AS_BOOL},
    {"log", "ports", "log", "ports", AS_BOOL},
    {"log", "ignore_ports", "log", NULL, AS_IGNORE},
    {"log", "ignore_domains", "log", NULL, AS_IGNORE},
    {"log", "ignore_ips", "log", NULL, AS_IGNORE},
    {"log", "ignore_sha256", "log", NULL, AS_IGNORE},
    {"desktop", "user", "sink notify", "user", AS_TEXT},
    {"desktop", "notifications", "sink notify", "enabled", AS_BOOL},
    {"desktop", "geoip_lookup", "geoip", "enabled", AS_BOOL},
    {"monitoring", "every_exe", "core", "every_exe", AS_BOOL},
    {"monitoring", "perf_ring_buffer_pages", "capture", "ring_buffer_pages", AS_NUMBER},
    {"monitoring", "conn_map_max_entries", "capture", "max_flows", AS_NUMBER},
    {"monitoring", "rlimit_nofile", "core", "rlimit_nofile", AS_NUMBER},
    {"monitoring", "st_dev_mask", "core", "st_dev_mask", AS_NUMBER},
    {"virustotal", "api_key", "sink virustotal", "api_key", AS_SECRET},
    {"virustotal", "file_upload", "sink virustotal", "file_upload", AS_BOOL},
    {"virustotal", "request_limit_seconds", "sink virustotal", "request_interval", AS_SECONDS},
};
#define MAPPINGS (sizeof(mappings) / sizeof(*mappings))

static bool is_group(const char *key)
{
	for (size_t i = 0; i < MAPPINGS; i++)
		if (mappings[i].group && strcmp(mappings[i].group, key) == 0)
			return true;
	return false;
}

bool old_config_is(const json_t *root)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)root, key, value)
	{
		if (json_is_object(value) && is_group(key))
			return true;
		for (size_t i = 0; i < MAPPINGS; i++)
			if (!mappings[i].group && strcmp(mappings[i].key, key) == 0)
				return true;
	}
	return false;
}

/* ---- lines ---- */

static struct buf *section(struct config *c, const char *name)
{
	size_t i = 0;

	while (i < c->n && strcmp(c->sections[i].name, name) != 0)
		i++;
	if (i == c->n) {
		if (c->n == SECTIONS)
			abort(); /* all names are in this file */
		snprintf(c->sections[c->n++].name, sizeof(c->sections[0].name), "%s", name);
		buf_init(&c->sections[i].lines);
	}
	return &c->sections[i].lines;
}

/* A comment on a key of the old file, whose name may be anything. */
__attribute__((format(printf, 3, 4))) static void note(struct config *c, const char *key, const char *format, ...)
{
	char *name = mem_strdup(key), *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	text_clean(name, strlen(name));
	text_clean(text, strlen(text));
	buf_printf(&c->notes, "# \"%.200s\": %.500s\n", name, text);
	free(text);
	free(name);
}

/* Whether a line of an INI file can hold it; *quoted: within quotes. */
static bool can_write(const char *value, bool *quoted)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return false;
	*quoted = !len || strchr("\"#;", *value) || *value == ' ' || value[len - 1] == ' ' || strstr(value, " #") ||
	          strstr(value, " ;");
	return len < 8192;
}

/* Whether the default is the same. */
static bool is_default(const struct ps_option *o, const char *value)
{
	int64_t number = 0, usual = 0;

	if (!o->fallback || option_parse(o, value, &number) || option_parse(o, o->fallback, &usual))
		return false;
	return o->type == PS_OPTION_TEXT ? strcmp(value, o->fallback) == 0 : number == usual;
}

/* Keys that every sink has are not among those that its plugin declares. */
static bool is_enabled_of_sink(const char *section, const char *key)
{
	return strncmp(section, "sink ", 5) == 0 && strcmp(key, "enabled") == 0;
}

/* One key. */
static void set(struct config *c, const char *old, const char *name, const char *key, const char *value, bool secret)
{
	static const struct ps_option enabled = {.key = "enabled", .type = PS_OPTION_BOOL, .fallback = "no"};
	static const struct ps_option enabled_sqlite = {.key = "enabled", .type = PS_OPTION_BOOL, .fallback = "yes"};
	const struct ps_option *options = c->known(c->arg, name), *o = options ? option_find(options, key) : NULL;
	const char *shown = secret ? "(a secret)" : value, *wrong;
	bool quoted = false;
	int64_t number;

	if (options && is_enabled_of_sink(name, key))
		o = strcmp(name, "sink sqlite") == 0 ? &enabled_sqlite : &enabled;
	if (!can_write(value, &quoted)) {
		note(c, old, "its value cannot be written on a line; it would be [%s] %s", name, key);
		return;
	}
	if (!o) {
		note(c, old, "would be [%s] %s = %s, %s", name, key, shown,
		     options ? "a key that is not known here" : "but this picosnitch has no such part");
		return;
	}
	if ((wrong = option_parse(o, value, &number))) {
		note(c, old, "%s %s, so [%s] %s keeps its default", shown, wrong, name, key);
		return;
	}
	if (is_default(o, value)) {
		note(c, old, "as it was: the default of [%s] %s", name, key);
		return;
	}
	*c->secret |= secret;
	buf_printf(section(c, name), "%s = %s%s%s\n", key, quoted ? "\"" : "", value, quoted ? "\"" : "");
}

/* ---- values ---- */

/* A scalar of the old file as the text of a line, for free(); NULL: it is not of that form. */
static char *value_text(const json_t *v, enum form form)
{
	json_int_t n = json_integer_value(v);

	switch (form) {
	case AS_BOOL:
		return json_is_boolean(v) ? mem_strdup(json_is_true(v) ? "yes" : "no") : NULL;
	case AS_NUMBER:
		return json_is_integer(v) && n >= 0 ? mem_printf("%lld", (long long)n) : NULL;
	case AS_SECONDS:
		/* 0 was as often as possible. */
		return json_is_integer(v) && n >= 0 ? n ? mem_printf("%lld s", (long long)n) : mem_strdup("1 s") : NULL;
	case AS_DAYS:
		return json_is_integer(v) && n > 0 ? mem_printf("%lld d", (long long)n) : NULL;
	default:
		return json_is_string(v) ? mem_strdup(json_string_value(v)) : NULL;
	}
}

struct list {
	const char *key;
	enum ignore_list list;
};
static const struct list lists[] = {
    {"ignore_ports", IGNORE_PORTS},
    {"ignore_hashes", IGNORE_HASHES},
    {"ignore_subnets", IGNORE_SUBNETS},
    {"ignore_domains", IGNORE_DOMAINS},
};
#define LISTS (sizeof(lists) / sizeof(*lists))

/* Which of the lists from `first` up to `end` a word belongs to, by what it can be read as; LISTS: none. */
static size_t list_of(const char *word, size_t first, size_t end)
{
	struct ignore_lists judge = {0};
	size_t i = first;

	if (strpbrk(word, ", \t\r\n\"#;") || !*word)
		return LISTS;
	while (i < end && lists_add(&judge, lists[i].list, word))
		i++;
	lists_done(&judge);
	/* What looks like an address is no domain. */
	if (i == end || (lists[i].list == IGNORE_DOMAINS && strpbrk(word, "/:")))
		return LISTS;
	return i;
}

/* Version 1 had one list, in which ports are numbers; version 2 had four. */
static size_t list_of_entry(const char *old, const char *word, bool isnumber)
{
	static const char *const of_version_2[LISTS] = {"ignore_ports", "ignore_sha256", "ignore_ips", "ignore_domains"};

	for (size_t i = 0; i < LISTS; i++)
		if (strcmp(of_version_2[i], old) == 0)
			return isnumber == !i ? list_of(word, i, i + 1) : LISTS;
	return isnumber ? list_of(word, 0, 1) : list_of(word, 1, LISTS);
}

static void take_ignore(struct config *c, const char *old, const json_t *value)
{
	struct buf words[LISTS];
	json_t *entry;
	size_t i, at;

	for (i = 0; i < LISTS; i++)
		buf_init(&words[i]);
	if (!json_is_array(value))
		note(c, old, "is no list");
	json_array_foreach(value, i, entry)
	{
		char *word = json_is_integer(entry)  ? mem_printf("%lld", (long long)json_integer_value(entry))
		             : json_is_string(entry) ? mem_strdup(json_string_value(entry))
		                                     : mem_strdup("");

		at = list_of_entry(old, word, json_is_integer(entry));
		if (at == LISTS)
			note(c, old, "\"%s\" is no port, hash, network or domain", word);
		else
			buf_printf(&words[at], "%s%s", words[at].len ? ", " : "", word);
		free(word);
	}
	for (i = 0; i < LISTS; i++) {
		buf_put_u8(&words[i], 0);
		if (words[i].len > 1) {
			const char *text = (const char *)words[i].data;

			if (words[i].len > 60000)
				note(c, old, "has more than a line can hold");
			else
				buf_printf(section(c, "log"), "%s = %s\n", lists[i].key, text);
		}
		buf_done(&words[i]);
	}
	if (json_array_size(value) == 0)
		note(c, old, "as it was: nothing is ignored");
	else if (strcmp(old, "Log ignore") == 0)
		note(c, old, "ports in it had no effect in picosnitch 1; they have here, and domains match whole labels");
}

/* The names that connection parameters have here: the first one that the plugin knows is taken. */
static const struct {
	const char *old, *now[3];
} parameters[] = {
    {"host", {"host"}},
    {"port", {"port"}},
    {"user", {"user"}},
    {"password", {"password"}},
    {"passwd", {"password"}},
    {"database", {"dbname", "database"}},
    {"dbname", {"dbname", "database"}},
    {"db", {"dbname", "database"}},
    {"table_name", {"table"}},
    {"connections_table", {"table"}},
    {"unix_socket", {"socket", "host"}},
    {"sslmode", {"sslmode"}},
    {"sslrootcert", {"ca", "sslrootcert"}},
    {"ssl_ca", {"ca"}},
    {"sslcert", {"cert", "sslcert"}},
    {"ssl_cert", {"cert"}},
    {"sslkey", {"key", "sslkey"}},
    {"ssl_key", {"key"}},
};
#define PARAMETERS (sizeof(parameters) / sizeof(*parameters))

static void take_parameter(struct config *c, const char *sink, const char *old, const char *name, const json_t *value)
{
	const struct ps_option *options = c->known(c->arg, sink);
	char *text = json_is_integer(value) ? value_text(value, AS_NUMBER) : value_text(value, AS_TEXT);
	size_t i = 0, k = 0;

	while (i < PARAMETERS && strcmp(parameters[i].old, name) != 0)
		i++;
	if (i == PARAMETERS || !text) {
		note(c, old, "\"%s\" has no counterpart", name);
		free(text);
		return;
	}
	while (options && k < 2 && parameters[i].now[k] && !option_find(options, parameters[i].now[k]))
		k++;
	if (k == 2 || !parameters[i].now[k])
		k = 0;
	set(c, old, sink, parameters[i].now[k], text, strncmp(name, "passw", 5) == 0);
	free(text);
}

static void take_server(struct config *c, const char *old, const json_t *value)
{
	const char *client = json_string_value(json_object_get(value, "client")), *key, *sink;
	json_t *parameter;

	if (!json_object_size(value)) {
		note(c, old, "as it was: no server");
		return;
	}
	if (client && (strcmp(client, "psycopg") == 0 || strcmp(client, "psycopg2") == 0)) {
		sink = "sink postgres";
	} else if (client && (strcmp(client, "mariadb") == 0 || strcmp(client, "pymysql") == 0)) {
		sink = "sink mariadb";
	} else {
		note(c, old, "its client is none of mariadb, psycopg, psycopg2 and pymysql");
		return;
	}
	set(c, old, sink, "enabled", "yes", false);
	json_object_foreach((json_t *)(uintptr_t)value, key, parameter)
	{
		if (strcmp(key, "client") != 0)
			take_parameter(c, sink, old, key, parameter);
	}
}

/* ---- keys ---- */

static void take(struct config *c, const struct mapping *m, const json_t *value)
{
	char *text;

	if (m->form == AS_IGNORE) {
		take_ignore(c, m->key, value);
		return;
	}
	if (m->form == AS_SERVER) {
		take_server(c, m->key, value);
		return;
	}
	/* null: found out by itself. */
	if (json_is_null(value) || (json_is_string(value) && !*json_string_value(value))) {
		note(c, m->key, "as it was: not set");
		return;
	}
	text = value_text(value, m->form);
	if (!text && m->form == AS_DAYS && json_is_integer(value)) {
		note(c, m->key, "removed everything at each start; 0 keeps everything here, so the default holds");
	} else if (!text) {
		note(c, m->key, "is not of the form that it should be, so [%s] %s keeps its default", m->section, m->now);
	} else {
		set(c, m->key, m->section, m->now, text, m->form == AS_SECRET);
		if (m->form == AS_SECRET)
			set(c, m->key, m->section, "enabled", "yes", false);
	}
	free(text);
}

static void take_all(struct config *c, const json_t *object, const char *group)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		size_t i = 0;

		while (i < MAPPINGS && (strcmp(mappings[i].key, key) != 0 || !mappings[i].group != !group ||
		                        (group && strcmp(mappings[i].group, group) != 0)))
			i++;
		if (i < MAPPINGS)
			take(c, &mappings[i], value);
		else if (!group && json_is_object(value) && is_group(key))
			take_all(c, value, key);
		else
			note(c, key, "no key of picosnitch 1 or 2");
	}
}

void old_config_write(struct buf *out, const json_t *root, old_config_known known, void *arg, bool *secret)
{
	struct config c = {.known = known, .arg = arg, .secret = secret};

	*secret = false;
	buf_init(&c.notes);
	take_all(&c, root, NULL);
	buf_put_str(out, "# Made by `picosnitch import` from the configuration of an older picosnitch.\n"
	                 "# What is not here is as picosnitch.ini(5) has it.\n");
	for (size_t i = 0; i < c.n; i++) {
		buf_printf(out, "\n[%s]\n", c.sections[i].name);
		buf_put(out, c.sections[i].lines.data, c.sections[i].lines.len);
		buf_done(&c.sections[i].lines);
	}
	if (c.notes.len)
		buf_put_str(out, "\n# Keys of the old file that changed nothing here, and why:\n");
	buf_put(out, c.notes.data, c.notes.len);
	buf_done(&c.notes);
}

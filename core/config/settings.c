/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The core's own sections. Those of sinks are in sinks.c. */
#include "core/config/settings.h"

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/config/judge.h"
#include "core/config/option.h"

#define MS INT64_C(1)
#define S (1000 * MS)
#define DAY (86400 * S)
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Where a value goes, and what its type cannot say. */
struct place {
	size_t offset;
	enum { AS_TEXT, AS_INT64, AS_UNSIGNED, AS_BOOL, AS_LIST } as; /* AS_LIST: `offset` is an enum ignore_list */
	/* Judges, and may set the number. NULL, or what is wrong. */
	const char *(*check)(const char *text, int64_t *number);
};

static const char *check_user(const char *s, int64_t *n)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	(void)n;
	return !*s || s[len] || *s == '-' || len > 64 ? "is not a name: it has letters, digits, . _ and - only" : NULL;
}

static const char *check_sink_user(const char *s, int64_t *n)
{
	if (strcmp(s, "root") == 0 || (*s && s[strspn(s, "0")] == 0))
		return "must not be root: sinks have no need of its rights";
	return check_user(s, n);
}

static const char *check_folder(const char *s, int64_t *n)
{
	(void)n;
	/* Room for a file's name and its suffixes within PATH_MAX. */
	return *s != '/' ? "must be an absolute path" : strlen(s) > 3500 ? "is longer than 3500 bytes" : NULL;
}

static const char *check_database(const char *s, int64_t *n)
{
	return *s ? check_folder(s, n) : NULL;
}

static const char *check_url(const char *s, int64_t *n)
{
	(void)n;
	if (strncmp(s, "https://", 8) != 0 && strncmp(s, "http://", 7) != 0)
		return "must begin with https:// (or http://)";
	for (; *s; s++)
		if (*s <= ' ' || *s == 127)
			return "has blanks or other characters that an address cannot have";
	return strlen(s) > 2000 ? "is longer than 2000 bytes" : NULL;
}

static const char *check_nofile(const char *s, int64_t *n)
{
	static const struct ps_option files = {.type = PS_OPTION_INT, .min = 256, .max = 1073741816};

	return strcmp(s, "auto") == 0 || !option_parse(&files, s, n) ? NULL : "must be auto, or between 256 and 1073741816";
}

static const char *check_mask(const char *s, int64_t *n)
{
	bool hex = strncmp(s, "0x", 2) == 0;
	const char *digits = hex ? s + 2 : s;
	size_t len = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");

	*n = -1;
	if (strcmp(s, "auto") == 0)
		return NULL;
	if (len && len <= 10 && !digits[len])
		*n = strtoll(digits, NULL, hex ? 16 : 10);
	return *n < 0 || *n > UINT32_MAX ? "must be auto, or between 0 and 4294967295 (0xffffffff)" : NULL;
}

static const char *check_power(const char *s, int64_t *n)
{
	(void)s;
	return *n & (*n - 1) ? "must be a power of two" : NULL;
}

static const char *check_mode(const char *s, int64_t *n)
{
	size_t len = strlen(s);

	if (len < 3 || len > 4 || s[strspn(s, "01234567")])
		return "is not a mode in octal, such as 0640";
	*n = strtol(s, NULL, 8);
	if (*n & 02)
		return "must not let all others write";
	return *n > 0777 || (*n & 0600) != 0600 ? "must be between 0600 and 0775, with read and write for the owner" : NULL;
}

static const char *check_host(const char *s, int64_t *n)
{
	(void)n;
	return !*s || strlen(s) > 255 || strpbrk(s, " \t/@") ? "is not the name or the address of a host" : NULL;
}

static const char *check_theme(const char *s, int64_t *n)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	(void)n;
	return !len || s[len] || len > 64 ? "is not the name of a theme: auto, light and dark are some" : NULL;
}

static const char *check_token(const char *s, int64_t *n)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-");

	(void)n;
	return *s && (s[len] || len < 16 || len > 256) ? "must be 16 to 256 letters, digits, . _ ~ and -" : NULL;
}

static const struct ps_option core_options[] = {
    {"write_interval", PS_OPTION_DURATION, "10 s", 100 * MS, DAY, NULL,
     "length of a window: longer means fewer rows and less precise times", 0, NULL},
    {"drain_interval", PS_OPTION_DURATION, "1 s", 50 * MS, 60 * S, NULL, "how often the kernel's counters are emptied",
     0, NULL},
    {"every_exe", PS_OPTION_BOOL, "no", 0, 0, NULL, "record every program that is executed, as a row with port -1", 0,
     NULL},
    {"user", PS_OPTION_TEXT, PS_USER, 0, 0, NULL, "user that sinks run as", 0, NULL},
    {"rlimit_nofile", PS_OPTION_TEXT, "auto", 0, 0, NULL, "how many files may be open at once", 0, NULL},
    {"st_dev_mask", PS_OPTION_TEXT, "auto", 0, 0, NULL,
     "bits of the device number that are compared in the check of executables; 0: none", 0, NULL},
    {"hash_threads", PS_OPTION_INT, "2", 1, 16, NULL, "threads that hash executables", 0, NULL},
    {"self_test", PS_OPTION_BOOL, "yes", 0, 0, NULL, "try at start whether each path is counted", 0, NULL},
    {"ptr", PS_OPTION_BOOL, "no", 0, 0, NULL, "ask the resolver for names of addresses that nothing else tells", 0,
     NULL},
    {"audit_threshold", PS_OPTION_SIZE, "16 MiB", 0, INT64_C(1) << 40, NULL,
     "bytes that the kernel counted and no program accounts for, beyond which there is an alert; 0: none", 0, NULL},
    {"debug", PS_OPTION_BOOL, "no", 0, 0, NULL, "log what is done in detail", 0, NULL},
    {0},
};
static const struct place core_places[] = {
    {offsetof(struct settings, core.write_interval_ms), AS_INT64, NULL},
    {offsetof(struct settings, core.drain_interval_ms), AS_INT64, NULL},
    {offsetof(struct settings, core.every_exe), AS_BOOL, NULL},
    {offsetof(struct settings, core.user), AS_TEXT, check_sink_user},
    {offsetof(struct settings, core.rlimit_nofile), AS_INT64, check_nofile},
    {offsetof(struct settings, core.st_dev_mask), AS_INT64, check_mask},
    {offsetof(struct settings, core.hash_threads), AS_INT64, NULL},
    {offsetof(struct settings, core.self_test), AS_BOOL, NULL},
    {offsetof(struct settings, core.ptr), AS_BOOL, NULL},
    {offsetof(struct settings, core.audit_threshold), AS_INT64, NULL},
    {offsetof(struct settings, core.debug), AS_BOOL, NULL},
};

static const struct ps_option paths_options[] = {
    {"state", PS_OPTION_TEXT, PS_LOCALSTATEDIR "/lib/picosnitch", 0, 0, NULL, "folder of databases and the journal", 0,
     NULL},
    {"log", PS_OPTION_TEXT, PS_LOCALSTATEDIR "/log/picosnitch", 0, 0, NULL, "folder of text logs and error.log", 0,
     NULL},
    {"run", PS_OPTION_TEXT, PS_RUNSTATEDIR "/picosnitch", 0, 0, NULL, "folder of sockets and the pid file", 0, NULL},
    {"cache", PS_OPTION_TEXT, PS_LOCALSTATEDIR "/cache/picosnitch", 0, 0, NULL, "folder of what can be made again", 0,
     NULL},
    {"plugins", PS_OPTION_TEXT, PS_PLUGINDIR, 0, 0, NULL, "folder of the plugins; root's, and writable by root alone",
     0, NULL},
    {0},
};
static const struct place paths_places[] = {
    {offsetof(struct settings, paths.state), AS_TEXT, check_folder},
    {offsetof(struct settings, paths.log), AS_TEXT, check_folder},
    {offsetof(struct settings, paths.run), AS_TEXT, check_folder},
    {offsetof(struct settings, paths.cache), AS_TEXT, check_folder},
    {offsetof(struct settings, paths.plugins), AS_TEXT, check_folder},
};

static const struct ps_option capture_options[] = {
    {"hooks", PS_OPTION_CHOICE, "auto", 0, 0, "auto fexit tracepoint", "where in the kernel traffic is counted", 0,
     NULL},
    {"ring_buffer_pages", PS_OPTION_INT, "256", 1, 16384, NULL, "pages for events from the kernel, a power of two", 0,
     NULL},
    {"max_flows", PS_OPTION_INT, "65536", 1, 1048576, NULL, "flows counted in the kernel between two drains", 0, NULL},
    {0},
};
static const struct place capture_places[] = {
    {offsetof(struct settings, capture.hooks), AS_UNSIGNED, NULL},
    {offsetof(struct settings, capture.ring_buffer_pages), AS_UNSIGNED, check_power},
    {offsetof(struct settings, capture.max_flows), AS_UNSIGNED, NULL},
};
_Static_assert(sizeof(enum hooks) == sizeof(unsigned) && sizeof(uint32_t) == sizeof(unsigned), "AS_UNSIGNED");

static const struct ps_option log_options[] = {
    {"addresses", PS_OPTION_BOOL, "yes", 0, 0, NULL, "record the remote address and its domain", 0, NULL},
    {"commands", PS_OPTION_BOOL, "yes", 0, 0, NULL, "record command lines", 0, NULL},
    {"ports", PS_OPTION_BOOL, "yes", 0, 0, NULL, "record both ports", 0, NULL},
    {"ignore_ports", PS_OPTION_TEXT, "", 0, 0, NULL, "leave out traffic from or to these ports, or ranges of them", 0,
     NULL},
    {"ignore_domains", PS_OPTION_TEXT, "", 0, 0, NULL,
     "leave out traffic with these domains and all below them, in reverse notation", 0, NULL},
    {"ignore_subnets", PS_OPTION_TEXT, "", 0, 0, NULL, "leave out traffic with these addresses or networks", 0, NULL},
    {"ignore_hashes", PS_OPTION_TEXT, "", 0, 0, NULL, "leave out traffic of executables with these SHA-256", 0, NULL},
    {"ignore_local", PS_OPTION_BOOL, "no", 0, 0, NULL, "leave out traffic whose both ends are on this machine", 0,
     NULL},
    {0},
};
static const struct place log_places[] = {
    {offsetof(struct settings, log.addresses), AS_BOOL, NULL},
    {offsetof(struct settings, log.commands), AS_BOOL, NULL},
    {offsetof(struct settings, log.ports), AS_BOOL, NULL},
    {IGNORE_PORTS, AS_LIST, NULL},
    {IGNORE_DOMAINS, AS_LIST, NULL},
    {IGNORE_SUBNETS, AS_LIST, NULL},
    {IGNORE_HASHES, AS_LIST, NULL},
    {offsetof(struct settings, log.ignore_local), AS_BOOL, NULL},
};

static const struct ps_option journal_options[] = {
    {"max_size", PS_OPTION_SIZE, "1 GiB", 65536, INT64_C(1) << 40, NULL, "what may wait for a sink that is away", 0,
     NULL},
    {"max_age", PS_OPTION_DURATION, "30 d", S, 3650 * DAY, NULL, "how long it may wait", 0, NULL},
    {0},
};
static const struct place journal_places[] = {
    {offsetof(struct settings, journal.max_size), AS_INT64, NULL},
    {offsetof(struct settings, journal.max_age_ms), AS_INT64, NULL},
};

static const struct ps_option data_options[] = {
    {"owner", PS_OPTION_TEXT, "root", 0, 0, NULL, "user that data and log files belong to", 0, NULL},
    {"group", PS_OPTION_TEXT, "root", 0, 0, NULL, "group that data and log files belong to", 0, NULL},
    {"mode", PS_OPTION_TEXT, "0640", 0, 0, NULL, "permissions of data and log files, in octal", 0, NULL},
    {0},
};
static const struct place data_places[] = {
    {offsetof(struct settings, data.owner), AS_TEXT, check_user},
    {offsetof(struct settings, data.group), AS_TEXT, check_user},
    {offsetof(struct settings, data.mode), AS_UNSIGNED, check_mode},
};

static const struct ps_option geoip_options[] = {
    {"enabled", PS_OPTION_BOOL, "yes", 0, 0, NULL, "show countries of addresses", 0, NULL},
    {"database", PS_OPTION_TEXT, "", 0, 0, NULL, "file with them (mmdb); empty: the one that is fetched", 0, NULL},
    {"update", PS_OPTION_CHOICE, "monthly", 0, 0, "never monthly", "whether one is fetched", 0, NULL},
    {"url", PS_OPTION_TEXT, "https://download.db-ip.com/free/dbip-country-lite-%Y-%m.mmdb.gz", 0, 0, NULL,
     "where from; %Y is the year, %m the month", 0, NULL},
    {"delay", PS_OPTION_DURATION, "5 min", S, DAY, NULL, "how long after its start the daemon looks first", 0, NULL},
    {0},
};
static const struct place geoip_places[] = {
    {offsetof(struct settings, geoip.enabled), AS_BOOL, NULL},
    {offsetof(struct settings, geoip.database), AS_TEXT, check_database},
    {offsetof(struct settings, geoip.update), AS_BOOL, NULL},
    {offsetof(struct settings, geoip.url), AS_TEXT, check_url},
    {offsetof(struct settings, geoip.delay_ms), AS_INT64, NULL},
};

static const struct ps_option dash_options[] = {
    {"host", PS_OPTION_TEXT, "localhost", 0, 0, NULL, "name or address that the web page is served at", 0, NULL},
    {"port", PS_OPTION_INT, "5100", 1, 65535, NULL, "its port", 0, NULL},
    {"scroll_zoom", PS_OPTION_BOOL, "yes", 0, 0, NULL, "whether scrolling over a chart zooms", 0, NULL},
    {"theme", PS_OPTION_TEXT, "auto", 0, 0, NULL, "auto, light, dark or the name of a theme", 0, NULL},
    {"token", PS_OPTION_TEXT, "", 0, 0, NULL, "what a browser has to know; made at start if host is not this machine",
     PS_OPTION_SECRET, NULL},
    {"store", PS_OPTION_TEXT, "sqlite", 0, 0, NULL, "which sink's store is shown: the NAME of [sink NAME]", 0, NULL},
    {"names", PS_OPTION_TEXT, "", 0, 0, NULL, "further names under which browsers reach it, a reverse proxy's say", 0,
     NULL},
    {0},
};
static const struct place dash_places[] = {
    {offsetof(struct settings, dash.host), AS_TEXT, check_host},
    {offsetof(struct settings, dash.port), AS_INT64, NULL},
    {offsetof(struct settings, dash.scroll_zoom), AS_BOOL, NULL},
    {offsetof(struct settings, dash.theme), AS_TEXT, check_theme},
    {offsetof(struct settings, dash.token), AS_TEXT, check_token},
    {offsetof(struct settings, dash.store), AS_TEXT, NULL},
    {offsetof(struct settings, dash.names), AS_TEXT, NULL},
};

static const struct section {
	const char *name;
	const struct ps_option *options;
	const struct place *places;
} sections[] = {
    {"core", core_options, core_places},
    {"paths", paths_options, paths_places},
    {"capture", capture_options, capture_places},
    {"log", log_options, log_places},
    {"journal", journal_options, journal_places},
    {"geoip", geoip_options, geoip_places},
    {"data", data_options, data_places},
    {"dash", dash_options, dash_places},
    {"sink NAME", sink_options, NULL},
};
#define PLACED(options, places) _Static_assert(COUNT(options) == COUNT(places) + 1, "a place for each option")
PLACED(core_options, core_places);
PLACED(paths_options, paths_places);
PLACED(capture_options, capture_places);
PLACED(log_options, log_places);
PLACED(journal_options, journal_places);
PLACED(geoip_options, geoip_places);
PLACED(data_options, data_places);
PLACED(dash_options, dash_places);

const struct ps_option *settings_section(size_t at, const char **name)
{
	if (at >= COUNT(sections))
		return NULL;
	*name = sections[at].name;
	return sections[at].options;
}

/* Sets one key. NULL, or what is wrong with the value. */
static const char *set(struct settings *s, const struct ps_option *o, const struct place *p, const char *value)
{
	union {
		char *byte;
		char **text;
		int64_t *int64;
		unsigned *number;
		bool *boolean;
	} at = {.byte = (char *)s + (p->as == AS_LIST ? 0 : p->offset)};
	int64_t number;
	const char *wrong = option_parse(o, value, &number);

	if (!wrong && p->check)
		wrong = p->check(value, &number);
	if (wrong)
		return wrong;
	switch (p->as) {
	case AS_TEXT:
		free(*at.text);
		*at.text = mem_strdup(value);
		break;
	case AS_INT64:
		*at.int64 = number;
		break;
	case AS_UNSIGNED:
		*at.number = (unsigned)number;
		break;
	case AS_BOOL:
		*at.boolean = number;
		break;
	case AS_LIST: /* empty, as every default is: set_list() takes what the file says */
		break;
	}
	return NULL;
}

/* Sets a list, as far as its words are right. */
static void set_list(struct settings *s, const struct ini_entry *e, enum ignore_list list, struct mistakes *m)
{
	char *text = mem_strdup(e->value), *rest = text, *word;
	const char *wrong;

	while ((word = lists_word(&rest))) {
		wrong = lists_add(&s->log.ignore, list, word);
		if (wrong)
			judge_word(m, e, word, wrong);
	}
	free(text);
}

static const struct section *find_section(const char *name)
{
	for (size_t i = 0; sections[i].places; i++)
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	return NULL;
}

static void judge_section_name(const struct ini_entry *e, struct mistakes *m)
{
	const char *best = NULL;
	unsigned least = ~0u, d;

	if (find_section(e->section) || sink_section(e->section))
		return;
	for (size_t i = 0; sections[i].places; i++)
		if (option_is_near(sections[i].name, e->section, &d) && d < least) {
			best = sections[i].name;
			least = d;
		}
	if (best)
		mistakes_add(m, e->line, "[%s]: unknown section; did you mean [%s]?", e->section, best);
	else
		mistakes_add(
		    m, e->line,
		    "[%s]: unknown section; known are core, paths, capture, log, journal, geoip, data, dash and sink NAME",
		    e->section);
}

static void judge_key(struct settings *s, const struct section *section, const struct ini_entry *e, unsigned *lines,
                      struct mistakes *m)
{
	const struct ps_option *o = option_find(section->options, e->key);
	const struct place *place;
	const char *wrong;

	if (!o && !option_nearest(section->options, e->key))
		for (size_t i = 0; sections[i].places; i++)
			if (option_find(sections[i].options, e->key)) {
				mistakes_add(m, e->line, "[%s] %s: unknown key here; it belongs in [%s]", e->section, e->key,
				             sections[i].name);
				return;
			}
	if (!o) {
		judge_unknown(m, e, section->options, NULL);
		return;
	}
	if (judge_repeated(m, e, &lines[o - section->options]))
		return;
	place = &section->places[o - section->options];
	if (place->as == AS_LIST) {
		set_list(s, e, (enum ignore_list)place->offset, m);
		return;
	}
	wrong = set(s, o, place, e->value);
	if (wrong)
		judge_bad(m, e, o, wrong, o->fallback);
}

struct settings *settings_load(FILE *in, settings_describe describe, struct mistakes *m)
{
	struct settings *s = mem_alloc(sizeof(*s));
	struct ini ini = {0};
	int err = 0;

	for (const struct section *c = sections; c->places; c++)
		for (size_t i = 0; c->options[i].key; i++)
			if (set(s, &c->options[i], &c->places[i], c->options[i].fallback))
				mistakes_add(m, 0, "[%s] %s: the default \"%s\" that was built in cannot be used", c->name,
				             c->options[i].key, c->options[i].fallback);
	if (in)
		err = ini_read(&ini, in, m);
	if (err)
		mistakes_add(m, 0, "the file cannot be read to its end: %s", strerror(-err));
	for (size_t i = 0; i < ini.n; i++)
		if (!ini.entries[i].key)
			judge_section_name(&ini.entries[i], m);
	for (const struct section *c = sections; c->places; c++) {
		unsigned lines[16] = {0};

		for (size_t i = 0; i < ini.n; i++)
			if (ini.entries[i].key && strcmp(ini.entries[i].section, c->name) == 0)
				judge_key(s, c, &ini.entries[i], lines, m);
	}
	sinks_load(s, &ini, describe, m);
	mistakes_sort(m);
	if (in)
		ini_done(&ini);
	return s;
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	for (const struct section *c = sections; c->places; c++)
		for (size_t i = 0; c->options[i].key; i++)
			if (c->places[i].as == AS_TEXT) {
				union {
					char *byte;
					char **text;
				} at = {.byte = (char *)s + c->places[i].offset};

				free(*at.text);
			}
	lists_done(&s->log.ignore);
	sinks_free(s);
	free(s);
}

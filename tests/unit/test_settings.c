/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Defaults, values, and every mistake in its whole words; the shipped file and the man page. */
#include "config.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/config/option.h"
#include "core/config/settings.h"
#include "tests/tap.h"

static const struct ps_option sqlite_options[] = {
    {"file", PS_OPTION_STATE_FILE, "snitch.db", 0, 0, NULL, "the database", 0, "-wal -shm"},
    {"retention", PS_OPTION_DURATION, "30 d", 0, 0, NULL, "how long rows are kept", 0, NULL},
    {0},
};
static const struct ps_option remote_options[] = {
    {"host", PS_OPTION_TEXT, NULL, 0, 0, NULL, "a host", PS_OPTION_REQUIRED, NULL},
    {"password", PS_OPTION_TEXT, NULL, 0, 0, NULL, "a secret", PS_OPTION_SECRET, NULL},
    {"pin", PS_OPTION_INT, "4711", 1000, 9999, NULL, "a secret number", PS_OPTION_SECRET, NULL},
    {"port", PS_OPTION_INT, "5432", 1, 65535, NULL, "a port", 0, NULL},
    {0},
};
static const struct ps_option faulty_options[] = {
    {"size", PS_OPTION_SIZE, "large", 0, 0, NULL, "a size", 0, NULL},
    {0},
};

static struct ps_option *describe(const char *dir, const char *plugin, const char **why)
{
	const struct ps_option *list = strcmp(plugin, "sqlite") == 0   ? sqlite_options
	                               : strcmp(plugin, "remote") == 0 ? remote_options
	                               : strcmp(plugin, "faulty") == 0 ? faulty_options
	                                                               : NULL;
	struct ps_option *copy;
	struct buf text;

	(void)dir;
	if (!list) {
		*why = "there is no such file";
		return NULL;
	}
	buf_init(&text);
	option_write(&text, list);
	copy = option_read(text.data, text.len);
	buf_done(&text);
	return copy;
}

static struct settings *load(const char *text, settings_describe how, struct mistakes *m)
{
	FILE *in = fmemopen(NULL, strlen(text) + 1, "w+");
	struct settings *s;

	*m = (struct mistakes){0};
	fputs(text, in);
	rewind(in);
	s = settings_load(in, how, m);
	fclose(in);
	return s;
}

#define KEPT(v) "; the default \"" v "\" is kept"
#define TIME "is not a duration, such as 500 ms, 10 s, 5 min, 2 h or 30 d"
#define NAME "is not a name: it has letters, digits, . _ and - only"

#define PORT "is not a port, 1 to 65535, or a range of them, such as 6000-6063; it is left out"
#define DOMAIN "is not a domain in reverse notation, such as com.example for example.com and all below; it is left out"
#define SUBNET "is not an address or a network, such as 10.0.0.0/8 or fd00::/8; it is left out"
#define HASH "is not a SHA-256, which has 64 hexadecimal digits; it is left out"

/* Lines of one file; what is said of each (NULL: nothing; several things: in as many lines). */
static const struct {
	const char *line, *said;
} wrong[] = {
    {"early = 1", "early: stands before any [section]; it has no effect"},
    {"[coer]", "[coer]: unknown section; did you mean [core]?"},
    {"debug = maybe", NULL},
    {"[countries]",
     "[countries]: unknown section; known are core, paths, capture, log, journal, geoip, data, dash and sink NAME"},
    {"[core]", NULL},
    {"write_interval = 10", "[core] write_interval: \"10\" " TIME KEPT("10 s")},
    {"write_interval = 20 s", "[core] write_interval: is already in line 6, which counts; this line has no effect"},
    {"drain_interval = 49 ms", "[core] drain_interval: \"49 ms\" must be between 50 ms and 1 min" KEPT("1 s")},
    {"user = root", "[core] user: \"root\" must not be root: sinks have no need of its rights" KEPT(PS_USER)},
    {"user = x", "[core] user: is already in line 9, which counts; this line has no effect"},
    {"rlimit_nofile = true", "[core] rlimit_nofile: \"true\" must be auto, or between 256 and 1073741816" KEPT("auto")},
    {"st_dev_mask = 0x1ffffffff",
     "[core] st_dev_mask: \"0x1ffffffff\" must be auto, or between 0 and 4294967295 (0xffffffff)" KEPT("auto")},
    {"hash_threads = 17", "[core] hash_threads: \"17\" must be between 1 and 16" KEPT("2")},
    {"debug = maybe", "[core] debug: \"maybe\" must be yes or no" KEPT("no")},
    {"debgu = yes", "[core] debgu: unknown key; did you mean \"debug\"?"},
    {"quiet = yes", "[core] quiet: unknown key"},
    {"hooks = auto", "[core] hooks: unknown key here; it belongs in [capture]"},
    {"just words", "the line is not of the form: key = value; it has no effect"},
    {"[paths]", NULL},
    {"state = lib", "[paths] state: \"lib\" must be an absolute path" KEPT(PS_LOCALSTATEDIR "/lib/picosnitch")},
    {"log = ../log", "[paths] log: \"../log\" must be an absolute path" KEPT(PS_LOCALSTATEDIR "/log/picosnitch")},
    {"run =", "[paths] run: the value must be an absolute path" KEPT(PS_RUNSTATEDIR "/picosnitch")},
    {"cache = \xff\xe2\x80\xae",
     "[paths] cache: \"\\xff\\xe2\\x80\\xae\" must be an absolute path" KEPT(PS_LOCALSTATEDIR "/cache/picosnitch")},
    {"plugin = /x", "[paths] plugin: unknown key; did you mean \"plugins\"?"},
    {"[capture]", NULL},
    {"hooks = kprobe", "[capture] hooks: \"kprobe\" must be one of auto, fexit, tracepoint" KEPT("auto")},
    {"ring_buffer_pages = 3", "[capture] ring_buffer_pages: \"3\" must be a power of two" KEPT("256")},
    {"max_flows = 0", "[capture] max_flows: \"0\" must be between 1 and 1048576" KEPT("65536")},
    {"[log]", NULL},
    {"ignore_ports = 53, https 0 65536 1-2-3 -1 9-8 443",
     "[log] ignore_ports: \"https\" " PORT "\n[log] ignore_ports: \"0\" " PORT "\n[log] ignore_ports: \"65536\" " PORT
     "\n[log] ignore_ports: \"1-2-3\" " PORT "\n[log] ignore_ports: \"-1\" " PORT
     "\n[log] ignore_ports: \"9-8\" is a range that ends before it begins; it is left out"},
    {"ignore_domains = com.example,.com 192.0.2.1 com..example a/b",
     "[log] ignore_domains: \".com\" " DOMAIN "\n[log] ignore_domains: \"192.0.2.1\" " DOMAIN
     "\n[log] ignore_domains: \"com..example\" " DOMAIN "\n[log] ignore_domains: \"a/b\" " DOMAIN},
    {"ignore_subnets = 10.0.0.0/33 ::1/129 com.example 10.0.0/8 fe80::1/64",
     "[log] ignore_subnets: \"10.0.0.0/33\" has a prefix that is not between 0 and 32; it is left out\n"
     "[log] ignore_subnets: \"::1/129\" has a prefix that is not between 0 and 128; it is left out\n"
     "[log] ignore_subnets: \"com.example\" " SUBNET "\n[log] ignore_subnets: \"10.0.0/8\" " SUBNET},
    {"ignore_hashes = 27125f0331490b7f", "[log] ignore_hashes: \"27125f0331490b7f\" " HASH},
    {"ignore_local = lo", "[log] ignore_local: \"lo\" must be yes or no" KEPT("no")},
    {"ignore_port = 53", "[log] ignore_port: unknown key; did you mean \"ignore_ports\"?"},
    {"[journal]", NULL},
    {"max_size = 1 G",
     "[journal] max_size: \"1 G\" is not a size, such as 64 KiB, 10 MiB, 1 GiB or 500 MB" KEPT("1 GiB")},
    {"max_age = 106751991168 d", "[journal] max_age: \"106751991168 d\" is too large" KEPT("30 d")},
    {"[data]", NULL},
    {"owner = a b", "[data] owner: \"a b\" " NAME KEPT("root")},
    {"group = -x", "[data] group: \"-x\" " NAME KEPT("root")},
    {"mode = 0642", "[data] mode: \"0642\" must not let all others write" KEPT("0640")},
    {"[capture]", NULL},
    {"hooks = fexit", "[capture] hooks: is already in line 26, which counts; this line has no effect"},
    {"ring_buffer_page = 1", "[capture] ring_buffer_page: unknown key; did you mean \"ring_buffer_pages\"?"},
    {"[sink]", "[sink]: a sink is named [sink PLUGIN] or [sink PLUGIN.WORD], with a to z, 0 to 9, _ and - in PLUGIN; "
               "the section is left out"},
    {"[sink .hidden]",
     "[sink .hidden]: a sink is named [sink PLUGIN] or [sink PLUGIN.WORD], with a to z, 0 to 9, _ and "
     "- in PLUGIN; the section is left out"},
    {"enabled = yes", NULL},
    {"[sink sqlite]", NULL},
    {"enabled = 1", "[sink sqlite] enabled: \"1\" must be yes or no" KEPT("yes")},
    {"timeout = 1 ms", "[sink sqlite] timeout: \"1 ms\" must be between 100 ms and 1 d" KEPT("60 s")},
    {"file = /tmp/x", "[sink sqlite] file: \"/tmp/x\" must be the name of a file, without a folder: [paths] says where "
                      "it is" KEPT("snitch.db")},
    {"retention = 30", "[sink sqlite] retention: \"30\" " TIME KEPT("30 d")},
    {"enabld = no", "[sink sqlite] enabld: unknown key; did you mean \"enabled\"?"},
    {"[sink remote]", "[sink remote] host: is required; the sink is not used without it"},
    {"enabled = yes", NULL},
    {"pasword = hunter2", "[sink remote] pasword: unknown key; did you mean \"password\"?"},
    {"password hunter2", "the line is not of the form: key = value; it has no effect"},
    {"password = hunter2 #x", "the line has a # or ; in its value that may be meant as a comment: put a comment on a "
                              "line of its own, or the whole value in double quotes; it has no effect"},
    {"pin = hunter2", "[sink remote] pin: the value is not a whole number; the default is kept"},
    {"port = none", "[sink remote] port: \"none\" is not a whole number" KEPT("5432")},
    {"[sink gone]", "[sink gone]: plugin gone: there is no such file; the sink is not used"},
    {"enabled = yes", NULL},
    {"[sink absent]", NULL},
    {"[sink odd]", "[sink odd]: plugin odd: there is no such file; the sink is not used"},
    {"plugin = ../../x",
     "[sink odd] plugin: \"../../x\" is not the name of a plugin: a to z, 0 to 9, _ and -" KEPT("odd")},
    {"x = y", NULL},
    {"[sink faulty]",
     "[sink faulty] size: the default that plugin faulty declares is not a size, such as 64 KiB, 10 MiB, "
     "1 GiB or 500 MB: the plugin is faulty"},
    {"[sink second]", NULL},
    {"plugin = sqlite", NULL},
    {"enabled = yes", "[sink second] file: \"snitch.db\" is the file of [sink sqlite] too; the sink is not used "
                      "until it has one of its own"},
};

/* How many mistakes `said` has. */
static size_t check_said(const struct mistakes *m, size_t at, const char *said)
{
	size_t n = 0, len;

	for (const char *next; said; said = next, n++) {
		char *line;

		next = strchr(said, '\n');
		len = next ? (size_t)(next++ - said) : strlen(said);
		line = mem_printf("%.*s", (int)len, said);
		is_str(at + n < m->n ? m->list[at + n].text : "", line, "line %u", at + n < m->n ? m->list[at + n].line : 0);
		free(line);
	}
	return n;
}

static void test_mistakes(void)
{
	const size_t n = sizeof(wrong) / sizeof(*wrong);
	struct buf text;
	struct mistakes m;
	struct settings *s;
	size_t at = 0, last = 0, secret = 0;

	buf_init(&text);
	for (size_t i = 0; i < n; i++) {
		last = strncmp(wrong[i].line, "[sink second", 12) == 0 ? i : last;
		buf_printf(&text, "%s\n", wrong[i].line);
	}
	buf_put_u8(&text, 0);
	s = load((char *)text.data, describe, &m);
	for (size_t i = 0; i < n; i++) {
		/* The one file of two sinks is said of the section, as no key of it names the file. */
		const char *said = i == last ? wrong[n - 1].said : i == n - 1 ? NULL : wrong[i].said;

		if (said && at < m.n && m.list[at].line == i + 1)
			at += check_said(&m, at, said);
		else
			ok(!said && (at == m.n || m.list[at].line != i + 1), "line %zu: nothing is said of %s", i + 1,
			   wrong[i].line);
	}
	is_int(at, m.n, "nothing else is said");
	for (size_t i = 0; i < m.n; i++)
		secret += strstr(m.list[i].text, "hunter2") != NULL;
	is_int(secret, 0, "no secret is said");
	ok(s->core.write_interval_ms == 10000 && s->core.drain_interval_ms == 1000 && s->core.rlimit_nofile == 0 &&
	       s->core.st_dev_mask == -1 && s->core.hash_threads == 2 && !s->core.debug && s->capture.hooks == HOOKS_AUTO &&
	       s->capture.ring_buffer_pages == 256 && s->capture.max_flows == 65536 && s->journal.max_size == 1 << 30 &&
	       s->journal.max_age_ms == INT64_C(2592000000) && s->data.mode == 0640,
	   "the defaults hold");
	ok(s->log.addresses && s->log.commands && s->log.ports && !s->log.ignore_local && s->log.ignore.n_ports == 2 &&
	       s->log.ignore.n_domains == 1 && s->log.ignore.n_subnets == 1 && s->log.ignore.n_hashes == 0,
	   "of a list, the words that are right hold");
	for (size_t i = 0; i < s->n_sinks; i++)
		ok(s->sinks[i].enabled == (strcmp(s->sinks[i].name, "sqlite") == 0), "sink %s is %s", s->sinks[i].name,
		   s->sinks[i].enabled ? "on" : "off");
	settings_free(s);
	mistakes_done(&m);
	buf_done(&text);
}

static const struct sink_settings *sink(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->n_sinks; i++)
		if (strcmp(s->sinks[i].name, name) == 0)
			return &s->sinks[i];
	return NULL;
}

static void test_values(void)
{
	struct mistakes m;
	struct settings *s =
	    load("[core]\nwrite_interval = 100 ms\nuser = nobody\nrlimit_nofile = 4096\ndebug = ON\nst_dev_mask = 0xFF00\n"
	         "[paths]\nstate = /tmp/a b\n[capture]\nhooks = tracepoint\nring_buffer_pages = 16384\n"
	         "[journal]\nmax_size = 64 KiB\n[data]\nmode = 600\n[core]\nhash_threads = 16\n"
	         "[sink remote.audit]\nenabled = yes\nhost = db\npassword = \" #x\"\n[sink sqlite]\n"
	         "enabled = no\n[sink two]\nplugin = sqlite\nenabled = yes\nfile = two.db\nretention = 0\n",
	         describe, &m);
	const struct sink_settings *a = sink(s, "remote.audit"), *two = sink(s, "two"), *usual = sink(s, "sqlite");

	is_int(m.n, 0, "no mistake");
	ok(s->core.write_interval_ms == 100 && strcmp(s->core.user, "nobody") == 0 && s->core.rlimit_nofile == 4096 &&
	       s->core.debug && s->core.hash_threads == 16 && s->core.st_dev_mask == 0xff00,
	   "[core], in two parts");
	ok(strcmp(s->paths.state, "/tmp/a b") == 0 && s->capture.hooks == HOOKS_TRACEPOINT &&
	       s->capture.ring_buffer_pages == 16384 && s->journal.max_size == 65536 && s->data.mode == 0600,
	   "the others");
	ok(a && a->enabled && strcmp(a->plugin, "remote") == 0 && a->n_values == 4 && a->timeout_ms == 60000 &&
	       a->line == 18,
	   "a sink of a plugin's name and a word");
	ok(a && strcmp(a->values[1].text, " #x") == 0 && a->values[3].number == 5432 && a->values[3].line == 0,
	   "its values and its defaults");
	ok(two && two->enabled && strcmp(two->plugin, "sqlite") == 0 && two->values[1].number == 0 && usual &&
	       !usual->enabled,
	   "two sinks of one plugin");
	settings_free(s);
	mistakes_done(&m);

	s = settings_load(NULL, NULL, &m);
	ok(m.n == 0 && s->n_sinks == 2 && s->sinks[0].enabled && s->sinks[0].n_values == 0 && s->sinks[1].enabled,
	   "no file: sqlite and notify");
	settings_free(s);
	s = load("[sink notify]\n", describe, &m);
	ok(m.n == 0 && s->n_sinks == 2 && !sink(s, "notify")->enabled, "notify is quietly off where it was not built");
	settings_free(s);
	mistakes_done(&m);
	s = load("[sink notify]\nenabled = yes\n", describe, &m);
	ok(m.n == 1 && !sink(s, "notify")->enabled, "but not where it was asked for");
	settings_free(s);
	mistakes_done(&m);
	s = settings_load(NULL, NULL, &m);
	settings_free(s);
	s = load("[sink x]\nenabled = yes\nany = thing\n", NULL, &m);
	ok(m.n == 0 && sink(s, "x")->enabled, "nobody to describe plugins: their keys are not judged");
	settings_free(s);
}

static void test_lists(void)
{
	static const char *const lines =
	    "[log]\naddresses = no\nports = off\ncommands = false\nignore_local = yes\n"
	    "ignore_ports = 53, 6000-6063,1-65535\t5353\nignore_domains = com.Example,org.xn--abc_d.163 arpa\n"
	    "ignore_subnets = 192.168.1.5/24,::ffff:10.1.2.3 ::ffff:10.1.2.3/104, fd31:7::9/20 ::/0 0.0.0.0/0 "
	    "::ffff:0:0/90\n"
	    "ignore_hashes = 27125F0331490b7fbf4da11f2bd913ce1b94e071367b2fa8e535ce8c5526e29c,\n";
	static const struct {
		const char *addr;
		int bits;
	} want[] = {{"192.168.1.0", 24}, {"10.1.2.3", 32}, {"10.0.0.0", 8},   {"fd31::", 20},
	            {"::", 0},           {"0.0.0.0", 0},   {"::ffc0:0:0", 90}};
	struct mistakes m;
	struct settings *s = load(lines, NULL, &m);
	const struct ignore_lists *l = &s->log.ignore;
	char text[TEXT_ADDR_SIZE];

	is_int(m.n, 0, "lists without a mistake");
	ok(!s->log.addresses && !s->log.ports && !s->log.commands && s->log.ignore_local, "switches of [log]");
	ok(l->n_ports == 4 && l->ports[0].first == 53 && l->ports[0].last == 53 && l->ports[1].first == 6000 &&
	       l->ports[1].last == 6063 && l->ports[2].first == 1 && l->ports[2].last == 65535 && l->ports[3].first == 5353,
	   "ports and ranges, between commas or blanks");
	if (ok(l->n_domains == 3, "domains")) {
		is_str(l->domains[0], "com.example", "in lower case");
		is_str(l->domains[1], "org.xn--abc_d.163", "numbers may be below the first level");
		is_str(l->domains[2], "arpa", "all of a first level");
	}
	if (ok(l->n_subnets == 7, "networks"))
		for (size_t i = 0; i < 7; i++) {
			is_str(text_addr(text, &l->subnets[i].addr), want[i].addr, "network %zu, without its host bits", i);
			is_int(l->subnets[i].bits, want[i].bits, "its prefix");
		}
	ok(l->n_hashes == 1 && l->hashes[0].sha256[0] == 0x27 && l->hashes[0].sha256[2] == 0x5f &&
	       l->hashes[0].sha256[31] == 0x9c,
	   "a hash, in either case");
	settings_free(s);
	mistakes_done(&m);

	s = load("[log]\nignore_ports =\nignore_subnets = , ,\n", NULL, &m);
	ok(m.n == 0 && !s->log.ignore.n_ports && !s->log.ignore.n_subnets, "empty lists");
	settings_free(s);
}

static char *read_file(const char *tree, const char *path)
{
	const char *top = getenv(tree);
	char *full = mem_printf("%s/%s", top ? top : ".", path);
	FILE *in = fopen(full, "r");
	struct buf text;
	size_t n;

	buf_init(&text);
	while (in && (n = fread(buf_add(&text, 4096), 1, 4096, in)) > 0)
		text.len -= 4096 - n;
	if (in) {
		text.len -= 4096;
		fclose(in);
	}
	buf_put_u8(&text, 0);
	free(full);
	return (char *)text.data;
}

/* Paths are as the tree was configured; the man page has those of a distribution. */
static const char *as_shipped(const struct ps_option *o)
{
	return strcmp(o->key, "state") == 0     ? "/var/lib/picosnitch"
	       : strcmp(o->key, "log") == 0     ? "/var/log/picosnitch"
	       : strcmp(o->key, "run") == 0     ? "/run/picosnitch"
	       : strcmp(o->key, "cache") == 0   ? "/var/cache/picosnitch"
	       : strcmp(o->key, "plugins") == 0 ? "/usr/lib/picosnitch/plugins"
	       : strcmp(o->key, "user") == 0    ? "picosnitch"
	                                        : o->fallback;
}

static void test_documents(void)
{
	char *ini = read_file("top_builddir", "etc/installed.ini"),
	     *page = read_file("top_srcdir", "etc/man/picosnitch.ini.5");
	const struct ps_option *options;
	struct mistakes m;
	struct settings *s = load(ini, describe, &m);
	const char *name;

	ok(*ini && s->n_sinks == 6, "the shipped file names six sinks");
	is_int(m.n, 0, "and has no mistake");
	for (size_t i = 0; i < m.n; i++)
		printf("# %u: %s\n", m.list[i].line, m.list[i].text);
	settings_free(s);
	mistakes_done(&m);
	for (size_t at = 0; (options = settings_section(at, &name)); at++) {
		int common = strcmp(name, "sink NAME") == 0;
		char *heading = mem_printf("\n[%s]\n", common ? "sink sqlite" : name),
		     *title = mem_printf(".Ss [%s]\\&\n", name);
		const char *in_ini = strstr(ini, heading), *in_page = strstr(page, title);

		ok(in_ini && in_page, "[%s] is in the shipped file and in the man page", name);
		for (const struct ps_option *o = options; o->key && in_ini && in_page; o++) {
			const char *value = common && strcmp(o->key, "enabled") == 0  ? "yes"
			                    : common && strcmp(o->key, "plugin") == 0 ? "sqlite"
			                                                              : o->fallback;
			const char *shown = common && !*o->fallback ? "NAME" : as_shipped(o);
			char *line = mem_printf("\n#%s =%s%s\n", o->key, *value ? " " : "", value);
			char *item = mem_printf("\n.It Ic %s No =%s%s\n", o->key, *shown ? " Ar " : "", shown);
			const char *next = strstr(in_ini + 1, "\n["), *found = strstr(in_ini, line);
			const char *section = strstr(in_page + 1, "\n.Ss "), *listed = strstr(in_page, item);

			ok(found && (!next || found < next), "[%s] %s with its default is in the shipped file", name, o->key);
			ok(listed && (!section || listed < section), "[%s] %s with its default is in the man page", name, o->key);
			free(line);
			free(item);
		}
		free(heading);
		free(title);
	}
	free(ini);
	free(page);
}

int main(void)
{
	test_mistakes();
	test_values();
	test_lists();
	test_documents();
	return tap_done();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as picosnitch.ini: the settings are usable, and every mistake is one line of text. */
#include <string.h>
#include <sys/socket.h>

#include "core/base/text.h"
#include "core/config/option.h"
#include "core/config/settings.h"
#include "tests/fuzz/target.h"

static struct ps_option *describe(const char *dir, const char *plugin, const char **why)
{
	static const struct ps_option options[] = {
	    {"file", PS_OPTION_STATE_FILE, "a.db", 0, 0, NULL, "a file", 0, "-wal"},
	    {"password", PS_OPTION_TEXT, NULL, 0, 0, NULL, "a secret", PS_OPTION_SECRET, NULL},
	    {"host", PS_OPTION_TEXT, NULL, 0, 0, NULL, "a host", PS_OPTION_REQUIRED, NULL},
	    {"format", PS_OPTION_CHOICE, "csv", 0, 0, "csv json", "a format", 0, NULL},
	    {0},
	};
	struct ps_option *list;
	struct buf text;

	must(dir[0] == '/');
	if (strlen(plugin) % 2) {
		*why = "it is odd";
		return NULL;
	}
	buf_init(&text);
	option_write(&text, options);
	list = option_read(text.data, text.len);
	buf_done(&text);
	must(list);
	return list;
}

static void check_mistakes(const struct mistakes *m)
{
	must(m->n <= 201);
	for (size_t i = 0; i < m->n; i++) {
		const char *s = m->list[i].text;

		must(*s && (i == 0 || m->list[i].line >= m->list[i - 1].line));
		for (size_t n, len = strlen(s); len; s += n, len -= n) {
			n = text_utf8(s, len);
			must(n && (unsigned char)*s >= 0x20 && *s != 0x7f);
		}
	}
}

static void check_lists(const struct ignore_lists *l)
{
	for (size_t i = 0; i < l->n_ports; i++)
		must(l->ports[i].first && l->ports[i].first <= l->ports[i].last);
	for (size_t i = 0; i < l->n_subnets; i++) {
		const struct subnet *s = &l->subnets[i];
		unsigned size = s->addr.family == AF_INET ? 32 : 128;

		must((s->addr.family == AF_INET || s->addr.family == AF_INET6) && s->bits <= size);
		for (unsigned bit = s->bits; bit < 128; bit++)
			must(!(s->addr.bytes[bit / 8] >> (7 - bit % 8) & 1));
	}
	for (size_t i = 0; i < l->n_domains; i++) {
		size_t len = strlen(l->domains[i]);

		must(len && len <= 253 && l->domains[i][0] != '.' && l->domains[i][len - 1] != '.' &&
		     !strstr(l->domains[i], ".."));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mistakes m = {0};
	struct settings *s;
	struct ini ini;
	FILE *in = fmemopen(NULL, size + 1, "w+");

	must(in && fwrite(data, 1, size, in) == size);
	rewind(in);
	/* fmemopen() ends where the NUL behind what was written is: at size. */
	must(ini_read(&ini, in, &m) == 0);
	for (size_t i = 0; i < ini.n; i++) {
		const struct ini_entry *e = &ini.entries[i];

		must(*e->section && strlen(e->section) <= INI_NAME_LIMIT && e->line > 0 && (!e->key || *e->key));
		must(!e->key || (strlen(e->key) <= INI_NAME_LIMIT && e->value && !strchr(e->value, '\n')));
	}
	ini_done(&ini);
	mistakes_sort(&m);
	check_mistakes(&m);
	mistakes_done(&m);

	rewind(in);
	s = settings_load(in, describe, &m);
	check_mistakes(&m);
	must(s->core.write_interval_ms >= 100 && s->core.drain_interval_ms >= 50 && s->core.hash_threads > 0);
	must(s->capture.ring_buffer_pages && !(s->capture.ring_buffer_pages & (s->capture.ring_buffer_pages - 1)));
	must(s->paths.state[0] == '/' && s->paths.plugins[0] == '/' && *s->core.user && !(s->data.mode & 02));
	check_lists(&s->log.ignore);
	for (size_t i = 0; i < s->n_sinks; i++)
		must(*s->sinks[i].plugin && !strchr(s->sinks[i].plugin, '/') && s->sinks[i].timeout_ms >= 100);
	settings_free(s);
	mistakes_done(&m);
	fclose(in);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A store for the tests of what people look at: FOLDER/snitch.db, by the sqlite sink; or another sink's.
 *   seed PLUGIN.so FOLDER NOW usual            some programs, a loss, a verdict
 *   seed PLUGIN.so FOLDER NOW hostile          names that speak to a terminal, in every dimension
 *   seed PLUGIN.so FOLDER NOW month ROWS       as many, over 30 days
 *   seed PLUGIN.so FOLDER NOW find SEQ         a week ago, what a person would want to find; an hour ago, markup and
 *                                              a loss
 *   seed PLUGIN.so FOLDER NOW empty            nothing
 *   seed PLUGIN.so FOLDER NOW grow SEQ         one more row, of /usr/bin/late, in batch SEQ (from 100 on)
 *   seed PLUGIN.so FOLDER NOW fleet FIRST N    the machines so many of alpha, beta and gamma, from the FIRST on; to
 *                                              addresses in several countries and in none
 * OPTION=VALUE at the end: the plugin's, of a server.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/month.h"
#include "tests/sinks/batches.h"

#define HOUR 3600
#define LONG_NAME (100 * 1024)

static const struct ps_plugin *plugin;
static struct ps_ctx ctx;

static struct ps_text text(struct made *m, const char *s)
{
	return made_text(m, s, strlen(s));
}

static uint32_t program(struct made *m, const char *path, const char *cmdline)
{
	const char *slash = strrchr(path, '/');

	return made_exe(m, text(m, path), text(m, slash + 1), text(m, cmdline));
}

static struct ps_traffic *traffic(struct made *m, int64_t at, uint32_t exe, uint64_t sent, uint64_t received)
{
	struct ps_traffic *t = &made_traffic(m, at)->traffic;

	t->exe = exe;
	t->sent = sent;
	t->received = received;
	t->direction = PS_DIRECTION_OUT;
	return t;
}

static void put_usual(struct made *m, int64_t now)
{
	uint32_t curl = program(m, "/usr/bin/curl", "curl https://www.example.com/file");
	uint32_t firefox = program(m, "/usr/lib/firefox/firefox", "firefox");
	uint32_t sshd = program(m, "/usr/sbin/sshd", "sshd: user");
	uint32_t wget = program(m, "/usr/bin/wget", "wget https://old.example.org/");
	uint32_t shell = program(m, "/bin/bash", "bash");
	uint32_t www = made_domain(m, text(m, "com.example.www")), mozilla = made_domain(m, text(m, "org.mozilla.www"));
	uint32_t container = made_place(m, "0123456789ab");
	static const uint8_t there[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	struct ps_traffic *t;
	struct ps_record *r;

	for (int i = 0; i < 6; i++) {
		t = traffic(m, now - HOUR + i * 600, curl, 1000, 100000U * (unsigned)(i + 1));
		t->parent = shell;
		t->domain = www;
		t->domain_source = PS_DOMAIN_DNS;
	}
	t = traffic(m, now - 2 * HOUR, firefox, 20000, 3000);
	t->domain = mozilla;
	t->domain_source = PS_DOMAIN_SNI;
	t->family = AF_INET6;
	t->raddr.family = t->laddr.family = AF_INET6;
	memcpy(t->raddr.bytes, there, sizeof(there));
	t->place = container;
	for (uint8_t i = 0; i < 2; i++) {
		t = traffic(m, now - 30, sshd, 20, 30);
		t->lport = 22;
		t->rport = 5555 + i;
		t->raddr.bytes[3] = (uint8_t)(8 + i);
		t->direction = PS_DIRECTION_IN;
		t->uid = 0;
	}
	traffic(m, now - 40 * HOUR, wget, 5000, 7000);
	r = made_alert(m, now - 20 * HOUR, "the flow table was full");
	r->alert.sent = 1500;
	r->alert.received = 20;
	r = made_verdict(m, now - HOUR, "wget is suspicious");
	memcpy(r->finding.sha256, m->exes[firefox].sha256, sizeof(r->finding.sha256));
	r = made_verdict(m, now - HOUR, "curl is clean");
	memcpy(r->finding.sha256, m->exes[curl].sha256, sizeof(r->finding.sha256));
	r->finding.state = PS_FINDING_CLEAN;
}

/* A program in a container, under a parent of its own, with two contents, of which the second is suspicious. */
static void put_find(struct made *m, int64_t now)
{
	static const char path[] = "/opt/backup/bin/uploader";
	int64_t then = now - 7 * 24 * HOUR;
	uint32_t first = program(m, path, "uploader --all"), second = program(m, path, "uploader --all");
	uint32_t cron = program(m, "/usr/sbin/nightly-cron", "nightly-cron");
	uint32_t markup = program(m, "/opt/<b>x</b>/<img src=x onerror=alert(1)>", "<script>alert(1)</script>");
	uint32_t upload = made_domain(m, text(m, "test.example.upload")), place = made_place(m, "backup-1");
	struct ps_traffic *t;
	struct ps_record *r;

	memset(m->exes[first].sha256, 0xe1, sizeof(m->exes[first].sha256));
	memset(m->exes[second].sha256, 0xe2, sizeof(m->exes[second].sha256));
	for (int i = 0; i < 40; i++) {
		t = traffic(m, then + i * 60, i < 20 ? first : second, 25000000 + (uint64_t)i * 1000000, 2000);
		t->parent = cron;
		t->place = place;
		t->domain = upload;
		t->domain_source = PS_DOMAIN_DNS;
		t->raddr.bytes[3] = 77;
	}
	for (unsigned i = 0; i < 2; i++) {
		r = made_program(m, then + i * 1200, i ? "new contents" : "new executable");
		r->program.exe = i ? second : first;
		r->program.event = i ? PS_PROGRAM_NEW_HASH : PS_PROGRAM_NEW_EXE;
		r->program.role = PS_ROLE_SELF;
		r->program.expected = 0;
		memset(r->program.previous, i ? 0xe1 : 0, sizeof(r->program.previous));
	}
	r = made_verdict(m, then + 1300, "4 of 72 engines find it malicious");
	memcpy(r->finding.sha256, m->exes[second].sha256, sizeof(r->finding.sha256));
	r->finding.path = made_domain(m, text(m, path));
	traffic(m, now - HOUR, markup, 1000, 2000)->domain = made_domain(m, text(m, "test.<b>example</b>"));
	r = made_program(m, now - HOUR, "new executable <b>x</b>");
	r->program.exe = markup;
	made_alert(m, now - HOUR, "the flow map was full: <b>some</b> was not counted");
}

/* What could be shown of a record, all of it hostile. */
static void put_hostile(struct made *m, int64_t now)
{
	static const char evil[] =
	    "/opt/\xcc\x81\xcc\x81\xcc\x81\xe6\x97\xa5\xe6\x9c\xac\xe2\x80\xaegnp\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd"
	    "\x1b[2J\x1b]0;x\x07\n\t\x9b"
	    "31m\xff\xfe\xe2\x80\x8b\xef\xb8\x8f";
	struct ps_text name = made_text(m, evil, sizeof(evil) - 1);
	char *many = mem_alloc(LONG_NAME);
	struct ps_place *place;
	struct ps_traffic *t;
	uint32_t exe;

	for (size_t i = 0; i < LONG_NAME; i++)
		many[i] = evil[i % (sizeof(evil) - 1)];
	exe = made_exe(m, name, name, made_text(m, many, LONG_NAME));
	m->exes[exe].script = name;
	t = traffic(m, now - 60, exe, 1ULL << 62, 1ULL << 62);
	t->parent = t->grandparent = exe;
	t->domain = made_domain(m, name);
	t->place = made_place(m, "0123456789ab");
	place = &m->places[t->place];
	place->cgroup = place->unit = place->slice = place->engine = place->container = place->pod = name;
	made_domain(m, name);
	m->batch.hostname = name;
	made_alert(m, now - 60, "x")->alert.text = m->batch.n_texts - 2;
	free(many);
}

/* What a machine of a fleet does, by its number: so that no two of them have the same sums. */
static void put_machine(struct made *m, int64_t now, unsigned number)
{
	static const uint8_t there[][4] = {{1, 0, 0, 1}, {8, 8, 8, 8}, {10, 0, 0, 1}, {127, 0, 0, 1}, {11, 0, 0, 1}};
	char own[32];
	uint32_t agent = program(m, "/usr/bin/agent", "agent --push"), alone;
	struct ps_traffic *t;
	struct ps_record *r;

	put_usual(m, now);
	snprintf(own, sizeof(own), "/usr/bin/only-%u", number);
	alone = program(m, own, "only here");
	for (unsigned i = 0; i < sizeof(there) / sizeof(*there); i++) {
		t = traffic(m, now - HOUR - (int64_t)i * 60, agent, 1000 * (number + 1) + i, 10 * (number + 1));
		memcpy(t->raddr.bytes, there[i], sizeof(there[i]));
		t->uid = 1000 + number;
	}
	traffic(m, now - HOUR, alone, 77 * (number + 1), 7);
	r = made_program(m, now - HOUR, "new executable");
	r->program.exe = alone;
	r->program.event = PS_PROGRAM_NEW_EXE;
	made_audit(m, now - HOUR)->audit.netns = 4026531840U + number;
}

static int put(struct made *m)
{
	void *self;
	int r;

	if (plugin->sink->open(&fake_host, &ctx, &self) != PS_STORED)
		return -1;
	r = plugin->sink->write(self, &m->batch) == PS_STORED ? 0 : -1;
	while (r == 0 && plugin->sink->idle && plugin->sink->idle(self) < 1000)
		;
	plugin->sink->close(self);
	return r;
}

/* As a fleet's machines have them; for SQLite, whose file is of one machine, they are batches of that. */
static int put_fleet(int64_t now, uint64_t first, uint64_t n)
{
	static const char *const names[] = {"alpha", "beta", "gamma"};
	int r = 0;

	for (unsigned i = (unsigned)first; i < first + n && i < sizeof(names) / sizeof(*names) && r == 0; i++) {
		struct made m;

		made_init(&m, 1 + i);
		memset(m.batch.host, (int)i + 1, sizeof(m.batch.host));
		m.batch.hostname = text(&m, names[i]);
		put_machine(&m, now, i);
		r = put(&m);
		made_done(&m);
	}
	return r;
}

static void take_options(int *argc, char **argv)
{
	while (*argc > 5 && strchr(argv[*argc - 1], '=')) {
		char *option = argv[--*argc], *equals = strchr(option, '=');

		*equals = 0;
		fake_set(&ctx, option, equals + 1);
	}
}

int main(int argc, char **argv)
{
	int64_t now, took, longest;
	uint64_t seq = 1;
	struct made m;
	int r;

	if (argc < 5)
		return 2;
	plugin = fake_load(argv[1]);
	now = strtoll(argv[3], NULL, 10);
	fake_init(&ctx, plugin, argv[2], 0);
	take_options(&argc, argv);
	if (strcmp(plugin->name, "sqlite") == 0)
		fake_set(&ctx, "retention", "0");
	fake_files(&ctx);
	if (argc > 5)
		seq = strtoull(argv[5], NULL, 10);
	if (strcmp(argv[4], "month") == 0) {
		r = month_put(plugin, &ctx, now, argc > 5 ? strtoll(argv[5], NULL, 10) : 1000, &took, &longest);
	} else if (strcmp(argv[4], "fleet") == 0) {
		r = argc > 6 ? put_fleet(now, seq, strtoull(argv[6], NULL, 10)) : -1;
	} else {
		made_init(&m, seq);
		if (strcmp(argv[4], "usual") == 0)
			put_usual(&m, now);
		else if (strcmp(argv[4], "hostile") == 0)
			put_hostile(&m, now);
		else if (strcmp(argv[4], "find") == 0)
			put_find(&m, now);
		else if (strcmp(argv[4], "grow") == 0)
			traffic(&m, now, program(&m, "/usr/bin/late", "late"), 1000000000, 1);
		r = put(&m);
		made_done(&m);
	}
	if (r < 0)
		fprintf(stderr, "seed: %s\n", ctx.why);
	fake_done(&ctx);
	return r < 0;
}

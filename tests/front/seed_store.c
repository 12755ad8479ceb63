/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A store to look at: a month of many rows, and what a person would want to find in it.
 *   seed_store PLUGIN.so FOLDER ROWS NOW     the sqlite sink's file in FOLDER, whose path is printed; ROWS -1: it stays
 * empty Beside the rows of month.h: at NOW - 7 days a program in a container, under a parent of its own, with two
 * contents, the second of which is suspicious, and what is told of it; an hour ago what was lost, and names as of
 * made_hostile().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sinks/batches.h"
#include "tests/sinks/fake_host.h"
#include "tests/sinks/month.h"

static uint32_t program(struct made *m, const char *path, const char *name, const char *cmdline, uint8_t hash)
{
	uint32_t exe = made_exe(m, made_text(m, path, strlen(path)), made_text(m, name, strlen(name)),
	                        made_text(m, cmdline, strlen(cmdline) + 1));

	memset(m->exes[exe].sha256, hash, sizeof(m->exes[exe].sha256));
	return exe;
}

/* What was at that time, and who started it. */
static void put_find(struct made *m, int64_t then)
{
	uint32_t first = program(m, "/opt/backup/bin/uploader", "uploader", "uploader", 0xe1);
	uint32_t second = program(m, "/opt/backup/bin/uploader", "uploader", "uploader", 0xe2);
	uint32_t parent = program(m, "/usr/sbin/nightly-cron", "nightly-cron", "nightly-cron", 0xe3);
	uint32_t place = made_place(m, "backup-1");
	uint32_t domain = made_domain(m, made_text(m, "test.example.upload", 19));
	struct ps_record *r;

	for (unsigned i = 0; i < 40; i++) {
		struct ps_traffic *t = &made_traffic(m, then + i * 60)->traffic;

		t->exe = i < 20 ? first : second;
		t->parent = parent;
		t->place = place;
		t->domain = domain;
		t->domain_source = PS_DOMAIN_DNS;
		t->raddr.bytes[3] = 77;
		t->sent = 250000000 + i * 1000000;
	}
	r = made_program(m, then, "new executable /opt/backup/bin/uploader");
	r->program.exe = first;
	r->program.event = PS_PROGRAM_NEW_EXE;
	r->program.role = PS_ROLE_SELF;
	r->program.expected = 0;
	r = made_program(m, then + 1200, "new contents of /opt/backup/bin/uploader");
	r->program.exe = second;
	r->program.role = PS_ROLE_SELF;
	r->program.expected = 0;
	memset(r->program.previous, 0xe1, sizeof(r->program.previous));
	r = made_verdict(m, then + 1300, "4 of 72 engines find it malicious");
	memset(r->finding.sha256, 0xe2, sizeof(r->finding.sha256));
	r->finding.path = made_domain(m, made_text(m, "/opt/backup/bin/uploader", 24));
}

static int put_all(const struct ps_plugin *plugin, struct ps_ctx *ctx, void *self, int64_t now, int64_t rows)
{
	struct made m;

	if (month_fill(plugin, ctx, self, now, rows) < 0)
		return -1;
	made_init(&m, 2);
	put_find(&m, now - 7 * 86400);
	if (plugin->sink->write(self, &m.batch) != PS_STORED)
		return -1;
	made_done(&m);
	made_hostile(&m, 3, now - 3600);
	made_program(&m, now - 3600, "new executable <img src=x onerror=alert(1)>")->program.exe = 1;
	made_alert(&m, now - 3600, "the flow map was full: <b>some</b> was not counted");
	if (plugin->sink->write(self, &m.batch) != PS_STORED)
		return -1;
	made_done(&m);
	return 0;
}

int main(int argc, char **argv)
{
	const struct ps_plugin *plugin;
	static struct ps_ctx ctx;
	int64_t now, rows;
	void *self;

	if (argc < 5)
		return 2;
	rows = strtoll(argv[3], NULL, 10);
	now = strtoll(argv[4], NULL, 10);
	plugin = fake_load(argv[1]);
	fake_init(&ctx, plugin, argv[2], 0);
	fake_set(&ctx, "retention", "0");
	fake_files(&ctx);
	if (plugin->sink->open(&fake_host, &ctx, &self) != PS_STORED)
		return 1;
	if (rows >= 0 && put_all(plugin, &ctx, self, now, rows) < 0)
		return 1;
	month_sum_up(plugin, self);
	puts(fake_host.text(&ctx, "file"));
	plugin->sink->close(self);
	fake_done(&ctx);
	return 0;
}

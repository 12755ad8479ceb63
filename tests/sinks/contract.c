/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every sink promises, against one built plugin:
 *   contract PLUGIN.so [OPTION=VALUE]...
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/config/option.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/expect.h"
#include "tests/tap.h"

#define LARGE 16384 /* records of a batch that takes a while */
#define KILLS 12

static const struct ps_plugin *plugin;
static struct ps_ctx ctx;
static struct stored want; /* what must be there by now */
static int64_t now;

/* Hands over what the sink wants, as the core does. */
static enum ps_verdict put(void *self, const struct ps_batch *batch)
{
	struct ps_record *records = mem_alloc(batch->n_records * sizeof(*records));
	struct ps_batch wanted = *batch;
	enum ps_verdict verdict;

	wanted.n_records = 0;
	for (uint32_t i = 0; i < batch->n_records; i++)
		if (batch->records[i].kind & plugin->sink->kinds)
			records[wanted.n_records++] = batch->records[i];
	wanted.records = records;
	verdict = plugin->sink->write(self, &wanted);
	free(records);
	return verdict;
}

static void check_stored(const char *when)
{
	struct stored got;

	if (!ok(expect_read(&ctx, &got) == 0, "%s: what is stored can be read", when))
		return;
	is_int(got.rows, want.rows, "%s: rows", when);
	if (got.sent >= 0)
		is_int(got.sent, want.sent, "%s: bytes sent", when);
	if (expect_kind(&ctx, PS_ALERT))
		is_int(got.alerts, want.alerts, "%s: alerts", when);
	if (expect_kind(&ctx, PS_AUDIT))
		is_int(got.audits, want.audits, "%s: audits", when);
	if (expect_kind(&ctx, PS_PROGRAM))
		is_int(got.programs, want.programs, "%s: programs", when);
	if (expect_kind(&ctx, PS_VERDICT))
		is_int(got.verdicts, want.verdicts, "%s: verdicts", when);
	if (got.hostile >= 0)
		is_int(got.hostile, want.hostile, "%s: hostile paths, byte for byte", when);
	is_int(got.broken, 0, "%s: nothing is broken", when);
}

static void *open_sink(void)
{
	void *self = NULL;

	is_int(plugin->sink->open(&fake_host, &ctx, &self), PS_STORED, "it opens");
	if (!self) {
		printf("Bail out! %s\n", ctx.why);
		exit(1);
	}
	return self;
}

static void test_declaration(void)
{
	const struct ps_option *o = plugin->options;

	ok(plugin->name && plugin->about && plugin->options && plugin->sink, "it says what it is");
	for (; o->key; o++) {
		int64_t number;
		const char *wrong = o->fallback ? option_parse(o, o->fallback, &number) : NULL;

		ok(o->help && !wrong, "option %s has help and a good default", o->key);
	}
	ok(plugin->sink->open && plugin->sink->write && plugin->sink->close, "it has what a sink must have");
	ok(!plugin->sink->check || plugin->sink->check(&fake_host, &ctx) == PS_STORED, "its options are good");
}

static void test_once(void *self)
{
	struct made m;

	made_usual(&m, 1, 100, now);
	is_int(put(self, &m.batch), PS_STORED, "a batch is stored");
	want.rows += 100;
	want.sent += 100 * 1000;
	check_stored("one batch");
	is_int(put(self, &m.batch), PS_STORED, "the same batch is accepted again");
	check_stored("same batch twice");
	made_done(&m);

	made_init(&m, 2);
	is_int(put(self, &m.batch), PS_STORED, "a batch without records is stored");
	made_done(&m);

	made_init(&m, 3);
	made_alert(&m, now, "no room in the flow map\n2026-01-01 forged");
	made_alert(&m, now, "");
	made_audit(&m, now);
	made_verdict(&m, now, "suspicious");
	made_program(&m, now, "/bin/a was changed")->program.place = made_place(&m, "pod");
	is_int(put(self, &m.batch), PS_STORED, "a batch without traffic is stored");
	is_int(put(self, &m.batch), PS_STORED, "and accepted again");
	want.alerts += 2;
	want.audits++;
	want.programs++;
	want.verdicts++;
	made_done(&m);
	check_stored("alerts");
}

static void test_hostile(void *self)
{
	struct ps_record *r;
	struct made m;

	made_hostile(&m, 4, now);
	is_int(put(self, &m.batch), PS_STORED, "hostile text is stored");
	is_int(put(self, &m.batch), PS_STORED, "once");
	made_done(&m);
	want.rows += 2;
	want.sent += 2000;
	want.hostile += 2; /* both records are of that program */
	check_stored("hostile text");

	made_init(&m, 5);
	r = made_traffic(&m, now);
	r->traffic.sent = r->traffic.received = r->traffic.calls = UINT64_MAX;
	r->traffic.uid = r->traffic.netns = UINT32_MAX;
	r->traffic.family = r->traffic.protocol = 255;
	r->traffic.lport = r->traffic.rport = -1;
	r->traffic.laddr.family = r->traffic.raddr.family = 0;
	r->end_ns = INT64_MAX;
	made_alert(&m, now, "x")->alert = (struct ps_alert){UINT32_MAX, 1, UINT64_MAX, UINT64_MAX, UINT64_MAX};
	memset(&made_audit(&m, now)->audit, 0xff, sizeof(struct ps_audit));
	r = made_program(&m, now, "\xff");
	r->program.uid = UINT32_MAX;
	r->program.event = r->program.role = r->program.expected = 255;
	is_int(put(self, &m.batch), PS_STORED, "the largest numbers are stored");
	made_done(&m);
	want.rows++;
	want.alerts++;
	want.audits++;
	want.programs++;
}

static void test_idle(void *self)
{
	char line[200] = "";
	int64_t next = 0;

	for (int i = 0; plugin->sink->idle && i < 1000 && next >= 0 && next < 1000; i++)
		next = plugin->sink->idle(self);
	ok(!plugin->sink->idle || next < 0 || next >= 1000, "upkeep comes to an end");
	if (plugin->sink->stats) {
		plugin->sink->stats(self, line, sizeof(line));
		ok(*line && !strchr(line, '\n'), "it tells its state in a line: %s", line);
	}
	check_stored("upkeep");
}

/* In a child: opens, says so, writes, and is gone without a word. */
static pid_t spawn_writer(const struct ps_batch *batch, int ready)
{
	pid_t pid = fork();
	void *self;

	if (pid)
		return pid;
	if (plugin->sink->open(&fake_host, &ctx, &self) == PS_STORED && write(ready, "", 1) == 1)
		put(self, batch);
	kill(getpid(), SIGKILL);
	_exit(1);
}

/* Kills after `ns` of writing; -1: when it is done. True if it was killed. */
static int killed_writer(const struct ps_batch *batch, int64_t ns)
{
	int ready[2], status = 0;
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return 0;
	pid = spawn_writer(batch, ready[1]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) == 1 && ns >= 0) {
		nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
		kill(pid, SIGKILL);
	}
	close(ready[0]);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void test_kill(void)
{
	int64_t took = clock_monotonic_ns();
	struct made m;
	void *self;

	made_usual(&m, 6, LARGE, now);
	ok(killed_writer(&m.batch, -1), "killed after write, before the answer is out");
	took = clock_monotonic_ns() - took;
	self = open_sink();
	is_int(put(self, &m.batch), PS_STORED, "the batch comes again");
	plugin->sink->close(self);
	want.rows += LARGE;
	want.sent += LARGE * 1000;
	check_stored("killed after write");
	made_done(&m);

	for (int i = 0; i < KILLS; i++) {
		int64_t after = took * i / KILLS;

		made_usual(&m, 7 + (uint64_t)i, LARGE, now);
		ok(killed_writer(&m.batch, after < 999999999 ? after : 999999999), "killed %lld us into writing",
		   (long long)after / 1000);
		self = open_sink();
		is_int(put(self, &m.batch), PS_STORED, "the batch comes again");
		plugin->sink->close(self);
		want.rows += LARGE;
		want.sent += LARGE * 1000;
		made_done(&m);
	}
	check_stored("killed while writing");
}

/* No file may grow beyond a little: writing fails in the middle. */
static int full_by_limit(const struct ps_batch *batch)
{
	struct rlimit limit = {64 * 1024, 64 * 1024};
	void *self = NULL;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		enum ps_verdict verdict = plugin->sink->open(&fake_host, &ctx, &self);

		signal(SIGXFSZ, SIG_IGN);
		if (verdict == PS_STORED && setrlimit(RLIMIT_FSIZE, &limit) == 0)
			verdict = put(self, batch);
		_exit((int)verdict);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* It writes to no file of this machine: its server's own are another test's. */
static int is_remote(void)
{
	return option_find(plugin->options, "host") != NULL;
}

static void test_full(void)
{
	struct made m;
	void *self;
	int verdict;

	made_usual(&m, 100, LARGE, now);
	verdict = full_by_limit(&m.batch);
	if (strcmp(plugin->name, "example") == 0) {
		skip("the example's file does not grow");
		made_done(&m);
		return;
	}
	is_int(verdict, PS_AWAY, "no room: the destination is away");
	check_stored("no room");
	self = open_sink();
	is_int(put(self, &m.batch), PS_STORED, "with room, the batch is stored");
	want.rows += LARGE;
	want.sent += LARGE * 1000;
	plugin->sink->close(self);
	check_stored("room again");
	made_done(&m);
}

/* A disk of its own, so small that it fills up; the same sink goes on when there is room. */
static int full_disk(void)
{
	static char room[100 * 1024];
	char path[128];
	struct made m;
	void *self;
	uint64_t seq = 1;
	int fd, away = 0, failed = 0;
	enum ps_verdict verdict;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", ctx.dir, "tmpfs", 0, "size=600k,mode=755") < 0)
		return 77;
	fake_files(&ctx);
	snprintf(path, sizeof(path), "%s/ballast", ctx.dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	if (fd < 0 || write(fd, room, sizeof(room)) != (ssize_t)sizeof(room) || close(fd) < 0)
		return 1;
	if (plugin->sink->open(&fake_host, &ctx, &self) != PS_STORED)
		return 2;
	want = (struct stored){0};
	for (; seq < 200 && !away && !failed; seq++) {
		made_usual(&m, seq, 500, now);
		verdict = put(self, &m.batch);
		away = verdict == PS_AWAY;
		failed = verdict != PS_STORED && !away;
		want.rows += verdict == PS_STORED ? 500 : 0;
		made_done(&m);
	}
	if (!away || failed)
		return 3;
	unlink(path);
	made_usual(&m, seq - 1, 100, now);
	if (put(self, &m.batch) != PS_STORED)
		return 4;
	want.rows += 100;
	made_done(&m);
	plugin->sink->close(self);
	{
		struct stored got;

		if (expect_read(&ctx, &got) < 0 || got.rows != want.rows || got.broken)
			return 5;
	}
	return 0;
}

static void test_full_disk(void)
{
	int status = 0;
	pid_t pid;

	if (strcmp(plugin->name, "example") == 0) {
		skip("the example's file does not grow");
		return;
	}
	pid = fork();
	if (pid == 0)
		_exit(full_disk());
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip("no mount namespace here: run as root");
	else
		is_int(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0, "a full disk: away, nothing half, then stored");
}

/* The file has gone, or the user that sinks run as may not have it: never a crash, never a lie. */
static void test_no_file(void)
{
	struct made m;
	const char *dir = ctx.dir;
	void *self = NULL;
	int verdict;

	ctx.dir = "/nonexistent";
	fake_set(&ctx, "file", "file");
	verdict = plugin->sink->open(&fake_host, &ctx, &self);
	ok(verdict == PS_AWAY || verdict == PS_MISCONFIGURED, "without its folder it does not open");
	ok(*ctx.why, "and says why");
	ctx.dir = dir;
	fake_set(&ctx, "file", "other");
	fake_files(&ctx);
	self = open_sink();
	made_usual(&m, 1, 10, now);
	is_int(put(self, &m.batch), PS_STORED, "with it, it stores");
	made_done(&m);
	plugin->sink->close(self);
}

static void test_no_server(void)
{
	char *host = mem_strdup(fake_host.text(&ctx, "host"));
	void *self = NULL;

	fake_set(&ctx, "host", "/nonexistent/socket");
	*ctx.why = 0;
	is_int(plugin->sink->open(&fake_host, &ctx, &self), PS_AWAY, "without its server it is away");
	ok(*ctx.why, "and says why");
	fake_set(&ctx, "host", host);
	self = open_sink();
	plugin->sink->close(self);
	free(host);
}

int main(int argc, char **argv)
{
	void *self;

	if (argc < 2) {
		fprintf(stderr, "usage: contract PLUGIN.so [OPTION=VALUE]...\n");
		return 2;
	}
	now = clock_wall_ns() / NS_PER_S;
	plugin = fake_load(argv[1]);
	fake_init(&ctx, plugin, fake_dir(), 0);
	for (int i = 2; i < argc; i++) {
		char *equals = strchr(argv[i], '=');

		if (!equals)
			return 2;
		*equals = 0;
		fake_set(&ctx, argv[i], equals + 1);
	}
	fake_files(&ctx);
	test_declaration();
	self = open_sink();
	test_once(self);
	test_hostile(self);
	plugin->sink->close(self);
	self = open_sink();
	test_idle(self);
	plugin->sink->close(self);
	test_kill();
	if (is_remote()) {
		test_no_server();
	} else {
		test_full();
		test_full_disk();
		test_no_file();
	}
	fake_done(&ctx);
	return tap_done();
}

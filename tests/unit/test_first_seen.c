/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is seen for the first time: what is noted, when, and what becomes of it. */
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/sha256.h"
#include "core/delivery/codec.h"
#include "core/ledger/ledger.h"
#include "core/query/rows.h"
#include "tests/tap.h"
#include "tests/unit/scratch.h"
#include "tests/unit/watch_fixture.h"

struct desk {
	struct fixture f;
	struct losses *losses;
	struct ledger *ledger;
	struct first_seen *first;
};

static void desk_open(struct desk *d, struct memory *memory)
{
	static const struct ledger_origin origin = {{1}, {2}, "host"};

	fixture_open(&d->f);
	d->losses = losses_open();
	d->ledger = ledger_open(d->f.processes, d->f.executables, d->losses, &origin, codec_encode, 100000);
	d->first = first_seen_open(d->f.processes, d->losses);
	ledger_ask(d->ledger, d->first);
	if (memory)
		first_seen_loaded(d->first, memory);
}

static void desk_close(struct desk *d)
{
	first_seen_close(d->first);
	ledger_close(d->ledger);
	losses_close(d->losses);
	fixture_close(&d->f);
}

static void talk(struct desk *d, struct wire_image who)
{
	struct observation o = {
	    .image = who, .uid = 7, .family = AF_INET, .protocol = 6, .rport = 443, .sent = 1, .calls = 1};

	ledger_add(d->ledger, &o);
}

static void next_window(struct desk *d)
{
	struct buf *batches;
	int64_t end_ns;

	for (size_t n = ledger_end_window(d->ledger, 1, &batches, &end_ns); n-- > 0;)
		buf_done(&batches[n]);
	free(batches);
}

/* An exec of a file that has that content. */
static void exec_file(struct desk *d, struct wire_image who, const char *name, const char *content)
{
	struct process_event e = {.kind = WIRE_EXEC, .image = who, .comm = name, .filename = "?"};
	char *path = scratch_path(name);
	struct executed executed;

	scratch_write(path, content, strlen(content), 0755);
	e.file = file_of(path);
	executables_opened(d->f.executables, (pid_t)who.tgid, open(path, O_RDONLY | O_CLOEXEC), EXEC_OPENED);
	if (executables_executed(d->f.executables, (pid_t)who.tgid, &e.file, clock_wall_ns(), NULL, &executed))
		processes_event(d->f.processes, &e, &executed);
	free(path);
}

static void wait_hashes(struct desk *d)
{
	struct executables_stats stats;

	do {
		uv_run(&d->f.loop, UV_RUN_ONCE);
		executables_get_stats(d->f.executables, &stats);
	} while (stats.waiting);
}

/* What came, a line each: event, role, path, and the first byte of both hashes if there are any. */
struct came {
	struct buf lines, text, log;
	unsigned records, batches;
};

static void on_note(void *arg, const struct first_note *note)
{
	struct came *c = arg;

	first_note_line(note, &c->log);
	buf_put_u8(&c->log, '\n');
}

static void decode(struct came *c, struct buf *encoded)
{
	static const uint8_t previous[PS_DIGEST_SIZE];
	uint8_t digest[PS_DIGEST_SIZE];
	const struct ps_batch *b;
	struct arena arena;
	const char *why = "";

	arena_init(&arena);
	codec_seal(encoded->data, encoded->len, 1, previous, rows_digest, digest);
	b = codec_decode(encoded->data, encoded->len, &arena, &why);
	if (!b)
		ok(0, "a batch decodes: %s", why);
	for (uint32_t i = 0; b && i < b->n_records; i++) {
		const struct ps_program *g = &b->records[i].program;
		const struct ps_exe *exe = &b->exes[g->exe];

		c->records += b->records[i].kind == PS_PROGRAM;
		buf_printf(&c->lines, "%u %u%s %s < %s", g->event, g->role, g->expected ? " expected" : "", exe->path.data,
		           b->exes[g->parent].path.data);
		if (exe->hash_state == PS_HASH_OK)
			buf_printf(&c->lines, " %02x", exe->sha256[0]);
		if (g->previous[0])
			buf_printf(&c->lines, " was %02x", g->previous[0]);
		buf_put_u8(&c->lines, '\n');
		buf_printf(&c->text, "%s\n", b->texts[g->text].data);
	}
	arena_done(&arena);
}

static void came_open(struct came *c, struct desk *d)
{
	struct buf *batches;

	*c = (struct came){0};
	c->batches = (unsigned)ledger_programs(d->ledger, &batches, on_note, c);
	for (unsigned i = 0; i < c->batches; i++) {
		decode(c, &batches[i]);
		buf_done(&batches[i]);
	}
	free(batches);
	buf_put_u8(&c->lines, 0);
	buf_put_u8(&c->text, 0);
	buf_put_u8(&c->log, 0);
}

static void came_close(struct came *c)
{
	buf_done(&c->lines);
	buf_done(&c->text);
	buf_done(&c->log);
}

/* Compares what came, and forgets it. */
static void is_came(struct desk *d, const char *want, const char *what)
{
	struct came c;

	came_open(&c, d);
	is_str((char *)c.lines.data, want, "%s", what);
	came_close(&c);
}

static void test_lineage(void)
{
	struct wire_image init = image(1, 1), shell = image(2, 2), who = image(3, 2);
	struct desk d;
	struct came c;

	desk_open(&d, memory_open());
	exec_event(&d.f, init, image(0, 0), "/sbin/init", "", 0, 0);
	fork_event(&d.f, init, image(2, 1));
	exec_event(&d.f, shell, init, "/bin/sh", "", 0, 0);
	fork_event(&d.f, shell, image(3, 1));
	exec_event(&d.f, who, shell, "/bin/prog", "", 0, 0);
	is_came(&d, "", "who only runs is not noted");
	talk(&d, who);
	came_open(&c, &d);
	is_str((char *)c.lines.data, "1 0 /bin/prog < /bin/sh\n1 1 /bin/sh < /sbin/init\n1 2 /sbin/init < \n",
	       "who talks, and its parents, at once");
	is_str((char *)c.text.data,
	       "new executable: /bin/prog (name), started by /bin/sh\n"
	       "new executable, of a parent: /bin/sh (name), started by /sbin/init\n"
	       "new executable, of a grandparent: /sbin/init (name)\n",
	       "with a line for people");
	ok(strncmp((char *)c.log.data + 20, "\tnew_exe\tself\tname\t/bin/prog\t-\t-\t/bin/sh\t7\t-\n", 45) == 0,
	   "and one for exe.log: %.70s", (char *)c.log.data);
	ok(c.batches == 1 && c.records == 3, "in one batch, without the window's rows");
	came_close(&c);
	talk(&d, who);
	next_window(&d);
	talk(&d, who);
	is_came(&d, "", "once");
	next_window(&d);
	talk(&d, shell);
	is_came(&d, "1 0 /bin/sh < /sbin/init\n", "a parent that talks itself");
	desk_close(&d);
}

static void test_hashes(void)
{
	char want[256];
	uint8_t one[32], two[32];
	char *path = scratch_path("prog");
	struct desk d;

	sha256_bytes("one", 3, one);
	sha256_bytes("two", 3, two);
	desk_open(&d, memory_open());
	exec_file(&d, image(1, 1), "prog", "one");
	talk(&d, image(1, 1));
	first_seen_check(d.first, 0);
	is_came(&d, "", "a new executable waits for its hash");
	wait_hashes(&d);
	ok(!first_seen_check(d.first, 0), "then nobody waits");
	snprintf(want, sizeof(want), "1 0 %s <  %02x\n", path, one[0]);
	is_came(&d, want, "and is told with it");
	exec_file(&d, image(2, 1), "prog", "two");
	talk(&d, image(2, 1));
	wait_hashes(&d);
	first_seen_check(d.first, 0);
	snprintf(want, sizeof(want), "3 0 %s <  %02x was %02x\n", path, two[0], one[0]);
	is_came(&d, want, "a changed one, with both hashes");
	exec_file(&d, image(3, 1), "prog", "one");
	talk(&d, image(3, 1));
	wait_hashes(&d);
	first_seen_check(d.first, 0);
	is_came(&d, "", "the old one again is not new");

	exec_file(&d, image(4, 1), "slow", "slow");
	talk(&d, image(4, 1));
	ok(first_seen_check(d.first, 0), "who waits is looked at again soon");
	first_seen_check(d.first, 1);
	free(path);
	path = scratch_path("slow");
	snprintf(want, sizeof(want), "1 0 %s < \n", path);
	is_came(&d, want, "at the end it is told without its hash");
	desk_close(&d);
	free(path);
}

static void test_loading(void)
{
	struct memory *memory = memory_open();
	struct memory_news news;
	struct desk d;

	memory_see(memory, &(struct memory_sighting){{"/bin/known", 10}, {"name", 4}, PS_ROLE_SELF, NULL, 1}, &news);
	desk_open(&d, NULL);
	exec_event(&d.f, image(1, 1), image(0, 0), "/bin/known", "", 0, 0);
	exec_event(&d.f, image(2, 1), image(0, 0), "/bin/unknown", "", 0, 0);
	talk(&d, image(1, 1));
	talk(&d, image(2, 1));
	ok(first_seen_check(d.first, 0), "who is seen before the memory is loaded waits");
	is_came(&d, "", "and is not told");
	first_seen_loaded(d.first, memory);
	ok(!first_seen_check(d.first, 0), "until it is");
	is_came(&d, "1 0 /bin/unknown < \n", "then what is known is known");
	desk_close(&d);
}

static void test_changed(void)
{
	static const uint8_t now[32] = {0xab};
	struct lineage who;
	struct desk d;

	desk_open(&d, memory_open());
	exec_event(&d.f, image(1, 1), image(0, 0), "/bin/prog", "", 0, 0);
	processes_find(d.f.processes, &(struct wire_image){image(1, 1).start, image(1, 1).tgid, 1}, &who);
	first_seen_changed(d.first, &who, 7, PS_ROLE_SELF, false, PS_HASH_OK, now);
	is_came(&d, "", "the file of a program that never talked has changed: not noted");
	talk(&d, image(1, 1));
	is_came(&d, "1 0 /bin/prog < \n", "(it talks)");
	first_seen_changed(d.first, &who, 7, PS_ROLE_SELF, false, PS_HASH_OK, now);
	is_came(&d, "4 0 /bin/prog <  ab\n", "then it is, with what lies there now");
	first_seen_changed(d.first, &who, 7, PS_ROLE_PARENT, false, PS_HASH_GONE, NULL);
	is_came(&d, "4 1 /bin/prog < \n", "or without, if it is gone; of a parent as such");
	lineage_drop(d.f.processes, &who);
	desk_close(&d);
}

static void test_expected(void)
{
	struct memory *memory = memory_open();
	struct memory_exe *e = memory_add(memory, (struct ps_text){"/bin/prog", 9});
	struct desk d;

	e->expected = true;
	memory_settle(memory, e);
	desk_open(&d, memory);
	exec_event(&d.f, image(1, 1), image(0, 0), "/bin/prog", "", 0, 0);
	talk(&d, image(1, 1));
	is_came(&d, "1 0 expected /bin/prog < \n", "what was expected comes as such");
	desk_close(&d);
}

static void test_names(void)
{
	struct process_event e = {.kind = WIRE_EXEC, .image = image(1, 1)};
	struct desk d;
	struct came c;

	desk_open(&d, memory_open());
	e.filename = "/tmp/x\n2026-11-23T09:19:49Z\tnew_exe\t\x1b[2J\xff";
	e.comm = "a\tb\r\n\xe2\x80\xae";
	e.file.ino = 1;
	processes_event(d.f.processes, &e, NULL);
	talk(&d, image(1, 1));
	came_open(&c, &d);
	ok(!strpbrk((char *)c.log.data, "\r\x1b\xff") &&
	       strchr((char *)c.log.data, '\n') == strrchr((char *)c.log.data, '\n'),
	   "no name can forge a line of exe.log: %s", (char *)c.log.data);
	ok(strstr((char *)c.log.data, "\ta\\x09b\\x0d\\x0a\\xe2\\x80\\xae\t"),
	   "nor a field, and its bytes can be had back");
	ok(c.records == 1 && !strpbrk((char *)c.text.data, "\r\x1b\xff"), "nor a line for people");
	came_close(&c);

	e = (struct process_event){.kind = WIRE_EXEC, .image = image(2, 1), .comm = "kworker/3:1-eve", .filename = ""};
	processes_event(d.f.processes, &e, NULL);
	e = (struct process_event){.kind = WIRE_EXEC, .image = image(3, 1), .comm = "kworker/0:2", .filename = ""};
	processes_event(d.f.processes, &e, NULL);
	talk(&d, image(2, 1));
	talk(&d, image(3, 1));
	is_came(&d, "1 0  < \n", "kernel threads of one kind are one");
	talk(&d, image(9, 9));
	is_came(&d, "", "who is not known at all is not remembered");
	desk_close(&d);
}

static uint64_t lost(const struct desk *d)
{
	struct losses_total totals[32];
	size_t n = losses_totals(d->losses, totals, 32);

	for (size_t i = 0; i < n; i++)
		if (totals[i].stage == PS_STAGE_MEMORY)
			return totals[i].count;
	return 0;
}

static void test_flood(void)
{
	enum { MANY = MEMORY_EXES_MAX + 1000 };
	char path[32];
	struct desk d;
	struct came c;

	desk_open(&d, NULL);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "/bin/%u", i);
		exec_event(&d.f, image(1 + i, 1), image(0, 0), path, "", 0, 0);
		talk(&d, image(1 + i, 1));
	}
	is_int(lost(&d), MANY - FIRST_WAITING_MAX, "who cannot wait for the memory is counted");
	first_seen_loaded(d.first, memory_open());
	first_seen_check(d.first, 0);
	came_open(&c, &d);
	is_int(c.records, FIRST_WAITING_MAX, "the others are told");
	came_close(&c);
	next_window(&d);
	for (unsigned i = 0; i < MANY; i++)
		talk(&d, image(1 + i, 1));
	first_seen_check(d.first, 0);
	is_int(lost(&d), MANY - FIRST_WAITING_MAX + 1000, "and those that the memory forgets, for want of room");
	came_open(&c, &d);
	is_int(c.records, MANY - FIRST_WAITING_MAX, "each of the rest is told in the next window");
	came_close(&c);
	desk_close(&d);
}

int main(void)
{
	log_setup("test", LOG_LEVEL_ERROR, 0);
	scratch_make();
	test_lineage();
	test_hashes();
	test_loading();
	test_changed();
	test_expected();
	test_names();
	test_flood();
	scratch_remove();
	return tap_done();
}

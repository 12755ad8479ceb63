/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process table, from events alone. */
#include "tests/tap.h"
#include "tests/unit/watch_fixture.h"

/* No group of the kernel's has these numbers. */
#define BASE (1ULL << 60)

static void is_above(struct fixture *f, struct wire_image who, struct wire_image parent, struct wire_image grandparent,
                     const char *what)
{
	struct wire_image above[2] = {{0}};

	ok(processes_above(f->processes, &who, above) && memcmp(&above[0], &parent, sizeof(parent)) == 0 &&
	       memcmp(&above[1], &grandparent, sizeof(grandparent)) == 0,
	   "%s", what);
}

static void is_lineage(struct fixture *f, struct wire_image who, const char *self, const char *parent,
                       const char *grandparent, const char *what)
{
	struct lineage l;

	processes_find(f->processes, &who, &l);
	is_str(l.self->path.data, self, "%s: self", what);
	is_str(l.parent->path.data, parent, "%s: parent", what);
	is_str(l.grandparent->path.data, grandparent, "%s: grandparent", what);
	lineage_drop(f->processes, &l);
}

static void test_lineage(void)
{
	struct wire_image shell = image(1, 5), child = image(2, 5), curl = image(2, 6), worker = image(3, 6);
	struct processes_stats stats;
	struct lineage l;
	struct fixture f;

	fixture_open(&f);
	exec_event(&f, shell, image(0, 0), "/bin/sh", "", 0, 0);
	fork_event(&f, shell, child);
	is_lineage(&f, child, "/bin/sh", "/bin/sh", "", "a fork is what forked it");
	exec_event(&f, curl, shell, "/usr/bin/curl", "", 0, 0);
	is_lineage(&f, curl, "/usr/bin/curl", "/bin/sh", "", "after exec");
	is_lineage(&f, child, "/bin/sh", "/bin/sh", "", "bytes from before the exec are still the shell's");
	fork_event(&f, curl, worker);
	is_lineage(&f, worker, "/usr/bin/curl", "/usr/bin/curl", "/bin/sh", "a worker of curl");
	is_above(&f, worker, curl, shell, "which images these were");
	is_above(&f, curl, shell, image(0, 0), "they stay so when a process becomes another program");

	exit_event(&f, shell);
	processes_expire(f.processes);
	is_lineage(&f, shell, "/bin/sh", "", "", "an ended process is known for one drain more");
	processes_expire(f.processes);
	ok(!processes_find(f.processes, &shell, &l), "and is then forgotten");
	lineage_drop(f.processes, &l);
	is_lineage(&f, curl, "/usr/bin/curl", "/bin/sh", "", "its child still knows it");
	processes_get_stats(f.processes, &stats);
	is_int(stats.images, 2, "only the living are kept");
	is_int(stats.unknown, 1, "a look-up in vain is counted");

	/* The same number, another process. */
	ok(!processes_find(f.processes, &(struct wire_image){9999, PID + 2, 6}, &l), "a reused pid is another process");
	lineage_drop(f.processes, &l);
	fixture_close(&f);
}

static bool knows(struct fixture *f, struct wire_image who)
{
	struct lineage l;
	bool known = processes_find(f->processes, &who, &l);

	lineage_drop(f->processes, &l);
	return known;
}

static void test_connections(void)
{
	struct wire_image first = image(1, 1), second = image(2, 1);
	struct processes_stats stats;
	struct fixture f;

	fixture_open(&f);
	exec_event(&f, first, image(0, 0), "/bin/first", "", 0, 0);
	processes_connection(f.processes, &first, true, false);
	processes_connection(f.processes, &first, true, false);
	processes_connection(f.processes, &first, false, true);
	exit_event(&f, first);
	for (unsigned i = 0; i < 10; i++)
		processes_expire(f.processes);
	ok(knows(&f, first), "who has ended is known while a connection of his is open");
	ok(!processes_lives(f.processes, &first), "and does not live");
	processes_get_stats(f.processes, &stats);
	is_int(stats.awaited, 1, "it is counted");
	processes_connection(f.processes, &first, false, true);
	processes_expire(f.processes);
	ok(!knows(&f, first), "after the end of the last one it is forgotten");
	processes_connection(f.processes, &first, true, true);

	exec_event(&f, second, image(0, 0), "/bin/second", "", 0, 0);
	processes_connection(f.processes, &second, false, true);
	exit_event(&f, second);
	processes_expire(f.processes);
	processes_expire(f.processes);
	ok(!knows(&f, second), "an end whose beginning nobody told leaves nothing open");

	for (unsigned i = 0; i < PROCESSES_AWAITED + 10; i++) {
		exec_event(&f, image(100 + i, 1), image(0, 0), "/bin/many", "", 0, 0);
		processes_connection(f.processes, (struct wire_image[]){image(100 + i, 1)}, true, false);
		exit_event(&f, image(100 + i, 1));
	}
	processes_expire(f.processes);
	processes_expire(f.processes);
	processes_get_stats(f.processes, &stats);
	is_int(stats.awaited, PROCESSES_AWAITED, "there is an end to how many are waited for");
	is_int(stats.images, PROCESSES_AWAITED, "the rest is forgotten");
	ok(!knows(&f, image(100, 1)) && knows(&f, image(110, 1)), "which are those that ended first");
	fixture_close(&f);
}

static void test_cmdline(void)
{
	struct wire_image who = image(1, 1);
	struct process_event part = {.kind = WIRE_ARGS, .image = who};
	char long_args[WIRE_ARGS_FIRST + 2 * WIRE_ARGS_CHUNK];
	struct fixture f;
	struct lineage l;

	for (size_t i = 0; i < sizeof(long_args); i++)
		long_args[i] = (char)(i * 7);
	fixture_open(&f);
	exec_event(&f, who, image(0, 0), "/p", "p\0\xff\n\0", 5, 5);
	processes_find(f.processes, &who, &l);
	ok(l.self->cmdline.len == 5 && memcmp(l.self->cmdline.data, "p\0\xff\n\0", 5) == 0, "a command line is bytes");
	is_int(l.self->flags & PS_EXE_CMDLINE_CUT, 0, "it is whole");
	lineage_drop(f.processes, &l);

	exec_event(&f, who, image(0, 0), "/p", long_args, WIRE_ARGS_FIRST, sizeof(long_args));
	for (uint32_t at = WIRE_ARGS_FIRST; at < sizeof(long_args); at += WIRE_ARGS_CHUNK) {
		part.offset = at;
		part.args = (struct ps_text){long_args + at, WIRE_ARGS_CHUNK};
		processes_event(f.processes, &part, NULL);
	}
	processes_find(f.processes, &who, &l);
	ok(l.self->cmdline.len == sizeof(long_args) && memcmp(l.self->cmdline.data, long_args, sizeof(long_args)) == 0,
	   "a long one is put together from its parts");
	is_int(l.self->flags & PS_EXE_CMDLINE_CUT, 0, "and is whole");
	lineage_drop(f.processes, &l);

	exec_event(&f, who, image(0, 0), "/p", long_args, WIRE_ARGS_FIRST, sizeof(long_args));
	part.offset = WIRE_ARGS_FIRST + WIRE_ARGS_CHUNK;
	processes_event(f.processes, &part, NULL);
	processes_find(f.processes, &who, &l);
	is_int(l.self->cmdline.len, WIRE_ARGS_FIRST, "a part that is missing ends it");
	ok(l.self->flags & PS_EXE_CMDLINE_CUT, "and that is said");
	lineage_drop(f.processes, &l);
	fixture_close(&f);
}

/* Of a file that was told open: what the kernel said of it, and on which way it was. */
static void has_path(const char *path, const char *way, bool of_file, const char *want, const char *what)
{
	struct wire_image who = image(1, 1);
	struct process_event e = {.kind = WIRE_EXEC, .image = who, .comm = "prog", .filename = "./prog"};
	struct executed executed = {.path = mem_strdup(path)};
	struct fixture f;
	struct lineage l;

	fixture_open(&f);
	executed.file = executables_without(f.executables, PS_HASH_UNREADABLE);
	e.file.ino = 1;
	e.args = (struct ps_text){"prog", 5};
	e.args_total = 5;
	e.way_of_file = of_file;
	snprintf(e.way, sizeof(e.way), "%s", way);
	processes_event(f.processes, &e, &executed);
	processes_find(f.processes, &who, &l);
	is_str(l.self->path.data, want, "%s", what);
	lineage_drop(f.processes, &l);
	fixture_close(&f);
}

static void test_mounts(void)
{
	has_path("/mnt/a/prog", "/mnt/a/prog", true, "/mnt/a/prog", "a path that is whole");
	has_path("/a/prog", "/mnt/a/prog", true, "/mnt/a/prog", "the mount has ended: its place is before that");
	has_path("/", "/mnt/a/prog", true, "/mnt/a/prog", "a file that was mounted itself");
	has_path("/b/prog", "/mnt/a/prog", true, "/b/prog", "what was renamed meanwhile is what the kernel says");
	has_path("/a/prog (deleted)", "/mnt/a/prog", true, "/a/prog (deleted)", "nor is that another's");
	has_path("/a/prog", "", true, "/a/prog", "a way that is not known");
	has_path("/a/prog", "/mnt/a/prog", false, "/a/prog", "the way of a folder says nothing");
}

static void test_interning(void)
{
	struct processes_stats stats;
	struct fixture f;

	fixture_open(&f);
	for (unsigned i = 1; i <= 1000; i++) {
		exec_event(&f, image(i, 1), image(0, 0), "/bin/true", "true", 5, 5);
		exit_event(&f, image(i, 1));
	}
	processes_get_stats(f.processes, &stats);
	is_int(stats.programs, 2, "a thousand runs of one program are one program, and nobody");
	processes_expire(f.processes);
	processes_expire(f.processes);
	processes_get_stats(f.processes, &stats);
	is_int(stats.images, 0, "nothing is left of the processes");
	is_int(stats.programs, 1, "nor of the program");
	fixture_close(&f);
}

static void is_place(struct fixture *f, struct wire_image who, const char *cgroup, const char *unit, const char *what)
{
	struct lineage l;

	processes_find(f->processes, &who, &l);
	is_str(l.place->says.cgroup.data, cgroup, "%s", what);
	is_str(l.place->says.unit.data, unit, "%s: unit", what);
	lineage_drop(f->processes, &l);
}

static void test_places(void)
{
	const char *ssh = "/system.slice/ssh.service", *cron = "/system.slice/cron.service";
	struct process_event e = {
	    .kind = WIRE_EXEC, .image = image(2, 1), .comm = "x", .filename = "/x", .cgroup = BASE + 2};
	struct processes_stats stats;
	struct lineage a, b;
	struct fixture f;

	fixture_open(&f);
	cgroup_event(&f, BASE + 1, ssh);
	cgroup_event(&f, BASE + 2, cron);
	cgroup_event(&f, BASE + 3, ssh); /* the unit was started anew */
	e.args = (struct ps_text){"x", 2};
	e.args_total = 2;
	processes_event(f.processes, &e, NULL);
	is_place(&f, image(2, 1), cron, "cron.service", "an image is where it was executed");
	e = (struct process_event){.kind = WIRE_FORK, .image = image(3, 1), .forker = image(2, 1), .cgroup = BASE + 1};
	processes_event(f.processes, &e, NULL);
	is_place(&f, image(3, 1), ssh, "ssh.service", "a child may begin elsewhere");
	move_event(&f, image(2, 1), BASE + 1);
	is_place(&f, image(2, 1), ssh, "ssh.service", "it moves without an exec");
	move_event(&f, image(3, 1), BASE + 3);
	processes_find(f.processes, &e.image, &a);
	e.image = image(2, 1);
	processes_find(f.processes, &e.image, &b);
	ok(a.place == b.place, "groups of one path are one place");
	lineage_drop(f.processes, &a);
	lineage_drop(f.processes, &b);
	move_event(&f, image(9, 9), BASE + 1);
	move_event(&f, image(2, 1), BASE + 9);
	is_place(&f, image(2, 1), "", "", "a group that nobody told of, and that is gone, says nothing");
	processes_get_stats(f.processes, &stats);
	is_int(stats.places.unknown, 1, "and is counted");
	is_int(stats.places.places, 3, "what is in use is remembered");

	for (unsigned i = 0; i < 100000; i++) {
		char path[128];

		snprintf(path, sizeof(path), "/system.slice/docker-%064x.scope", i);
		cgroup_event(&f, BASE + 100 + i, path);
	}
	processes_get_stats(f.processes, &stats);
	ok(stats.places.groups <= 8192 && stats.places.places <= 8194, "100,000 containers stay within bounds");
	is_place(&f, image(3, 1), ssh, "ssh.service", "and push nobody's place away");
	fixture_close(&f);
}

/* The groups that the kernel has now. */
static void test_groups(void)
{
	struct places *places = places_open();
	struct place *place = places_of(places, 1), *same = places_of(places, 1);
	struct places_stats stats;

	places_get_stats(places, &stats);
	ok(place == same && stats.asked == 1, "a group is looked up once");
	if (access("/sys/fs/cgroup/cgroup.procs", F_OK) && access("/sys/fs/cgroup/unified/cgroup.procs", F_OK))
		skip("no control groups of version 2 are mounted");
	else if (geteuid())
		skip("only root may open by handle");
	else
		is_str(place->says.cgroup.data, "/", "that of all is found by its number");
	place_drop(places, place);
	place_drop(places, same);
	places_close(places);
}

int main(void)
{
	test_lineage();
	test_connections();
	test_cmdline();
	test_mounts();
	test_interning();
	test_places();
	test_groups();
	return tap_done();
}

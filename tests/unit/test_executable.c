/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cache of executables: what was opened, executed, changed, and what can no longer be told. */
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mman.h>

#include "core/base/clock.h"
#include "core/base/sha256.h"
#include "core/identify/openings.h"
#include "tests/tap.h"
#include "tests/unit/watch_fixture.h"

static char folder[] = "/tmp/picosnitch-test-XXXXXX";
static char path[64], other[64];

static void write_file(const char *name, const char *content)
{
	FILE *out = fopen(name, "w");

	if (!out || fputs(content, out) < 0 || fclose(out))
		abort();
}

/* A moment for which the times that the kernel gives to files move on. */
static void rest(void)
{
	usleep(2 * FILE_TICK_NS / 1000);
}

static void settle(struct fixture *f)
{
	struct executables_stats stats;

	do {
		uv_run(&f->loop, UV_RUN_ONCE);
		executables_get_stats(f->executables, &stats);
	} while (stats.waiting);
}

static void open_as(struct fixture *f, pid_t pid, const char *name)
{
	executables_opened(f->executables, pid, open(name, O_RDONLY | O_CLOEXEC), EXEC_OPENED);
}

static bool try_executed(struct fixture *f, pid_t pid, const struct wire_file *file)
{
	struct executed e;

	if (!executables_executed(f->executables, pid, file, clock_wall_ns(), NULL, &e))
		return false;
	executable_drop(f->executables, e.file);
	free(e.path);
	return true;
}

static struct executable *executed(struct fixture *f, pid_t pid, const struct wire_file *file, const char *name)
{
	struct executed e = {0};

	ok(executables_executed(f->executables, pid, file, clock_wall_ns(), NULL, &e) && e.path &&
	       strcmp(e.path, name) == 0,
	   "the open file is found by who executed it");
	free(e.path);
	return e.file;
}

static void is_hash_of(const struct executable *e, const char *content, const char *what)
{
	uint8_t want[SHA256_SIZE];

	sha256_bytes(content, strlen(content), want);
	ok(e && e->state == PS_HASH_OK && memcmp(e->sha256, want, sizeof(want)) == 0, "%s", what);
}

/* Opened, executed and hashed by `pid`, all in good order. */
static void is_run(struct fixture *f, pid_t pid, const char *name, const char *content, const char *what)
{
	struct wire_file file = file_of(name);
	struct executable *e;

	open_as(f, pid, name);
	e = executed(f, pid, &file, name);
	if (e->state == PS_HASH_LATE)
		settle(f);
	is_hash_of(e, content, what);
	executable_drop(f->executables, e);
}

static void test_changes(void)
{
	struct executable *first, *second;
	struct executed third = {0};
	char link[64];
	int kept;
	struct wire_file file;
	struct fixture f;

	fixture_open(&f);
	write_file(path, "first");
	file = file_of(path);
	open_as(&f, 10, path);
	ok(!try_executed(&f, 11, &file), "another process has not executed it");
	first = executed(&f, 10, &file, path);
	settle(&f);
	is_hash_of(first, "first", "its hash is that of the file");

	/* Deleted at once: the change time is another one, the content is not. */
	write_file(path, "short-lived");
	file = file_of(path);
	open_as(&f, 12, path);
	unlink(path);
	second = executed(&f, 12, &file, path);
	settle(&f);
	is_hash_of(second, "short-lived", "a file that is deleted at once is hashed");
	executable_drop(f.executables, second);

	/* Deleted after our look at it, and before its execution was told. */
	write_file(path, "opened first");
	open_as(&f, 18, path);
	kept = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", kept);
	file = file_of(link);
	second = executed(&f, 18, &file, path);
	settle(&f);
	is_hash_of(second, "opened first", "so is one that is deleted between the two");
	executable_drop(f.executables, second);
	close(kept);

	/* Changed in place, within one tick of the clock, to the same length. */
	write_file(path, "aaaaa");
	open_as(&f, 13, path);
	settle(&f);
	write_file(path, "bbbbb");
	is_run(&f, 14, path, "bbbbb", "a change in place is noticed");

	write_file(other, "ccccc");
	if (rename(other, path))
		abort();
	is_run(&f, 15, path, "ccccc", "a replacement is noticed");
	is_hash_of(first, "first", "what was executed before keeps its hash");
	executable_drop(f.executables, first);

	/* Changed between the execution and our look at it. */
	file = file_of(path);
	write_file(path, "ddddddd");
	open_as(&f, 16, path);
	ok(executables_executed(f.executables, 16, &file, clock_wall_ns(), NULL, &third) &&
	       third.file->state == PS_HASH_CHANGED,
	   "a file that changed before it was read has no hash, and says why");
	executable_drop(f.executables, third.file);
	free(third.path);
	fixture_close(&f);
	unlink(path);
}

/* How sure we are of a hash. Nobody runs these: who changes a file must have waited for the end of that. */
static void test_unsure(void)
{
	struct executed e = {0};
	struct wire_file file;
	struct fixture f;

	fixture_open(&f);
	write_file(path, "new");
	file = file_of(path);
	open_as(&f, 1, path);
	ok(executables_executed(f.executables, 1, &file, clock_wall_ns(), NULL, &e) && e.flags == PS_EXE_HASH_UNSURE,
	   "what was written within a tick before its execution can have been written to after it");
	executable_drop(f.executables, e.file);
	free(e.path);

	rest();
	open_as(&f, 2, path);
	ok(executables_executed(f.executables, 2, &file, clock_wall_ns(), NULL, &e) && !e.flags, "what is older cannot");
	executable_drop(f.executables, e.file);
	free(e.path);

	open_as(&f, 3, path);
	ok(executables_executed(f.executables, 3, &file, file.ctime_s * NS_PER_S + file.ctime_ns + NS_PER_MS, NULL, &e) &&
	       e.flags == PS_EXE_HASH_UNSURE,
	   "its age is that of the execution, and not of our look");
	executable_drop(f.executables, e.file);
	free(e.path);

	/* Written to, its time set back, deleted: all that shows is a new change time, and no link. */
	file.ctime_s--;
	file.nlink = 0;
	open_as(&f, 4, path);
	ok(executables_executed(f.executables, 4, &file, clock_wall_ns(), NULL, &e) && e.flags == PS_EXE_HASH_UNSURE,
	   "nor are we sure of one that was deleted before we looked");
	executable_drop(f.executables, e.file);
	free(e.path);

	file = file_of(path);
	executables_opened(f.executables, 5, open(path, O_RDONLY | O_CLOEXEC), EXEC_OPENED | EXEC_WRITTEN);
	ok(executables_executed(f.executables, 5, &file, clock_wall_ns(), NULL, &e) && e.flags == PS_EXE_HASH_UNSURE,
	   "nor of one that was also written to by who executed it");
	executable_drop(f.executables, e.file);
	free(e.path);

	file = file_of("/proc/self/exe");
	file.ctime_s--;
	file.nlink = 0;
	open_as(&f, getpid(), "/proc/self/exe");
	ok(executables_executed(f.executables, getpid(), &file, clock_wall_ns(), NULL, &e) && !e.flags,
	   "while it is executed, it cannot be written to");
	executable_drop(f.executables, e.file);
	free(e.path);
	fixture_close(&f);
	unlink(path);
}

static void test_written(void)
{
	struct executable *e;
	struct wire_file file;
	struct fixture f;

	/* Whoever has written is told only once; the hash waits for the loop. */
	fixture_open(&f);
	write_file(path, "old");
	file = file_of(path);
	open_as(&f, 1, path);
	e = executed(&f, 1, &file, path);
	executables_opened(f.executables, 2, open(path, O_RDONLY | O_CLOEXEC), EXEC_WRITTEN);
	settle(&f);
	ok(e->state == PS_HASH_CHANGED, "a file that was written to before it was read has no hash");
	executable_drop(f.executables, e);
	is_run(&f, 3, path, "old", "its next execution is another matter");
	ok(try_executed(&f, 3, &file), "who executes himself again was told to have opened it once");
	write_file(path, "newer");
	file = file_of(path);
	ok(!try_executed(&f, 3, &file), "which holds only of that content: of another, /proc is asked");
	fixture_close(&f);
	unlink(path);
}

/* In memory, a mapping that was read first is written to without any new time. */
static void test_timeless(void)
{
	static const char name[] = "/dev/shm/picosnitch-test";
	struct wire_file before, after;
	struct fixture f;
	char *at;
	int fd;

	write_file(name, "benign");
	usleep(150000); /* so that its change time is trusted, where it says anything */
	fd = open(name, O_RDWR | O_CLOEXEC);
	if (fd < 0 || file_magic(fd) != TMPFS_MAGIC) {
		skip("/dev/shm is no tmpfs");
		return;
	}
	close(fd);
	fixture_open(&f);
	before = file_of(name);
	is_run(&f, 1, name, "benign", "a file in memory is hashed");
	fd = open(name, O_RDWR | O_CLOEXEC);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		abort();
	if (*(volatile char *)at == 'b')
		memcpy(at, "malign", 6);
	munmap(at, 4096);
	close(fd);
	after = file_of(name);
	ok(memcmp(&before, &after, sizeof(before)) == 0, "it is changed, and nothing that stat() says has changed");
	is_run(&f, 2, name, "malign", "its hash is another all the same");
	fixture_close(&f);
	unlink(name);
}

static void test_device(void)
{
	struct wire_file file;
	struct fixture f;

	fixture_open(&f);
	write_file(path, "x");
	rest();
	file = file_of(path);
	file.mount++;
	open_as(&f, 1, path);
	ok(!try_executed(&f, 1, &file), "a file that was opened on another mount is another");
	file.mount--;
	file.dev ^= 1;
	ok(!try_executed(&f, 1, &file), "so is one of another device");
	executables_set_mask(f.executables, ~1u);
	ok(try_executed(&f, 1, &file), "unless the mask says that these bits do not matter");
	file.dev ^= 3;
	open_as(&f, 1, path);
	ok(!try_executed(&f, 1, &file), "others do");
	executables_set_mask(f.executables, 0);
	ok(try_executed(&f, 1, &file), "with a mask of 0 there is no check");
	executables_set_mask_auto(f.executables);
	open_as(&f, 1, path);
	ok(!try_executed(&f, 1, &file), "auto checks all of it");
	file.magic = BTRFS_SUPER_MAGIC;
	ok(try_executed(&f, 1, &file), "but on a file system that gives other numbers out, not");
	open_as(&f, 1, path);
	executables_set_mask(f.executables, UINT32_MAX);
	ok(!try_executed(&f, 1, &file), "a number holds there, too");
	executables_set_mask_auto(f.executables);

	file = file_of(path);
	file.magic = FUSE_SUPER_MAGIC;
	ok(!try_executed(&f, 1, &file), "what a program's file system says does not make it the file that was opened");
	file.magic = 0;
	ok(try_executed(&f, 1, &file), "(it is there)");
	fixture_close(&f);
	unlink(path);
}

static void test_overflow(void)
{
	struct wire_file file;
	struct fixture f;

	fixture_open(&f);
	write_file(path, "x");
	rest();
	file = file_of(path);
	open_as(&f, 1, path);
	executables_overflowed(f.executables);
	ok(!try_executed(&f, 1, &file), "after an overflow no earlier opening is relied on");
	open_as(&f, 1, path);
	ok(try_executed(&f, 1, &file), "a later one is");
	fixture_close(&f);
	unlink(path);
}

/* So many other programs that nobody runs any more that the cache forgets the first: openings are kept as long as
 * 8192 others have not come, and then the files that nobody holds likewise. */
enum { OTHERS = 2 * 8192 };

static void run_others(struct fixture *f, pid_t pid)
{
	char content[32];

	for (unsigned i = 0; i < OTHERS + 200; i++) {
		struct wire_file file;
		struct executed e;

		snprintf(content, sizeof(content), "another %u", i);
		write_file(other, content);
		file = file_of(other);
		open_as(f, pid, other);
		unlink(other);
		if (!executables_executed(f->executables, pid, &file, clock_wall_ns(), NULL, &e))
			continue;
		if (i % 500 == 0)
			settle(f);
		executable_drop(f->executables, e.file);
		free(e.path);
	}
	settle(f);
}

static uint64_t hashed(const struct fixture *f)
{
	struct executables_stats stats;

	executables_get_stats(f->executables, &stats);
	return stats.hashed;
}

static void test_evicted(void)
{
	struct executables_stats stats;
	struct executable *running;
	struct wire_file file;
	struct fixture f;
	char idle[80];
	uint64_t before;

	fixture_open(&f);
	snprintf(idle, sizeof(idle), "%s/idle", folder);
	write_file(idle, "idle");
	write_file(path, "still runs");
	sleep(2); /* beyond doubt whether they were changed since */
	is_run(&f, 30, idle, "idle", "a program that has ended");
	file = file_of(path);
	open_as(&f, 31, path);
	running = executed(&f, 31, &file, path);
	settle(&f);
	run_others(&f, 32);
	executables_get_stats(f.executables, &stats);
	ok(stats.known <= OTHERS + 1, "the cache has an end: %u files", (unsigned)stats.known);
	before = stats.hashed;
	is_run(&f, 33, path, "still runs", "what runs is not forgotten");
	ok(hashed(&f) == before, "nor hashed again");
	is_run(&f, 36, path, "still runs", "however often");
	write_file(idle, "evil"); /* in place, and as long as before */
	rest();
	is_run(&f, 34, idle, "evil", "what was forgotten and changed then has its new hash");
	ok(hashed(&f) == before + 1, "for which it was read");
	write_file(path, "other runs");
	rest();
	is_run(&f, 35, path, "other runs", "so has what runs still, for who executes it now");
	is_hash_of(running, "still runs", "and who runs it has what was executed");
	executable_drop(f.executables, running);
	unlink(idle);
	fixture_close(&f);
}

static unsigned dropped;

static void count_dropped(void *arg, void *file)
{
	(void)arg;
	(void)file;
	dropped++;
}

/* Subvolumes of one mount: the same inode number, on devices of which the kernel side knows nothing. */
static void test_openings(void)
{
	struct opening o = {.key = {.ino = 257, .pid = 1, .mount = 9}, .st = {.st_nlink = 1, .st_size = 5}};
	struct wire_file file = {.ino = 257, .size = 5, .mount = 9, .nlink = 1};
	struct openings *all = openings_new(count_dropped, NULL);
	struct opening *found;
	bool same;

	for (unsigned dev = 1; dev <= 3; dev++) {
		o.st.st_dev = dev;
		o.st.st_ctim.tv_sec = dev;
		openings_add(all, &o);
	}
	file.ctime_s = 2;
	found = openings_find(all, 1, &file, &same);
	ok(found && same && found->st.st_dev == 2, "of equal numbers, the one with the times of what was executed");
	file.ctime_s = 4;
	found = openings_find(all, 1, &file, &same);
	ok(found && !same && found->st.st_dev == 3, "else the last, and that it has changed");
	o.st.st_dev = 2;
	openings_add(all, &o);
	is_int(dropped, 1, "a later one takes the place of the same");
	o.path = mem_strdup("/bin/again");
	file.ctime_s = 3;
	openings_add(all, &o);
	is_int(dropped, 2, "and once more");
	o.path = NULL;
	for (unsigned i = 0; i < 3; i++) {
		char *given = (found = openings_find(all, 1, &file, &same)) ? openings_take(all, found) : NULL;

		ok(given && same && strcmp(given, "/bin/again") == 0 && found->taken, "who executes himself again is found: %u",
		   i);
		free(given);
	}
	is_int(dropped, 4, "once one was executed, the others are forgotten");
	for (unsigned i = 0; i < 20000; i++) {
		o.key.pid = i % 100;
		o.st.st_dev = i % 997;
		openings_add(all, &o);
	}
	ok(dropped > 5 + 20000 - 8192, "there is an end to how many are kept");
	openings_free(all);
	is_int(dropped, 5 + 20000, "each is given back once");
}

static void test_of_process(void)
{
	struct executables_stats stats;
	struct wire_file file = file_of("/proc/self/exe");
	struct executed e;
	struct fixture f;

	fixture_open(&f);
	executables_of_process(f.executables, getpid(), &file, &e);
	ok(e.path && e.file->state == PS_HASH_LATE, "a process that lives");
	executable_drop(f.executables, e.file);
	free(e.path);
	file.mount++;
	executables_of_process(f.executables, getpid(), &file, &e);
	ok(e.file->state == PS_HASH_MISMATCH && !e.path, "what /proc opens must be on the mount of what was executed");
	executable_drop(f.executables, e.file);
	file.mount--;
	file.ino++;
	executables_of_process(f.executables, getpid(), &file, &e);
	ok(e.file->state == PS_HASH_MISMATCH && !e.path, "and must be that file");
	executable_drop(f.executables, e.file);
	executables_of_process(f.executables, PID + 1, &file, &e);
	ok(e.file->state == PS_HASH_GONE && !e.path, "a process that has gone is said to be");
	executable_drop(f.executables, e.file);
	file.ino = 0;
	executables_of_process(f.executables, getpid(), &file, &e);
	ok(e.file->state == PS_HASH_ABSENT, "a kernel thread has no executable");
	executable_drop(f.executables, e.file);
	open_as(&f, 17, "/dev/null");
	executables_get_stats(f.executables, &stats);
	is_int(stats.refused, 1, "what is not a regular file is not read");
	fixture_close(&f);
}

/* The kernel makes one event of two openings of an interpreter, and a script comes behind it. */
static void test_interpreter(void)
{
	struct executed e = {0};
	struct wire_file file;
	struct fixture f;

	fixture_open(&f);
	write_file(path, "interpreter");
	write_file(other, "script");
	file = file_of(path);
	rest();
	open_as(&f, 21, path);
	settle(&f);
	ok(try_executed(&f, 21, &file), "a process executes an interpreter");
	open_as(&f, 21, other);
	ok(executables_executed(f.executables, 21, &file, clock_wall_ns(), other, &e), "and then a script of it");
	if (ok(e.script, "whose script is found")) {
		is_str(e.script_path, other, "by its path");
		executable_drop(f.executables, e.script);
	}
	executable_drop(f.executables, e.file);
	free(e.path);
	free(e.script_path);
	settle(&f);
	unlink(path);
	unlink(other);
	fixture_close(&f);
}

/* Between the search for a file and its reading somebody writes another program into it. */
static void test_of_fd(void)
{
	struct executable *as_found, *too_late;
	struct stat found;
	struct fixture f;
	int fd;

	fixture_open(&f);
	write_file(path, "one");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fstat(fd, &found))
		abort();
	as_found = executables_of_fd(f.executables, dup(fd), &found);
	settle(&f);
	is_int(as_found->state, PS_HASH_OK, "a file that is what was found is hashed");
	rest();
	write_file(path, "two");
	too_late = executables_of_fd(f.executables, fd, &found);
	is_int(too_late->state, PS_HASH_CHANGED, "one that was written to since has no hash, rather than another's");
	executable_drop(f.executables, as_found);
	executable_drop(f.executables, too_late);
	unlink(path);
	fixture_close(&f);
}

static void is_path(int fd, const char *want, const char *what)
{
	char *got = file_path(fd);

	is_str(got ? got : "(none)", want, "%s", what);
	free(got);
}

static void test_path(void)
{
	char marked[80];
	int fd, memory = memfd_create("x", MFD_CLOEXEC);

	snprintf(marked, sizeof(marked), "%s (deleted)", path);
	write_file(marked, "x");
	fd = open(marked, O_RDONLY | O_CLOEXEC);
	is_path(fd, marked, "a name that ends in (deleted)");
	unlink(marked);
	is_path(fd, marked, "when the file is deleted, too");
	close(fd);

	write_file(path, "x");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (link(path, other))
		abort();
	unlink(path);
	is_path(fd, path, "a name that was removed, of a file that has another");
	close(fd);
	unlink(other);

	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0700);
	if (fd >= 0) {
		struct stat st;
		char want[96];

		fstat(fd, &st);
		snprintf(want, sizeof(want), "%s/#%llu", folder, (unsigned long long)st.st_ino);
		is_path(fd, want, "a file that never had a name");
		close(fd);
	}
	is_path(memory, "/memfd:x (deleted)", "a file in memory is told from one of that name");
	close(memory);
}

int main(void)
{
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof(path), "%s/prog", folder);
	snprintf(other, sizeof(other), "%s/new", folder);
	test_changes();
	test_unsure();
	test_written();
	test_timeless();
	test_device();
	test_overflow();
	test_evicted();
	test_openings();
	test_of_process();
	test_interpreter();
	test_of_fd();
	test_path();
	rmdir(folder);
	return tap_done();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening the script of a process, which is this one, and what becomes of programs meanwhile. */
#include "core/identify/scripts.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "core/base/clock.h"
#include "core/identify/proc.h"
#include "tests/tap.h"
#include "tests/unit/watch_fixture.h"

enum { NOBODY = 65534 };

static char folder[] = "/tmp/test_scripts.XXXXXX";

static struct wire_folder folder_of(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		memset(&st, 0, sizeof(st));
	return (struct wire_folder){.ino = st.st_ino, .dev = major(st.st_dev) << 20 | minor(st.st_dev)};
}

/* That process, as if it were executed now, in this folder. */
static struct start start_of(pid_t pid)
{
	struct start by = {.pid = pid, .root = folder_of("/"), .cwd = folder_of("."), .exec_ns = clock_wall_ns()};
	unsigned long long ticks = 0;
	struct buf stat;
	char *at;

	buf_init(&stat);
	proc_read(&stat, by.pid, "stat");
	buf_put_u8(&stat, 0);
	at = strrchr((char *)stat.data, ')');
	for (int i = 0; i < 20; i++)
		at = strchr(at + 1, ' ');
	ticks = strtoull(at, NULL, 10);
	buf_done(&stat);
	by.process_ns = ticks * (uint64_t)(NS_PER_S / sysconf(_SC_CLK_TCK));
	return by;
}

static struct start now(void)
{
	return start_of(getpid());
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static void opens(const struct start *by, const char *path, const char *want, const char *what)
{
	struct opened_script o;
	char text[16] = "";

	script_open(by, path, &o);
	if (ok(o.fd >= 0, "%s: opened", what)) {
		ok(read(o.fd, text, sizeof(text) - 1) >= 0, "it can be read");
		is_str(text, want, "it is that file");
		close(o.fd);
	} else {
		printf("# state %d\n", o.why);
	}
	free(o.path);
}

static void fails(const struct start *by, const char *path, enum ps_hash_state want, const char *what)
{
	struct opened_script o;

	script_open(by, path, &o);
	ok(!o.apart, "nobody else is asked");
	is_int(o.fd, -1, "%s: nothing is opened", what);
	is_int(o.why, want, "and why is said");
	ok(!o.path, "no path is");
	if (o.fd >= 0)
		close(o.fd);
}

static void test_open(void)
{
	char whole[64], up[80], number[32];
	struct start by;
	int fd;

	snprintf(whole, sizeof(whole), "%s/x.sh", folder);
	write_file("x.sh", "one");
	mkdir("below", 0755);
	ok(!symlink(whole, "absolute") && !symlink("../x.sh", "below/link"), "links");
	usleep(30000);
	by = now();
	opens(&by, whole, "one", "a path");
	opens(&by, "x.sh", "one", "from the folder");
	opens(&by, "absolute", "one", "a link that leaves the folder");
	opens(&by, "below/link", "one", "a link that goes up");
	snprintf(up, sizeof(up), "/../..%s", whole);
	opens(&by, up, "one", "a path that goes above the root");
	fails(&by, "nothing", PS_HASH_GONE, "what is not there");
	fails(&by, ".", PS_HASH_UNREADABLE, "a folder");
	ok(!mkfifo("pipe", 0644), "a pipe");
	fails(&by, "pipe", PS_HASH_UNREADABLE, "a pipe");
	fails(&by, "/proc/self/fd/0/../../exe", PS_HASH_UNREADABLE, "a link of /proc");
	fails(&by, "/dev/null", PS_HASH_UNREADABLE, "a device");

	fd = open("x.sh", O_RDONLY | O_CLOEXEC);
	snprintf(number, sizeof(number), "/dev/fd/%d", fd);
	opens(&by, number, "one", "a descriptor");
	snprintf(number, sizeof(number), "/dev/fd/%d", 99999);
	fails(&by, number, PS_HASH_GONE, "one that is closed");
	unlink("x.sh");
	snprintf(number, sizeof(number), "/proc/self/fd/%d", fd);
	opens(&by, number, "one", "one that is deleted");
	close(fd);

	write_file("x.sh", "two");
	by.exec_ns = clock_wall_ns() - NS_PER_S;
	fails(&by, "x.sh", PS_HASH_CHANGED, "what is younger than the execution");
	usleep(30000);
	by = now();
	ok(!chdir("below"), "to another folder");
	fails(&by, "x.sh", PS_HASH_MISMATCH, "when the folder is another");
	opens(&by, whole, "two", "a path is the same from there");
	by.parent = getppid();
	fails(&by, "x.sh", PS_HASH_MISMATCH, "a parent that may see other files is not asked");
	ok(!chdir(".."), "back");
	by.cwd.ino = 0;
	fails(&by, "x.sh", PS_HASH_MISMATCH, "when it is not known which it was");
	by = now();
	by.root.ino++;
	fails(&by, whole, PS_HASH_MISMATCH, "below another root");

	by = now();
	by.process_ns += NS_PER_S;
	fails(&by, whole, PS_HASH_GONE, "another process of that number");
	by.like = getpid();
	opens(&by, whole, "two", "unless one is known that sees the same");
	fails(&by, "x.sh", PS_HASH_GONE, "which has no folder");
	by.parent = getpid();
	opens(&by, "x.sh", "two", "but its parent may be where it was");
	by.parent = 0;
	snprintf(by.cwd_path, sizeof(by.cwd_path), "%s", folder);
	opens(&by, "x.sh", "two", "or the folder is where it was");
	strcat(by.cwd_path, "/below");
	fails(&by, "x.sh", PS_HASH_GONE, "but not another folder");
	by.like = 0;
	snprintf(by.cwd_path, sizeof(by.cwd_path), "%s", folder);
	fails(&by, "x.sh", PS_HASH_GONE, "nor for who may see other files");
	by.like = getpid();
	by.root.ino = 0;
	fails(&by, whole, PS_HASH_GONE, "without the root, nothing is the same");
}

/* Root is refused, and then has what it needs to look as somebody else: here as root again. */
static void looks_apart(const struct start *by, const char *path, bool from_cwd, const char *what)
{
	struct opened_script o;
	enum ps_hash_state why;
	struct apart *a;
	struct stat st;
	char text[16] = "";
	int fd, found = -1;

	ok(!seteuid(NOBODY), "as somebody else");
	script_open(by, path, &o);
	a = o.apart;
	ok(!seteuid(0), "and back");
	is_int(o.fd, -1, "%s: it is not opened", what);
	is_int(o.why, PS_HASH_UNREADABLE, "and may not be");
	if (!ok(a, "but another may"))
		return;
	is_int(a->user.uid, NOBODY, "the user of that process");
	ok(a->file < 0 && a->root >= 0 && (a->cwd >= 0) == from_cwd, "from its folders");
	found = search_find(&a->request.by, a->request.path, a->root, a->cwd, &why);
	fd = search_open(&a->request.by, found, &st, &why);
	ok(read(fd, text, sizeof(text) - 1) >= 0, "who finds it");
	is_str(text, "three", "and reads that file");
	a->request.by.exec_ns -= NS_PER_S;
	is_int(search_open(&a->request.by, found, &st, &why), -1, "not what is younger than the execution");
	is_int(why, PS_HASH_CHANGED, "and why is said");
	a->request.by.root.ino++;
	is_int(search_find(&a->request.by, a->request.path, a->root, a->cwd, &why), -1, "nor below another root");
	is_int(why, PS_HASH_MISMATCH, "and why is said");
	a->request.by.root.ino--;
	a->request.by.cwd.ino++;
	is_int(search_find(&a->request.by, "x.sh", a->root, a->cwd, &why), -1, "nor from another folder");
	close(found);
	close(fd);
	apart_free(a);
}

static void test_apart(void)
{
	char whole[64];
	struct opened_script o;
	struct start by;

	if (geteuid())
		return;
	snprintf(whole, sizeof(whole), "%s/closed/x.sh", folder);
	mkdir("closed", 0700);
	write_file("closed/x.sh", "three");
	usleep(30000);
	by = now();
	looks_apart(&by, whole, false, "a path");
	looks_apart(&by, "closed/x.sh", true, "a path from the folder");
	ok(!chdir("closed"), "into it");
	by = now();
	looks_apart(&by, "x.sh", true, "from a folder that is closed");
	looks_apart(&by, "../closed/x.sh", true, "by a path that leaves it");
	by.process_ns += NS_PER_S;
	by.like = getpid();
	by.uid = by.gid = NOBODY;
	snprintf(by.cwd_path, sizeof(by.cwd_path), "%s/closed", folder);
	looks_apart(&by, "x.sh", false, "one that has gone");
	by.uid = by.gid = UINT32_MAX;
	ok(!seteuid(NOBODY), "as somebody else");
	script_open(&by, whole, &o);
	is_int(o.fd, -1, "of one that has gone, and of whom nothing is known");
	ok(!o.apart, "nobody looks");
	ok(!seteuid(0) && !chdir(".."), "back");
}

static int answers, found;

static void on_found(void *arg, void *subject, const struct opened_script *o)
{
	(void)arg;
	answers++;
	if (o->fd >= 0) {
		found += subject && o->path;
		close(o->fd);
	}
}

static void on_dropped(void *arg, void *subject)
{
	(void)subject;
	++*(int *)arg;
}

static void never(uv_timer_t *timer)
{
	(void)timer;
}

static void test_queue(void)
{
	struct ps_text path = {"x.sh and no more", 4};
	struct start by = now();
	struct scripts_stats stats;
	int taken = 0, dropped = 0;
	struct scripts *s;
	uv_timer_t timer; /* as long as there is another handle, the loop looks for what was opened */
	uv_loop_t loop;

	uv_loop_init(&loop);
	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, never, UINT32_MAX, 0);
	s = scripts_open(&loop, on_found, NULL);

	for (int i = 0; i < 1030; i++)
		taken += scripts_ask(s, &by, path, s);
	scripts_get_stats(s, &stats);
	is_int(taken, 1024, "so many wait at most");
	is_int(stats.refused, 6, "others are counted");
	for (int i = 0; i < 1000 && answers < 1024; i++, usleep(10000))
		uv_run(&loop, UV_RUN_NOWAIT);
	is_int(answers, 1024, "each is answered");
	is_int(found, 1024, "and was found");
	scripts_get_stats(s, &stats);
	is_int(stats.waiting, 0, "nobody waits");
	for (int i = 0; i < 3; i++)
		scripts_ask(s, &by, path, s);
	scripts_close(s, on_dropped, &dropped);
	is_int(dropped, 3, "what was not taken is dropped");
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	is_int(uv_loop_close(&loop), 0, "and nothing is left in the loop");
}

/* A process that sleeps in this folder. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	return pid;
}

/* One that sees "over.sh" where "under.sh" is for others: told when it does. 0: it may not. */
static pid_t mounter(void)
{
	int ready[2];
	char done = 0;
	pid_t pid;

	if (pipe(ready))
		return 0;
	pid = fork();
	if (!pid) {
		done = !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		       !mount("over.sh", "under.sh", NULL, MS_BIND, NULL);
		if (write(ready[1], &done, 1) == 1)
			pause();
		_exit(0);
	}
	if (read(ready[0], &done, 1) != 1)
		done = 0;
	close(ready[0]);
	close(ready[1]);
	if (!done)
		kill(pid, SIGKILL);
	return done ? pid : 0;
}

/* The kernel knows the path of a mounted file only for as long as it is mounted. */
static void test_mounted(void)
{
	char whole[64], *path;
	struct opened_script o;
	struct start by;
	pid_t pid;

	write_file("under.sh", "under");
	write_file("over.sh", "over");
	usleep(30000);
	pid = geteuid() ? 0 : mounter();
	if (!pid) {
		skip("mounting is not allowed");
		return;
	}
	by = start_of(pid);
	snprintf(whole, sizeof(whole), "%s/under.sh", folder);
	opens(&by, whole, "over", "what lies there for the process");
	script_open(&by, whole, &o);
	is_str(o.path ? o.path : "", whole, "and the path is the one that it has there");
	free(o.path);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	path = search_path(&by, o.fd);
	ok(!path, "when the process and its mounts have gone it is not known");
	free(path);
	by.like = getpid();
	path = search_path(&by, o.fd);
	ok(path, "but where the mounts are another's, too, it is");
	free(path);
	close(o.fd);
}

static void test_programs(void)
{
	char args[] = "python3\0x.sh";
	struct wire_image first = image(1, 1), second = image(2, 1), child = image(3, 1);
	struct process_event e = {
	    .kind = WIRE_EXEC,
	    .comm = "python3",
	    .filename = "/usr/bin/python3",
	    .time_ns = (uint64_t)clock_boot_ns(),
	    .args = {args, sizeof(args)},
	    .args_total = sizeof(args),
	    .root = folder_of("/"),
	    .cwd = folder_of("."),
	};
	struct processes_stats stats;
	struct lineage a, b, c;
	pid_t pid = sleeper();
	struct fixture f;
	struct start by = start_of(pid);

	fixture_open(&f);
	first.tgid = second.tgid = (uint32_t)pid;
	first.start = second.start = by.process_ns;
	second.exec_id = 2;
	e.image = first;
	processes_event(f.processes, &e, NULL);
	fork_event(&f, first, child);
	processes_find(f.processes, &child, &c);
	is_int(c.parent->script_file->state, PS_HASH_LATE, "a script is known by name, and its content is not");
	is_str(c.parent->script.data, "x.sh", "as it was given");
	e.image = second;
	processes_event(f.processes, &e, NULL);
	processes_get_stats(f.processes, &stats);
	is_int(stats.scripts.waiting, 2, "two wait");
	for (int i = 0; i < 1000 && stats.scripts.waiting; i++, usleep(10000)) {
		processes_take(f.processes);
		processes_get_stats(f.processes, &stats);
	}
	processes_find(f.processes, &first, &a);
	processes_find(f.processes, &second, &b);
	ok(a.self == b.self, "equal programs with an equal script are one");
	ok(c.parent->script_file == a.self->script_file, "whoever had it before sees the script, too");
	is_str(c.parent->script.data, a.self->script.data, "with its path");
	lineage_drop(f.processes, &a);
	lineage_drop(f.processes, &b);
	lineage_drop(f.processes, &c);
	fixture_close(&f);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	char command[64];

	if (!mkdtemp(folder) || chdir(folder))
		return 1;
	test_open();
	test_apart();
	test_queue();
	test_mounted();
	test_programs();
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) || tap_done();
}

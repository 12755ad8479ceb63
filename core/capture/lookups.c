/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/lookups.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/thread.h"
#include "core/capture/elf_symbol.h"

#define LIBRARY_MAX (16u << 20) /* bytes of a file */
#define MAPS_MAX (1u << 20)     /* of what a process has mapped */
#define FULL_NS (60 * NS_PER_S) /* between two looks at all processes, not only at new ones */
#define SHARE 200               /* of the time, one part for looking, ... */
#define WAIT_MOST_MS 15000      /* ... but not less often than that */
enum { PROCESSES_MAX = 65536 };

struct library {
	uint64_t ino;
	unsigned major, minor;
	int process;    /* a descriptor of who was found with it */
	int event[2];   /* -1: it cannot be probed */
	uint64_t id[2]; /* of these events: no other has it, as long as the machine runs */
	bool seen;      /* by this look at all processes */
};

struct lookups {
	struct shared shared;
	struct lookups_stats stats;
	bool ended; /* and `wake` is written to */
	int wake;
	/* the thread's own */
	int program[2];
	long type, at_end_bit; /* of the kernel's uprobes; -1: it has none */
	unsigned interval_ms;
	struct library libraries[LOOKUPS_LIBRARIES];
	unsigned n;
	unsigned *pids, n_pids; /* that there were at the last look, in order */
	uint64_t refused;
	struct buf text;
};

static void drop(struct lookups *l)
{
	if (!shared_leave(&l->shared))
		return;
	close(l->wake);
	close(l->program[0]);
	close(l->program[1]);
	buf_done(&l->text);
	free(l->pids);
	free(l);
}

/* ---- one library ---- */

/* A probe at that place of an open file, in every process that has it mapped, or will. */
static int probe(const struct lookups *l, int file, uint64_t offset, bool at_end)
{
	struct perf_event_attr attr = {.size = sizeof(attr), .type = (uint32_t)l->type};
	char path[32];
	int fd;

	if (l->type < 0 || l->at_end_bit < 0 || l->at_end_bit > 63)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	attr.config = at_end ? 1ULL << l->at_end_bit : 0;
	attr.uprobe_path = (uint64_t)(uintptr_t)path;
	attr.probe_offset = offset;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd >= 0 && (ioctl(fd, PERF_EVENT_IOC_SET_BPF, l->program[at_end]) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static uint64_t function_of(struct lookups *l, int file)
{
	struct statfs fs;
	struct stat st;
	ssize_t n = 1;

	/* Who serves such a file can make us wait, and say something else the next time. */
	if (fstatfs(file, &fs) || fs.f_type == FUSE_SUPER_MAGIC || fstat(file, &st) || !S_ISREG(st.st_mode) ||
	    st.st_size > LIBRARY_MAX)
		return 0;
	l->text.len = 0;
	while (n > 0 && l->text.len <= LIBRARY_MAX) {
		n = read(file, buf_add(&l->text, 1 << 20), 1 << 20);
		l->text.len -= (1u << 20) - (n > 0 ? (size_t)n : 0);
	}
	return elf_symbol_offset(l->text.data, l->text.len, "getaddrinfo");
}

/* Whether an event is still ours. To switch it off does not keep the program from running: only its end does, and
 * that can only come by its descriptor, from inside of this process. */
static bool holds(const struct library *lib, unsigned i)
{
	uint64_t id = 0;

	return lib->event[i] < 0 || (!ioctl(lib->event[i], PERF_EVENT_IOC_ID, &id) && id == lib->id[i]);
}

static void let_go(struct lookups *l, struct library *lib)
{
	for (unsigned i = 0; i < 2; i++)
		if (lib->event[i] >= 0 && holds(lib, i))
			close(lib->event[i]);
	close(lib->process);
	*lib = l->libraries[--l->n];
}

/* Found in a process, at those addresses. */
static void found(struct lookups *l, struct library *lib, unsigned pid, const char *range)
{
	uint64_t offset;
	char path[96];
	int file;

	lib->process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (lib->process < 0)
		return;
	snprintf(path, sizeof(path), "/proc/%u/map_files/%s", pid, range);
	file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	offset = file >= 0 ? function_of(l, file) : 0;
	for (unsigned i = 0; i < 2; i++) {
		lib->event[i] = offset ? probe(l, file, offset, i) : -1;
		if (lib->event[i] >= 0 && ioctl(lib->event[i], PERF_EVENT_IOC_ID, &lib->id[i])) {
			close(lib->event[i]);
			lib->event[i] = -1;
		}
	}
	if (file >= 0)
		close(file);
	lib->seen = true;
	l->libraries[l->n++] = *lib;
	pthread_mutex_lock(&l->shared.lock);
	l->stats.failed += lib->event[0] < 0 || lib->event[1] < 0;
	pthread_mutex_unlock(&l->shared.lock);
}

/* Lets libraries go whose probes somebody has ended. True: there were some. */
static bool look_at_probes(struct lookups *l)
{
	unsigned ended = 0;

	for (unsigned i = l->n; i--;)
		if (!holds(&l->libraries[i], 0) || !holds(&l->libraries[i], 1)) {
			let_go(l, &l->libraries[i]);
			ended++;
		}
	pthread_mutex_lock(&l->shared.lock);
	l->stats.ended += ended;
	pthread_mutex_unlock(&l->shared.lock);
	return ended;
}

/* ---- looking ---- */

static bool is_library(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && (strncmp(name, "/libc.so", 8) == 0 || strncmp(name, "/libc-", 6) == 0 ||
	                strncmp(name, "/libc.musl-", 11) == 0 || strncmp(name, "/ld-musl-", 9) == 0);
}

/* A line of what a process has mapped: "55d0-55e0 r-xp 1000 08:01 1234   /path". */
static void look_at_line(struct lookups *l, unsigned pid, char *line)
{
	struct library lib = {.process = -1};
	char range[40], rights[8];
	int path = 0;

	if (sscanf(line, "%39s %7s %*s %x:%x %" SCNu64 " %n", range, rights, &lib.major, &lib.minor, &lib.ino, &path) !=
	        5 ||
	    !path || rights[2] != 'x' || !is_library(line + path))
		return;
	for (unsigned i = 0; i < l->n; i++) {
		struct library *known = &l->libraries[i];

		if (known->ino == lib.ino && known->major == lib.major && known->minor == lib.minor) {
			known->seen = true;
			return;
		}
	}
	if (l->n == LOOKUPS_LIBRARIES)
		l->refused++;
	else
		found(l, &lib, pid, range);
}

static void look_at(struct lookups *l, unsigned pid)
{
	char path[64], *line, *end;
	struct buf maps;
	ssize_t n = 1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	buf_init(&maps);
	while (n > 0 && maps.len < MAPS_MAX) {
		n = read(fd, buf_add(&maps, 65536), 65536);
		maps.len -= 65536 - (n > 0 ? (size_t)n : 0);
	}
	close(fd);
	buf_put_u8(&maps, 0);
	for (line = (char *)maps.data; (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		look_at_line(l, pid, line);
	}
	buf_done(&maps);
}

static int compare(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

/* Looks at processes that are new, or at all. */
static void look(struct lookups *l, bool all)
{
	unsigned *pids = mem_alloc(PROCESSES_MAX * sizeof(*pids)), n = 0;
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && n < PROCESSES_MAX && (entry = readdir(proc)))
		if ((pids[n] = (unsigned)strtoul(entry->d_name, NULL, 10)))
			n++;
	if (proc)
		closedir(proc);
	qsort(pids, n, sizeof(*pids), compare);
	for (unsigned i = 0; all && i < l->n; i++)
		l->libraries[i].seen = false;
	l->refused = all ? 0 : l->refused;
	for (unsigned i = 0; i < n; i++)
		if (all || !bsearch(&pids[i], l->pids, l->n_pids, sizeof(*pids), compare))
			look_at(l, pids[i]);
	for (unsigned i = l->n; all && i--;)
		if (!l->libraries[i].seen)
			let_go(l, &l->libraries[i]);
	free(l->pids);
	l->pids = mem_resize(pids, (n ? n : 1) * sizeof(*pids));
	l->n_pids = n;
}

/* Until it is time, somebody has ended, or all is to end. True: of those that ended, others may go on with what
 * they had. */
static bool wait_for_ends(struct lookups *l, int timeout_ms)
{
	struct pollfd fds[LOOKUPS_LIBRARIES + 1] = {{.fd = l->wake, .events = POLLIN}};
	bool gone = false;
	unsigned n = l->n;

	for (unsigned i = 0; i < n; i++)
		fds[i + 1] = (struct pollfd){.fd = l->libraries[i].process, .events = POLLIN};
	if (poll(fds, n + 1, timeout_ms) <= 0)
		return false;
	for (unsigned i = n; i--;)
		if (fds[i + 1].revents) {
			let_go(l, &l->libraries[i]);
			gone = true;
		}
	return gone;
}

static bool publish(struct lookups *l)
{
	bool ended;

	pthread_mutex_lock(&l->shared.lock);
	l->stats.probed = 0;
	for (unsigned i = 0; i < l->n; i++)
		l->stats.probed += l->libraries[i].event[0] >= 0 && l->libraries[i].event[1] >= 0;
	l->stats.refused = l->refused;
	ended = l->ended;
	pthread_mutex_unlock(&l->shared.lock);
	return ended;
}

/* Until then, or until all is to end. True: libraries were let go before. */
static bool wait_for_look(struct lookups *l, int64_t until_ns)
{
	int64_t left_ms;

	while (!publish(l) && (left_ms = (until_ns - clock_monotonic_ns()) / NS_PER_MS) > 0)
		if (wait_for_ends(l, left_ms < (int)l->interval_ms ? (int)left_ms : (int)l->interval_ms) || look_at_probes(l))
			return true;
	return false;
}

/* CPU time of this thread. */
static int64_t used(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void *run(void *arg)
{
	struct lookups *l = arg;
	int64_t full_ns = 0, wait_ms, now, used_ns;
	bool all;

	while (!publish(l)) {
		now = clock_monotonic_ns();
		used_ns = used();
		all = !full_ns || now - full_ns >= FULL_NS;
		look(l, all);
		if (all)
			full_ns = now;
		if (publish(l))
			break;
		wait_ms = (used() - used_ns) * SHARE / NS_PER_MS;
		if (wait_ms > WAIT_MOST_MS)
			wait_ms = WAIT_MOST_MS;
		if (wait_ms < l->interval_ms)
			wait_ms = l->interval_ms;
		/* Who else has a library that was let go is not known before the next look at all. */
		if (wait_for_look(l, clock_monotonic_ns() + wait_ms * NS_PER_MS))
			full_ns = 0;
	}
	while (l->n)
		let_go(l, &l->libraries[0]);
	drop(l);
	return NULL;
}

/* ---- for others ---- */

/* The number behind that prefix, which is all of a file; -1: there is none. */
static long number_in(const char *path, const char *prefix)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[64] = "", *end;
	size_t n = strlen(prefix);
	long number;

	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	number = strtol(text + (strncmp(text, prefix, n) == 0 ? n : 0), &end, 10);
	return end > text && strncmp(text, prefix, n) == 0 ? number : -1;
}

struct lookups *lookups_open(int begins, int ends, unsigned interval_ms)
{
	struct lookups *l = mem_alloc(sizeof(*l));
	int err;

	shared_init(&l->shared);
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->program[0] = fcntl(begins, F_DUPFD_CLOEXEC, 0);
	l->program[1] = fcntl(ends, F_DUPFD_CLOEXEC, 0);
	l->interval_ms = interval_ms;
	l->type = number_in("/sys/bus/event_source/devices/uprobe/type", "");
	l->at_end_bit = number_in("/sys/bus/event_source/devices/uprobe/format/retprobe", "config:");
	err = shared_start(&l->shared, run, l);
	if (!err)
		return l;
	log_warning("getaddrinfo() is not probed: %s", strerror(-err));
	drop(l);
	return NULL;
}

void lookups_close(struct lookups *l)
{
	uint64_t one = 1;

	if (!l)
		return;
	pthread_mutex_lock(&l->shared.lock);
	l->ended = true;
	if (write(l->wake, &one, sizeof(one)) < 0)
		log_debug("the thread that probes getaddrinfo() is awake");
	pthread_mutex_unlock(&l->shared.lock);
	drop(l);
}

void lookups_get_stats(struct lookups *l, struct lookups_stats *stats)
{
	*stats = (struct lookups_stats){0};
	if (!l)
		return;
	pthread_mutex_lock(&l->shared.lock);
	*stats = l->stats;
	pthread_mutex_unlock(&l->shared.lock);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes made of events, without a kernel: for the tests of the process table and the ledger. */
#ifndef PS_TESTS_WATCH_FIXTURE_H
#define PS_TESTS_WATCH_FIXTURE_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/mem.h"
#include "core/identify/file.h"
#include "core/identify/process.h"

/* No process has these numbers: /proc cannot answer for them. */
enum { PID = 1 << 28 };

struct fixture {
	uv_loop_t loop;
	struct executables *executables;
	struct processes *processes;
};

static inline void fixture_open(struct fixture *f)
{
	uv_loop_init(&f->loop);
	f->executables = executables_open(&f->loop, 2, NULL);
	f->processes = processes_open(&f->loop, f->executables);
}

static inline void fixture_close(struct fixture *f)
{
	processes_close(f->processes);
	executables_close(f->executables);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	uv_loop_close(&f->loop);
}

static inline struct wire_image image(unsigned n, unsigned exec_id)
{
	return (struct wire_image){1000 + n, PID + n, exec_id};
}

static inline void fork_event(struct fixture *f, struct wire_image parent, struct wire_image child)
{
	struct process_event e = {.kind = WIRE_FORK, .image = child, .forker = parent, .parent = parent};

	processes_event(f->processes, &e, NULL);
}

static inline void cgroup_event(struct fixture *f, uint64_t cgroup, const char *path)
{
	struct process_event e = {.kind = WIRE_CGROUP, .cgroup = cgroup, .path = {path, (uint32_t)strlen(path)}};

	processes_event(f->processes, &e, NULL);
}

static inline void move_event(struct fixture *f, struct wire_image who, uint64_t cgroup)
{
	struct process_event e = {.kind = WIRE_MOVE, .image = who, .cgroup = cgroup};

	processes_event(f->processes, &e, NULL);
}

static inline void exit_event(struct fixture *f, struct wire_image who)
{
	struct process_event e = {.kind = WIRE_EXIT, .image = who};

	processes_event(f->processes, &e, NULL);
}

/* An exec of a file that was not seen, and whose process has gone. */
static inline void exec_event(struct fixture *f, struct wire_image who, struct wire_image parent, const char *path,
                              const char *args, size_t args_len, uint32_t args_total)
{
	struct process_event e = {.kind = WIRE_EXEC, .image = who, .parent = parent, .comm = "name", .filename = path};

	e.file.ino = 1;
	e.args = (struct ps_text){args, (uint32_t)args_len};
	e.args_total = args_total;
	processes_event(f->processes, &e, NULL);
}

/* What stat() says of a file, as the kernel side would. */
static inline struct wire_file file_of(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;
	uint32_t mount;

	memset(&st, 0, sizeof(st));
	if (file_stat(fd, &st, &mount))
		abort();
	close(fd);
	return (struct wire_file){
	    .ino = st.st_ino,
	    .dev = major(st.st_dev) << 20 | minor(st.st_dev),
	    .nlink = (uint32_t)st.st_nlink,
	    .mount = mount,
	    .size = (uint64_t)st.st_size,
	    .ctime_s = st.st_ctim.tv_sec,
	    .ctime_ns = (uint32_t)st.st_ctim.tv_nsec,
	    .mtime_s = st.st_mtim.tv_sec,
	    .mtime_ns = (uint32_t)st.st_mtim.tv_nsec,
	};
}

#endif

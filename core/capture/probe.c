/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/capture/drain.h"
#include "core/capture/kernel.h"
#include "core/capture/programs.h"

/* The skeleton is generated, and not to our warnings' taste. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "bpf/picosnitch.skel.h"
#pragma GCC diagnostic pop

enum { ORDER_CALLS = 50 };

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14, glibc 2.35 */
#endif

struct probe {
	struct picosnitch_bpf *skel;
	struct ring_buffer *ring, *evidence_ring;
	struct programs programs;
	struct buf tasks; /* the processes that were there before, for probe_tasks() ... */
	int tasks_error;  /* ... or why they are not known */
	struct drain *drain;
	struct taker {
		probe_event event;
		void *arg;
		unsigned room; /* how many more to hand on; 0: no limit */
	} events, evidence;
};

__attribute__((format(printf, 2, 0))) static int libbpf_message(enum libbpf_print_level level, const char *format,
                                                                va_list args)
{
	(void)level;
	log_message(LOG_LEVEL_DEBUG, format, args);
	return 0;
}

static void unload(struct probe *p)
{
	programs_detach(&p->programs);
	ring_buffer__free(p->ring);
	ring_buffer__free(p->evidence_ring);
	p->ring = p->evidence_ring = NULL;
	picosnitch_bpf__destroy(p->skel);
	p->skel = NULL;
	buf_done(&p->tasks);
}

static int on_event(void *arg, void *data, size_t len)
{
	struct taker *taker = arg;

	taker->event(taker->arg, data, len);
	/* libbpf counts this event as taken, and returns: the way to stop after some. */
	return taker->room && !--taker->room ? -EAGAIN : 0;
}

/* An iterator to read, or -errno. */
static int iterator_open(const struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -errno;

	bpf_link__destroy(link);
	return fd;
}

/* Lists the processes that run: others are told of from now on. */
static void list_tasks(void *arg)
{
	struct probe *p = arg;
	struct buf *data = &p->tasks;
	int fd = iterator_open(p->skel->progs.each_task);

	p->tasks_error = fd < 0 ? fd : 0;
	while (fd >= 0) {
		size_t room = 64 * sizeof(struct wire_task), had = data->len;
		ssize_t n = read(fd, buf_add(data, room), room);

		data->len = had + (n > 0 ? (size_t)n : 0);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			p->tasks_error = -errno;
		if (n <= 0)
			break;
	}
	if (fd >= 0)
		close(fd);
}

static uint64_t counter(const struct probe *p, uint32_t which)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t sum = 0, *each = mem_alloc((size_t)(cpus > 0 ? cpus : 1) * sizeof(*each));

	if (!bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.counters), &which, each))
		for (int c = 0; c < cpus; c++)
			sum += each[c];
	free(each);
	return sum;
}

/* Whether the stand-ins run behind those that they stand in for. Else they would do the work again:
 * in these calls, which move nothing. */
static bool in_order(const struct probe *p)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t before = counter(p, WIRE_STOOD_IN);
	char nothing;

	if (fd < 0)
		return false;
	for (int i = 0; i < ORDER_CALLS; i++)
		recv(fd, &nothing, 1, MSG_DONTWAIT);
	close(fd);
	return counter(p, WIRE_STOOD_IN) - before < ORDER_CALLS;
}

/* Few beside what the flow map holds: they are in front of it, not in place of it. */
static uint32_t slots_for(uint32_t max_flows)
{
	uint32_t n = max_flows / 16;

	return n < 1 ? 1 : n > 1 << WIRE_SLOT_BITS ? 1 << WIRE_SLOT_BITS : n;
}

/* Opens the object, and makes of it what this kernel has use for. */
static int open_skel(struct probe *p, enum hooks door, const struct settings *s, struct btf *btf)
{
	uint32_t pages = s->capture.ring_buffer_pages;
	int err = door == HOOKS_FEXIT ? kernel_traces_functions(btf) : 0;

	if (err)
		return err;
	p->skel = picosnitch_bpf__open();
	if (!p->skel)
		return -errno;
	programs_choose(&p->programs, p->skel->obj, door, btf);
	/* These are attached when and where a library is found. */
	bpf_program__set_autoload(p->skel->progs.on_getaddrinfo, true);
	bpf_program__set_autoload(p->skel->progs.on_getaddrinfo_ends, true);
	bpf_map__set_max_entries(p->skel->maps.flows_first, s->capture.max_flows);
	bpf_map__set_max_entries(p->skel->maps.slots, slots_for(s->capture.max_flows));
	bpf_map__set_max_entries(p->skel->maps.events, pages * (uint32_t)sysconf(_SC_PAGESIZE));
	kernel_mount_namespaces((uint32_t *)p->skel->rodata->staying);
	if (kernel_has_function(btf, "bpf_sock_from_file", NULL))
		bpf_map__set_max_entries(p->skel->maps.old_connections, 1);
	return 0;
}

/* Loads and attaches the programs of the door that the object was opened for. */
static int load(struct probe *p)
{
	int err = picosnitch_bpf__load(p->skel);

	if (!err)
		err = programs_attach(&p->programs, list_tasks, p);
	if (!err) {
		p->ring = ring_buffer__new(bpf_map__fd(p->skel->maps.events), on_event, &p->events, NULL);
		err = p->ring ? 0 : -errno;
	}
	if (!err) {
		p->evidence_ring = ring_buffer__new(bpf_map__fd(p->skel->maps.evidence), on_event, &p->evidence, NULL);
		err = p->evidence_ring ? 0 : -errno;
	}
	if (!err && p->programs.stand_ins && !in_order(p)) {
		log_error("this kernel runs BPF programs in an unknown order");
		err = -EINVAL;
	}
	if (err)
		unload(p);
	else
		programs_begin(&p->programs, counter(p, WIRE_STOOD_IN));
	return err;
}

/* Runs an iterator for what it does, not for what it says. */
static void place_sockets(struct probe *p)
{
	int fd = iterator_open(p->skel->progs.each_file);
	char nothing[64];

	if (fd >= 0) {
		while (read(fd, nothing, sizeof(nothing)) > 0)
			;
		close(fd);
	}
}

static struct drain *drain_of(const struct picosnitch_bpf *skel)
{
	struct drain_maps maps = {
	    .flows = bpf_map__fd(skel->maps.flows),
	    .coarse = bpf_map__fd(skel->maps.coarse),
	    .flows_first = bpf_map__fd(skel->maps.flows_first),
	    .coarse_first = bpf_map__fd(skel->maps.coarse_first),
	    .slots = bpf_map__fd(skel->maps.slots),
	    .n_slots = bpf_map__max_entries(skel->maps.slots),
	    .flows_made = &skel->bss->flows_made,
	    .coarse_made = &skel->bss->coarse_made,
	    .generation = &skel->bss->generation,
	};

	return drain_open(&maps);
}

/* Through the first door that opens here. */
static int try_doors(struct probe *p, const struct settings *s)
{
	static const enum hooks doors[] = {HOOKS_FEXIT, HOOKS_TRACEPOINT};
	static const char *const names[] = {"fexit", "tracepoint"};
	struct btf *btf = NULL;
	int err = -ENOTSUP;

	for (size_t i = 0; i < 2 && err; i++) {
		if (s->capture.hooks != HOOKS_AUTO && s->capture.hooks != doors[i])
			continue;
		btf = btf ? btf : btf__load_vmlinux_btf();
		if (!btf) {
			err = -errno;
			log_error("this kernel does not describe its types (/sys/kernel/btf/vmlinux): %s; a kernel built with "
			          "CONFIG_DEBUG_INFO_BTF is needed",
			          strerror(-err));
			return err;
		}
		err = open_skel(p, doors[i], s, btf);
		if (!err) {
			/* Loading needs as much memory for it once more: it shall be the same. */
			btf__free(btf);
			btf = NULL;
			err = load(p);
		}
		if (err)
			log_debug("the %s hooks cannot be used here: %s", names[i], strerror(-err));
	}
	btf__free(btf);
	if (err)
		log_error("the BPF programs cannot be loaded%s: %s%s",
		          s->capture.hooks == HOOKS_AUTO ? "" : " (with [capture] hooks = auto, another door may work)",
		          strerror(-err),
		          geteuid() ? " (this needs root)" : "; `picosnitch --debug run` shows the kernel's reasons");
	return err;
}

/* Loading takes the kernel's types apart, some ten megabytes of them, and does so again: in the same memory, which is
 * asked for at once, and not page by page. */
static void get_memory(void)
{
	size_t size = 16 << 20, page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory;

	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 32 << 20);
	memory = malloc(size);
	if (memory && madvise(memory + (page - (uintptr_t)memory % page), size - page, MADV_POPULATE_WRITE))
		log_debug("memory to load with comes page by page: %s", strerror(errno));
	free(memory);
}

/* It goes back, and from now on so does what a window takes. */
static void give_memory_back(void)
{
	mallopt(M_MMAP_THRESHOLD, 64 << 10);
	mallopt(M_TRIM_THRESHOLD, 128 << 10);
	malloc_trim(0);
}

int probe_open(struct probe **out, const struct settings *s)
{
	struct probe *p = mem_alloc(sizeof(*p));
	int err;

	libbpf_set_print(libbpf_message);
	get_memory();
	err = try_doors(p, s);
	give_memory_back();
	if (err)
		goto out;
	p->drain = drain_of(p->skel);
	if (!p->drain) {
		err = -errno;
		log_error("the second flow map cannot be made: %s", strerror(-err));
		unload(p);
		goto out;
	}
	if (p->programs.door == HOOKS_TRACEPOINT)
		place_sockets(p);
	*out = p;
	return 0;
out:
	free(p);
	return err;
}

void probe_close(struct probe *p)
{
	if (!p)
		return;
	unload(p);
	drain_close(p->drain);
	free(p);
}

enum hooks probe_door(const struct probe *p)
{
	return p->programs.door;
}

const char *probe_door_name(const struct probe *p)
{
	return p->programs.door == HOOKS_FEXIT ? "fexit" : "tracepoint";
}

const struct probe_hook *probe_hooks(const struct probe *p, unsigned *n)
{
	*n = p->programs.n;
	return p->programs.hook;
}

int probe_fd(const struct probe *p)
{
	return ring_buffer__epoll_fd(p->ring);
}

bool probe_consume(struct probe *p, probe_event event, void *arg, unsigned max)
{
	p->events = (struct taker){event, arg, max};
	return ring_buffer__consume(p->ring) == -EAGAIN;
}

int probe_evidence_fd(const struct probe *p)
{
	return ring_buffer__epoll_fd(p->evidence_ring);
}

int probe_lookup_begins(const struct probe *p)
{
	return bpf_program__fd(p->skel->progs.on_getaddrinfo);
}

int probe_lookup_ends(const struct probe *p)
{
	return bpf_program__fd(p->skel->progs.on_getaddrinfo_ends);
}

bool probe_consume_evidence(struct probe *p, probe_event event, void *arg, unsigned max)
{
	p->evidence = (struct taker){event, arg, max};
	return ring_buffer__consume(p->evidence_ring) == -EAGAIN;
}

int probe_tasks(struct probe *p, void (*each)(void *, const struct wire_task *), void *arg)
{
	for (size_t at = 0; at + sizeof(struct wire_task) <= p->tasks.len; at += sizeof(struct wire_task)) {
		struct wire_task task;

		memcpy(&task, p->tasks.data + at, sizeof(task));
		each(arg, &task);
	}
	buf_done(&p->tasks);
	return p->tasks_error;
}

/* Whole ones: what the kernel has at a time, and what fits into room, are multiples of one. What was read, 0 at the
 * end, or -errno. */
static ssize_t iterator_read(int fd, void *some, size_t room)
{
	ssize_t n;

	do
		n = read(fd, some, room);
	while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n < 0 ? -errno : n;
}

int probe_channels(struct probe *p, void (*each)(void *, const struct wire_channel *), void *arg)
{
	int fd = iterator_open(p->skel->progs.each_channel);
	struct wire_channel some[128];
	ssize_t n;

	if (fd < 0)
		return fd;
	while ((n = iterator_read(fd, some, sizeof(some))) > 0)
		for (size_t i = 0; i < (size_t)n / sizeof(some[0]); i++)
			each(arg, &some[i]);
	close(fd);
	return (int)n;
}

int probe_listeners(struct probe *p, void (*each)(void *, const struct wire_listener *), void *arg)
{
	const struct bpf_program *program = p->skel->progs.each_listener;
	int fd = bpf_program__fd(program) < 0 ? -EOPNOTSUPP : iterator_open(program);
	struct wire_listener some[128];
	ssize_t n;

	if (fd < 0)
		return fd;
	while ((n = iterator_read(fd, some, sizeof(some))) > 0)
		for (size_t i = 0; i < (size_t)n / sizeof(some[0]); i++)
			each(arg, &some[i]);
	close(fd);
	return (int)n;
}

int probe_drain(struct probe *p, struct buf *out)
{
	return drain_all(p->drain, out);
}

void probe_fill(const struct probe *p, uint32_t *n, uint32_t *room)
{
	drain_fill(p->drain, n, room);
}

void probe_counters(struct probe *p, uint64_t counters[WIRE_COUNTERS])
{
	for (uint32_t i = 0; i < WIRE_COUNTERS; i++)
		counters[i] = counter(p, i);
}

const struct probe_hook *probe_overslept(struct probe *p)
{
	for (unsigned i = 0; i < p->programs.n; i++)
		if (p->programs.hook[i].asleep && kernel_has_module(p->programs.hook[i].module)) {
			p->programs.hook[i].asleep = false;
			return &p->programs.hook[i];
		}
	return NULL;
}

uint64_t probe_missed(struct probe *p)
{
	return programs_missed(&p->programs, counter(p, WIRE_STOOD_IN));
}

const char *probe_missing(const struct probe *p)
{
	return programs_missing(&p->programs);
}

static enum probe_holds state_of(struct bpf_link *held, const struct bpf_program *ours)
{
	struct bpf_prog_info program = {0};
	struct bpf_link_info link = {0};
	uint32_t program_len = sizeof(program), link_len = sizeof(link);

	/* A descriptor of ours that is no link any more: somebody closed it, from inside of this process. */
	if (bpf_obj_get_info_by_fd(bpf_link__fd(held), &link, &link_len))
		return errno == EBADF || errno == EBADFD || errno == EINVAL ? PROBE_DETACHED : PROBE_HOLDS;
	/* Links to tracing cannot be detached by others, and have no program but their first. */
	if (link.type == BPF_LINK_TYPE_CGROUP && !link.cgroup.cgroup_id)
		return PROBE_DETACHED;
	if (bpf_obj_get_info_by_fd(bpf_program__fd(ours), &program, &program_len))
		return PROBE_HOLDS;
	return link.prog_id == program.id ? PROBE_HOLDS : PROBE_REPLACED;
}

enum probe_holds probe_hook_state(const struct probe *p, unsigned hook)
{
	const struct programs *all = &p->programs;
	enum probe_holds state = PROBE_HOLDS;

	for (int turn = 0; turn < PROGRAMS_TURNS && state == PROBE_HOLDS; turn++)
		if (all->hook[hook].attached && all->link[hook][turn])
			state = state_of(all->link[hook][turn], all->program[hook][turn]);
	return state;
}

void probe_hook_lost(struct probe *p, unsigned hook, enum probe_holds why)
{
	p->programs.hook[hook].attached = false;
	p->programs.hook[hook].error = why == PROBE_REPLACED ? -EBUSY : -ENOLINK;
}

uint64_t probe_displaced(const struct probe *p)
{
	return drain_displaced(p->drain);
}

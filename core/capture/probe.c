/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/capture/cgroup_root.h"
#include "core/capture/drain.h"

/* The skeleton is generated, and not to our warnings' taste. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "bpf/picosnitch.skel.h"
#pragma GCC diagnostic pop

#define EVERY_DOOR HOOKS_AUTO

/* Every program of the skeleton, by its name there, in the order of attaching: what leaves a note
 * for another comes before it. */
static const struct {
	const char *program;
	enum hooks door; /* EVERY_DOOR: both */
	const char *without;
	const char *module; /* where the function may be; NULL: in the kernel itself */
	bool replaced;      /* kernels without the function do its work elsewhere: nothing is missed */
} parts[] = {
    {"on_fork", EVERY_DOOR, NULL, NULL, false},
    {"on_exec", EVERY_DOOR, NULL, NULL, false},
    {"on_exit", EVERY_DOOR, NULL, NULL, false},
    {"each_task", EVERY_DOOR, NULL, NULL, false},
    {"on_cgroup_mkdir", EVERY_DOOR, "the names of control groups that live briefly", NULL, false},
    {"on_cgroup_attach", EVERY_DOOR, "processes that are moved to another control group", NULL, false},
    {"each_channel", EVERY_DOOR, "AF_XDP sockets, and devices that are handed to programs", NULL, false},
    {"on_set_state", EVERY_DOOR, "when TCP connections begin and end, and who opened them", NULL, false},
    {"on_frame", EVERY_DOOR, "frames written to tun and tap devices", NULL, false},
    {"before_inet6_sendmsg", HOOKS_FEXIT, "the peer of IPv4 datagrams sent through IPv6 sockets", NULL, false},
    {"before_consume_udp", HOOKS_FEXIT, "the peer of datagrams received without asking for it", NULL, false},
    {"on_inet_sendmsg", HOOKS_FEXIT, NULL, NULL, false},
    {"on_inet6_sendmsg", HOOKS_FEXIT, "what IPv6 sockets send", NULL, false},
    {"on_inet_recvmsg", HOOKS_FEXIT, NULL, NULL, false},
    {"on_inet6_recvmsg", HOOKS_FEXIT, "what IPv6 sockets receive", NULL, false},
    {"on_sock_common_recvmsg", HOOKS_FEXIT, "what raw IPv6 sockets receive", NULL, false},
    {"on_sock_splice_read", HOOKS_FEXIT, "what is received by splice()", NULL, false},
    {"on_skb_splice_bits", HOOKS_FEXIT, "what is received by splice(), before 5.11", NULL, false},
    {"on_inet_sendpage", HOOKS_FEXIT, "sendfile() and splice() to sockets", NULL, true},
    {"on_packet_sendmsg", HOOKS_FEXIT, "frames sent by AF_PACKET", "af_packet", false},
    {"on_packet_sendmsg_spkt", HOOKS_FEXIT, "frames sent by SOCK_PACKET", "af_packet", false},
    {"on_packet_recvmsg", HOOKS_FEXIT, "frames received by AF_PACKET", "af_packet", false},
    {"on_vsock_connectible_sendmsg", HOOKS_FEXIT, "what vsock streams send", "vsock", true},
    {"on_vsock_connectible_recvmsg", HOOKS_FEXIT, "what vsock streams receive", "vsock", true},
    {"on_vsock_stream_sendmsg", HOOKS_FEXIT, "what vsock streams send", "vsock", true},
    {"on_vsock_stream_recvmsg", HOOKS_FEXIT, "what vsock streams receive", "vsock", true},
    {"on_vsock_dgram_sendmsg", HOOKS_FEXIT, "what vsock sends", "vsock", false},
    {"on_vsock_dgram_recvmsg", HOOKS_FEXIT, "what vsock receives", "vsock", false},
    {"each_file", HOOKS_TRACEPOINT, "the first bytes that splice() takes from older sockets", NULL, false},
    {"on_sendmsg4", HOOKS_TRACEPOINT, "the peer of datagrams from unconnected IPv4 sockets", NULL, false},
    {"on_sendmsg6", HOOKS_TRACEPOINT, "the peer of datagrams from unconnected IPv6 sockets", NULL, false},
    {"on_recvmsg4", HOOKS_TRACEPOINT, "the peer of datagrams to unconnected IPv4 sockets", NULL, false},
    {"on_recvmsg6", HOOKS_TRACEPOINT, "the peer of datagrams to unconnected IPv6 sockets", NULL, false},
    {"on_rcv_space_adjust", HOOKS_TRACEPOINT, NULL, NULL, false},
    {"on_send_length", HOOKS_TRACEPOINT, NULL, NULL, false},
    {"on_recv_length", HOOKS_TRACEPOINT, NULL, NULL, false},
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

struct probe {
	struct picosnitch_bpf *skel;
	struct ring_buffer *ring, *evidence_ring;
	enum hooks door;
	struct probe_hook hooks[PARTS];
	struct bpf_program *programs[PARTS];
	struct bpf_link *links[PARTS];
	unsigned n_hooks;
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

/* Whether the running kernel, or that module of it, has the function that a program goes to. */
static bool kernel_has(struct btf *kernel, const char *section, const char *module)
{
	const char *name = strchr(section, '/');
	struct btf *btf;
	bool has;

	has = name && btf__find_by_name_kind(kernel, name + 1, BTF_KIND_FUNC) > 0;
	if (has || !name || !module)
		return has;
	btf = btf__load_module_btf(module, kernel);
	has = !libbpf_get_error(btf) && btf__find_by_name_kind(btf, name + 1, BTF_KIND_FUNC) > 0;
	btf__free(btf);
	return has;
}

static bool is_loaded(const char *module)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return access(path, F_OK) == 0;
}

static bool is_fexit(const char *section)
{
	return strncmp(section, "fexit/", 6) == 0 || strncmp(section, "fentry/", 7) == 0;
}

/* Chooses the programs of a door, and forgets what an earlier try left. */
static void choose(struct probe *p, enum hooks door, struct btf *btf)
{
	p->door = door;
	p->n_hooks = 0;
	for (size_t i = 0; i < PARTS; i++) {
		struct bpf_program *program = bpf_object__find_program_by_name(p->skel->obj, parts[i].program);
		const char *section = bpf_program__section_name(program);
		bool wanted = parts[i].door == EVERY_DOOR || parts[i].door == door;
		bool absent = wanted && is_fexit(section) && !kernel_has(btf, section, parts[i].module);
		struct probe_hook *hook = &p->hooks[p->n_hooks];

		bpf_program__set_autoload(program, wanted && !absent);
		if (!wanted || (absent && parts[i].replaced))
			continue;
		*hook = (struct probe_hook){
		    .name = section,
		    .without = parts[i].without,
		    .module = parts[i].module,
		    .asleep = absent && parts[i].module && !is_loaded(parts[i].module),
		    .error = absent ? -ENOENT : 0,
		};
		p->programs[p->n_hooks++] = program;
	}
}

static int attach(struct probe *p)
{
	int cgroup = cgroup_root_open(), err = 0;

	for (unsigned i = 0; i < p->n_hooks && !err; i++) {
		struct probe_hook *hook = &p->hooks[i];
		struct bpf_link *link = NULL;

		if (hook->error || strncmp(hook->name, "iter/", 5) == 0) {
			hook->attached = !hook->error;
		} else {
			if (strncmp(hook->name, "cgroup/", 7) != 0)
				link = bpf_program__attach(p->programs[i]);
			else if (cgroup >= 0)
				link = bpf_program__attach_cgroup(p->programs[i], cgroup);
			else
				errno = -cgroup;
			hook->error = link ? 0 : -errno;
			hook->attached = link;
			p->links[i] = link;
		}
		if (hook->attached || hook->asleep)
			continue;
		if (hook->without) {
			log_warning("%s: %s: not seen: %s", hook->name, strerror(-hook->error), hook->without);
		} else {
			err = hook->error;
			log_info("%s: %s", hook->name, strerror(-err));
		}
	}
	if (cgroup >= 0)
		close(cgroup);
	return err;
}

static void unload(struct probe *p)
{
	for (size_t i = 0; i < PARTS; i++)
		bpf_link__destroy(p->links[i]);
	memset(p->links, 0, sizeof(p->links));
	ring_buffer__free(p->ring);
	ring_buffer__free(p->evidence_ring);
	p->ring = p->evidence_ring = NULL;
	picosnitch_bpf__destroy(p->skel);
	p->skel = NULL;
}

static int on_event(void *arg, void *data, size_t len)
{
	struct taker *taker = arg;

	taker->event(taker->arg, data, len);
	/* libbpf counts this event as taken, and returns: the way to stop after some. */
	return taker->room && !--taker->room ? -EAGAIN : 0;
}

/* Few beside what the flow map holds: they are in front of it, not in place of it. */
static uint32_t slots_for(uint32_t max_flows)
{
	uint32_t n = max_flows / 16;

	return n < 1 ? 1 : n > 1 << WIRE_SLOT_BITS ? 1 << WIRE_SLOT_BITS : n;
}

/* Loads and attaches the programs of one door. */
static int try_door(struct probe *p, enum hooks door, const struct settings *s, struct btf *btf)
{
	uint32_t pages = s->capture.ring_buffer_pages;
	int err;

	p->skel = picosnitch_bpf__open();
	if (!p->skel)
		return -errno;
	choose(p, door, btf);
	bpf_map__set_max_entries(p->skel->maps.flows_a, s->capture.max_flows);
	bpf_map__set_max_entries(p->skel->maps.flows_b, s->capture.max_flows);
	bpf_map__set_max_entries(p->skel->maps.slots, slots_for(s->capture.max_flows));
	bpf_map__set_max_entries(p->skel->maps.events, pages * (uint32_t)sysconf(_SC_PAGESIZE));
	err = picosnitch_bpf__load(p->skel);
	if (!err)
		err = attach(p);
	if (!err) {
		p->ring = ring_buffer__new(bpf_map__fd(p->skel->maps.events), on_event, &p->events, NULL);
		err = p->ring ? 0 : -errno;
	}
	if (!err) {
		p->evidence_ring = ring_buffer__new(bpf_map__fd(p->skel->maps.evidence), on_event, &p->evidence, NULL);
		err = p->evidence_ring ? 0 : -errno;
	}
	if (err)
		unload(p);
	return err;
}

/* An iterator to read, or -errno. */
static int iterator_open(const struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -errno;

	bpf_link__destroy(link);
	return fd;
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
	    .flows_inner = {bpf_map__fd(skel->maps.flows_a), bpf_map__fd(skel->maps.flows_b)},
	    .coarse_inner = {bpf_map__fd(skel->maps.coarse_a), bpf_map__fd(skel->maps.coarse_b)},
	    .slots = bpf_map__fd(skel->maps.slots),
	    .n_slots = bpf_map__max_entries(skel->maps.slots),
	    .flows_made = &skel->bss->flows_made,
	    .coarse_made = &skel->bss->coarse_made,
	    .generation = &skel->bss->generation,
	};

	return drain_open(&maps);
}

int probe_open(struct probe **out, const struct settings *s)
{
	static const enum hooks doors[] = {HOOKS_FEXIT, HOOKS_TRACEPOINT};
	static const char *const names[] = {"fexit", "tracepoint"};
	struct probe *p = mem_alloc(sizeof(*p));
	struct btf *btf;
	int err = -ENOTSUP;

	libbpf_set_print(libbpf_message);
	btf = btf__load_vmlinux_btf();
	if (!btf) {
		err = -errno;
		log_error("this kernel does not describe its types (/sys/kernel/btf/vmlinux): %s; a kernel built with "
		          "CONFIG_DEBUG_INFO_BTF is needed",
		          strerror(-err));
		goto out;
	}
	for (size_t i = 0; i < 2 && err; i++) {
		if (s->capture.hooks != HOOKS_AUTO && s->capture.hooks != doors[i])
			continue;
		err = try_door(p, doors[i], s, btf);
		if (err)
			log_debug("the %s hooks cannot be used here: %s", names[i], strerror(-err));
	}
	btf__free(btf);
	if (err) {
		log_error("the BPF programs cannot be loaded%s: %s%s",
		          s->capture.hooks == HOOKS_AUTO ? "" : " (with [capture] hooks = auto, another door may work)",
		          strerror(-err),
		          geteuid() ? " (this needs root)" : "; `picosnitch --debug run` shows the kernel's reasons");
		goto out;
	}
	p->drain = drain_of(p->skel);
	if (p->door == HOOKS_TRACEPOINT)
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
	return p->door;
}

const char *probe_door_name(const struct probe *p)
{
	return p->door == HOOKS_FEXIT ? "fexit" : "tracepoint";
}

const struct probe_hook *probe_hooks(const struct probe *p, unsigned *n)
{
	*n = p->n_hooks;
	return p->hooks;
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

bool probe_consume_evidence(struct probe *p, probe_event event, void *arg, unsigned max)
{
	p->evidence = (struct taker){event, arg, max};
	return ring_buffer__consume(p->evidence_ring) == -EAGAIN;
}

int probe_tasks(struct probe *p, void (*each)(void *, const struct wire_task *), void *arg)
{
	int fd = iterator_open(p->skel->progs.each_task), err = 0;
	struct buf data;

	if (fd < 0)
		return fd;
	buf_init(&data);
	for (;;) {
		size_t room = 64 * sizeof(struct wire_task), had = data.len;
		ssize_t n = read(fd, buf_add(&data, room), room);

		data.len = had + (n > 0 ? (size_t)n : 0);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
	}
	for (size_t at = 0; at + sizeof(struct wire_task) <= data.len; at += sizeof(struct wire_task)) {
		struct wire_task task;

		memcpy(&task, data.data + at, sizeof(task));
		each(arg, &task);
	}
	close(fd);
	buf_done(&data);
	return err;
}

int probe_channels(struct probe *p, void (*each)(void *, const struct wire_channel *), void *arg)
{
	int fd = iterator_open(p->skel->progs.each_channel), err = 0;
	struct wire_channel some[128];

	if (fd < 0)
		return fd;
	for (;;) {
		/* Whole ones: what the kernel has at a time, and what fits here, are multiples of one. */
		ssize_t n = read(fd, some, sizeof(some));

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
		for (size_t i = 0; i < (size_t)n / sizeof(some[0]); i++)
			each(arg, &some[i]);
	}
	close(fd);
	return err;
}

int probe_drain(struct probe *p, struct buf *out)
{
	return drain_all(p->drain, out);
}

void probe_counters(struct probe *p, uint64_t counters[WIRE_COUNTERS])
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *each = mem_alloc((size_t)(cpus > 0 ? cpus : 1) * sizeof(*each));

	for (uint32_t i = 0; i < WIRE_COUNTERS; i++) {
		counters[i] = 0;
		if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.counters), &i, each))
			continue;
		for (int c = 0; c < cpus; c++)
			counters[i] += each[c];
	}
	free(each);
}

const struct probe_hook *probe_overslept(struct probe *p)
{
	for (unsigned i = 0; i < p->n_hooks; i++)
		if (p->hooks[i].asleep && is_loaded(p->hooks[i].module)) {
			p->hooks[i].asleep = false;
			return &p->hooks[i];
		}
	return NULL;
}

uint64_t probe_missed(struct probe *p)
{
	uint64_t missed = 0;

	for (unsigned i = 0; i < p->n_hooks; i++) {
		struct bpf_prog_info info = {0};
		uint32_t len = sizeof(info);

		if (p->hooks[i].attached && !bpf_obj_get_info_by_fd(bpf_program__fd(p->programs[i]), &info, &len))
			missed += info.recursion_misses;
	}
	return missed;
}

enum probe_holds probe_hook_state(const struct probe *p, unsigned hook)
{
	struct bpf_prog_info program = {0};
	struct bpf_link_info link = {0};
	uint32_t program_len = sizeof(program), link_len = sizeof(link);

	if (!p->hooks[hook].attached || !p->links[hook] ||
	    bpf_obj_get_info_by_fd(bpf_link__fd(p->links[hook]), &link, &link_len) ||
	    bpf_obj_get_info_by_fd(bpf_program__fd(p->programs[hook]), &program, &program_len))
		return PROBE_HOLDS;
	/* Links to tracing cannot be detached by others, and have no program but their first. */
	if (link.type == BPF_LINK_TYPE_CGROUP && !link.cgroup.cgroup_id)
		return PROBE_DETACHED;
	return link.prog_id == program.id ? PROBE_HOLDS : PROBE_REPLACED;
}

void probe_hook_lost(struct probe *p, unsigned hook, enum probe_holds why)
{
	p->hooks[hook].attached = false;
	p->hooks[hook].error = why == PROBE_REPLACED ? -EBUSY : -ENOLINK;
}

uint64_t probe_displaced(const struct probe *p)
{
	return drain_displaced(p->drain);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"

/* The skeleton is generated, and not to our warnings' taste. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "bpf/picosnitch.skel.h"
#pragma GCC diagnostic pop

#define DRAIN_BATCH 2048

#define EVERY_DOOR HOOKS_AUTO

/* Every program of the skeleton, by its name there, in the order of attaching: what leaves a note
 * for another comes before it. */
static const struct {
	const char *program;
	enum hooks door; /* EVERY_DOOR: both */
	const char *without;
} parts[] = {
    {"on_fork", EVERY_DOOR, NULL},
    {"on_exec", EVERY_DOOR, NULL},
    {"on_exit", EVERY_DOOR, NULL},
    {"each_task", EVERY_DOOR, NULL},
    {"before_inet6_sendmsg", HOOKS_FEXIT, "the peer of IPv4 datagrams sent through IPv6 sockets"},
    {"before_consume_udp", HOOKS_FEXIT, "the peer of datagrams received without asking for it"},
    {"on_inet_sendmsg", HOOKS_FEXIT, NULL},
    {"on_inet6_sendmsg", HOOKS_FEXIT, "what IPv6 sockets send"},
    {"on_inet_recvmsg", HOOKS_FEXIT, NULL},
    {"on_inet6_recvmsg", HOOKS_FEXIT, "what IPv6 sockets receive"},
    {"on_tcp_splice_read", HOOKS_FEXIT, "TCP received by splice()"},
    {"on_inet_sendpage", HOOKS_FEXIT, "sendfile() and splice() to sockets"},
    {"on_sendmsg4", HOOKS_TRACEPOINT, "the peer of datagrams from unconnected IPv4 sockets"},
    {"on_sendmsg6", HOOKS_TRACEPOINT, "the peer of datagrams from unconnected IPv6 sockets"},
    {"on_recvmsg4", HOOKS_TRACEPOINT, "the peer of datagrams to unconnected IPv4 sockets"},
    {"on_recvmsg6", HOOKS_TRACEPOINT, "the peer of datagrams to unconnected IPv6 sockets"},
    {"on_set_state", HOOKS_TRACEPOINT, NULL},
    {"on_rcv_space_adjust", HOOKS_TRACEPOINT, NULL},
    {"on_send_length", HOOKS_TRACEPOINT, NULL},
    {"on_recv_length", HOOKS_TRACEPOINT, NULL},
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

struct probe {
	struct picosnitch_bpf *skel;
	struct ring_buffer *ring;
	enum hooks door;
	struct probe_hook hooks[PARTS];
	struct bpf_program *programs[PARTS];
	struct bpf_link *links[PARTS];
	unsigned n_hooks;
	int flows[2];    /* the two inner maps */
	unsigned in_use; /* which of them the kernel writes to */
	uint64_t made;   /* flows_made at the last swap */
	struct {
		struct wire_flow_key keys[DRAIN_BATCH];
		struct wire_flow values[DRAIN_BATCH];
	} * batch;
	probe_event event;
	void *event_arg;
	unsigned event_room; /* how many more to hand on; 0: no limit */
};

__attribute__((format(printf, 2, 0))) static int libbpf_message(enum libbpf_print_level level, const char *format,
                                                                va_list args)
{
	(void)level;
	log_message(LOG_LEVEL_DEBUG, format, args);
	return 0;
}

/* Whether the running kernel has a function of that name: the target of an optional program. */
static bool kernel_has(struct btf *btf, const char *section)
{
	const char *name = strchr(section, '/');

	return name && btf__find_by_name_kind(btf, name + 1, BTF_KIND_FUNC) > 0;
}

static bool is_fexit(const char *section)
{
	return strncmp(section, "fexit/", 6) == 0 || strncmp(section, "fentry/", 7) == 0;
}

/* inet_sendpage is gone since 6.5, where sendmsg does its work: nothing is missed then. */
static bool is_needless(struct btf *btf, const char *section)
{
	return strcmp(section, "fexit/inet_sendpage") == 0 && !kernel_has(btf, section);
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
		struct probe_hook *hook = &p->hooks[p->n_hooks];

		if (wanted && is_needless(btf, section))
			wanted = false;
		bpf_program__set_autoload(program, false);
		if (!wanted)
			continue;
		*hook = (struct probe_hook){.name = section, .without = parts[i].without};
		p->programs[p->n_hooks++] = program;
		if (is_fexit(section) && !kernel_has(btf, section))
			hook->error = -ENOENT;
		else
			bpf_program__set_autoload(program, true);
	}
}

static int cgroup_root(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	int fd = -ENOENT;

	while (mounts && (m = getmntent(mounts)))
		if (strcmp(m->mnt_type, "cgroup2") == 0) {
			fd = open(m->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			fd = fd < 0 ? -errno : fd;
			break;
		}
	if (mounts)
		endmntent(mounts);
	return fd;
}

static int attach(struct probe *p)
{
	int cgroup = cgroup_root(), err = 0;

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
		if (hook->attached)
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
	p->ring = NULL;
	picosnitch_bpf__destroy(p->skel);
	p->skel = NULL;
}

static int on_event(void *arg, void *data, size_t len)
{
	struct probe *p = arg;

	p->event(p->event_arg, data, len);
	/* libbpf counts this event as taken, and returns: the way to stop after some. */
	return p->event_room && !--p->event_room ? -EAGAIN : 0;
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
	bpf_map__set_max_entries(p->skel->maps.events, pages * (uint32_t)sysconf(_SC_PAGESIZE));
	/* The storage of positions belongs to the tracepoint door alone. */
	if (door != HOOKS_TRACEPOINT)
		bpf_map__set_autocreate(p->skel->maps.positions, false);
	err = picosnitch_bpf__load(p->skel);
	if (!err)
		err = attach(p);
	if (!err) {
		p->ring = ring_buffer__new(bpf_map__fd(p->skel->maps.events), on_event, p, NULL);
		err = p->ring ? 0 : -errno;
	}
	if (err)
		unload(p);
	return err;
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
	p->flows[0] = bpf_map__fd(p->skel->maps.flows_a);
	p->flows[1] = bpf_map__fd(p->skel->maps.flows_b);
	p->batch = mem_alloc(sizeof(*p->batch));
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
	free(p->batch);
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
	p->event = event;
	p->event_arg = arg;
	p->event_room = max;
	return ring_buffer__consume(p->ring) == -EAGAIN;
}

int probe_tasks(struct probe *p, void (*each)(void *, const struct wire_task *), void *arg)
{
	struct bpf_link *link = bpf_program__attach_iter(p->skel->progs.each_task, NULL);
	struct buf data;
	int fd, err = 0;

	if (!link)
		return -errno;
	buf_init(&data);
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0) {
		err = -errno;
		goto out;
	}
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
out:
	buf_done(&data);
	bpf_link__destroy(link);
	return err;
}

/* Reads and empties a map that no program uses any more. */
static int empty(struct probe *p, int map, struct buf *out)
{
	uint64_t position[2];
	void *in = NULL;
	int total = 0, err;

	do {
		uint32_t n = DRAIN_BATCH;

		err = bpf_map_lookup_and_delete_batch(map, in, position, p->batch->keys, p->batch->values, &n, NULL);
		if (err && err != -ENOENT)
			return err;
		for (uint32_t i = 0; i < n; i++) {
			buf_put(out, &p->batch->keys[i], sizeof(p->batch->keys[i]));
			buf_put(out, &p->batch->values[i], sizeof(p->batch->values[i]));
		}
		total += (int)n;
		in = position;
	} while (!err);
	return total;
}

int probe_drain(struct probe *p, struct buf *out)
{
	uint64_t made = __atomic_load_n(&p->skel->bss->flows_made, __ATOMIC_ACQUIRE);
	unsigned other = !p->in_use;
	uint32_t zero = 0;
	int err;

	if (made == p->made)
		return 0;
	/* Returns only after every program that may still hold the old map has ended. */
	err = bpf_map_update_elem(bpf_map__fd(p->skel->maps.flows), &zero, &p->flows[other], BPF_ANY);
	if (err)
		return err;
	p->made = made;
	p->in_use = other;
	return empty(p, p->flows[!other], out);
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

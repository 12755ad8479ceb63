/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/programs.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/capture/cgroup_root.h"
#include "core/capture/kernel.h"

#define EVERY_DOOR HOOKS_AUTO

/* Of a program. */
enum {
	REPLACED = 1,     /* kernels without its function do the work elsewhere: nothing is missed */
	SINCE_5_11 = 2,   /* only where a file leads to its socket ... */
	BEFORE_5_11 = 4,  /* ... and only where it does not */
	STAND_INS = 8,    /* where they are of use, NAME_1 to NAME_4 in the place of NAME */
	AGAIN = 16,       /* where it is of use, NAME_2 behind NAME: it does no harm to do it twice ... */
	AGAIN_ALWAYS = 32 /* ... and that is everywhere, as an interrupt may come in between */
};

/* Every program of the skeleton, by its name there, in the order of attaching: first what tells of
 * processes, then what counts, and what leaves a note for another before that one. */
static const struct {
	const char *program;
	enum hooks door; /* EVERY_DOOR: both */
	const char *without;
	const char *module; /* where the function may be; NULL: in the kernel itself */
	unsigned traits;
} parts[] = {
    {"on_fork", EVERY_DOOR, NULL, NULL, STAND_INS},
    {"on_exec", EVERY_DOOR, NULL, NULL, STAND_INS},
    {"on_exit", EVERY_DOOR, NULL, NULL, AGAIN},
    {"on_cgroup_mkdir", EVERY_DOOR, "the names of control groups that live briefly", NULL, 0},
    {"on_cgroup_attach", EVERY_DOOR, "processes that are moved to another control group", NULL, 0},
    {"each_task", EVERY_DOOR, NULL, NULL, 0},
    {"each_channel", EVERY_DOOR, "AF_XDP sockets, and devices that are handed to programs", NULL, 0},
    {"each_listener", EVERY_DOOR, "who listens, in the live feed", NULL, 0},
    {"on_set_state", EVERY_DOOR, "when TCP connections begin and end, and who opened them", NULL, AGAIN_ALWAYS},
    {"on_frame", EVERY_DOOR, "frames written to tun and tap devices", NULL, 0},
    {"before_inet6_sendmsg", HOOKS_FEXIT, "the peer of IPv4 datagrams sent through IPv6 sockets", NULL, STAND_INS},
    {"before_consume_udp", HOOKS_FEXIT, "the peer of datagrams received without asking for it", NULL, STAND_INS},
    {"on_inet_sendmsg", HOOKS_FEXIT, NULL, NULL, STAND_INS},
    {"on_inet6_sendmsg", HOOKS_FEXIT, "what IPv6 sockets send", NULL, STAND_INS},
    {"on_inet_recvmsg", HOOKS_FEXIT, NULL, NULL, STAND_INS},
    {"on_inet6_recvmsg", HOOKS_FEXIT, "what IPv6 sockets receive", NULL, STAND_INS},
    {"on_sock_common_recvmsg", HOOKS_FEXIT, "what raw IPv6 sockets receive", NULL, STAND_INS},
    {"on_sock_splice_read", HOOKS_FEXIT, "what is received by splice()", NULL, SINCE_5_11 | STAND_INS},
    {"on_skb_splice_bits", HOOKS_FEXIT, "what is received by splice()", NULL, BEFORE_5_11},
    {"on_inet_sendpage", HOOKS_FEXIT, "sendfile() and splice() to sockets", NULL, REPLACED | STAND_INS},
    {"on_packet_sendmsg", HOOKS_FEXIT, "frames sent by AF_PACKET", "af_packet", STAND_INS},
    {"on_packet_sendmsg_spkt", HOOKS_FEXIT, "frames sent by SOCK_PACKET", "af_packet", STAND_INS},
    {"on_packet_recvmsg", HOOKS_FEXIT, "frames received by AF_PACKET", "af_packet", STAND_INS},
    {"on_vsock_connectible_sendmsg", HOOKS_FEXIT, "what vsock streams send", "vsock", REPLACED | STAND_INS},
    {"on_vsock_connectible_recvmsg", HOOKS_FEXIT, "what vsock streams receive", "vsock", REPLACED | STAND_INS},
    {"on_vsock_stream_sendmsg", HOOKS_FEXIT, "what vsock streams send", "vsock", REPLACED | STAND_INS},
    {"on_vsock_stream_recvmsg", HOOKS_FEXIT, "what vsock streams receive", "vsock", REPLACED | STAND_INS},
    {"on_vsock_dgram_sendmsg", HOOKS_FEXIT, "what vsock sends", "vsock", STAND_INS},
    {"on_vsock_dgram_recvmsg", HOOKS_FEXIT, "what vsock receives", "vsock", STAND_INS},
    {"each_file", HOOKS_TRACEPOINT, "the first bytes that splice() takes from older sockets", NULL, 0},
    {"on_sendmsg4", HOOKS_TRACEPOINT, "the peer of datagrams from unconnected IPv4 sockets", NULL, 0},
    {"on_sendmsg6", HOOKS_TRACEPOINT, "the peer of datagrams from unconnected IPv6 sockets", NULL, 0},
    {"on_recvmsg4", HOOKS_TRACEPOINT, "the peer of datagrams to unconnected IPv4 sockets", NULL, 0},
    {"on_recvmsg6", HOOKS_TRACEPOINT, "the peer of datagrams to unconnected IPv6 sockets", NULL, 0},
    {"on_rcv_space_adjust", HOOKS_TRACEPOINT, NULL, NULL, AGAIN},
    {"on_send_length", HOOKS_TRACEPOINT, NULL, NULL, STAND_INS},
    {"on_recv_length", HOOKS_TRACEPOINT, NULL, NULL, STAND_INS},
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))
_Static_assert(PARTS <= PROGRAMS_MAX, "room for every program");

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool is_trampoline(const char *section)
{
	return starts(section, "fexit/") || starts(section, "fentry/");
}

/* The programs that do a part's work here, in the order in which they are to run. */
static void find(const struct programs *p, struct bpf_object *object, size_t part, struct bpf_program *out[])
{
	unsigned traits = parts[part].traits;
	bool many = (traits & STAND_INS) && p->stand_ins,
	     two = (traits & AGAIN_ALWAYS) || ((traits & AGAIN) && p->stand_ins);
	char name[64];

	for (int turn = 0; turn < PROGRAMS_TURNS; turn++) {
		out[turn] = NULL;
		if (many)
			snprintf(name, sizeof(name), "%s_%d", parts[part].program, turn + 1);
		else
			snprintf(name, sizeof(name), "%s%s", parts[part].program, turn ? "_2" : "");
		if (many || turn < (two ? 2 : 1))
			out[turn] = bpf_object__find_program_by_name(object, name);
	}
}

void programs_choose(struct programs *p, struct bpf_object *object, enum hooks door, struct btf *btf)
{
	unsigned unfit = kernel_has_function(btf, "bpf_sock_from_file", NULL) ? BEFORE_5_11 : SINCE_5_11;
	struct bpf_program *program;

	memset(p, 0, sizeof(*p));
	p->door = door;
	p->stand_ins = kernel_preempts(door);
	bpf_object__for_each_program(program, object) bpf_program__set_autoload(program, false);
	for (size_t i = 0; i < PARTS; i++) {
		const char *section;
		bool absent;

		if ((parts[i].door != EVERY_DOOR && parts[i].door != door) || (parts[i].traits & unfit))
			continue;
		find(p, object, i, p->program[p->n]);
		section = bpf_program__section_name(p->program[p->n][0]);
		absent = is_trampoline(section) && !kernel_has_function(btf, strchr(section, '/') + 1, parts[i].module);
		if (absent && (parts[i].traits & REPLACED))
			continue;
		for (int turn = 0; turn < PROGRAMS_TURNS && p->program[p->n][turn]; turn++)
			bpf_program__set_autoload(p->program[p->n][turn], !absent);
		p->hook[p->n++] = (struct probe_hook){
		    .name = section,
		    .without = parts[i].without,
		    .module = parts[i].module,
		    .asleep = absent && parts[i].module && !kernel_has_module(parts[i].module),
		    .error = absent ? -ENOENT : 0,
		};
	}
}

static void attach(struct programs *p, unsigned i, int cgroup)
{
	struct probe_hook *hook = &p->hook[i];
	int n = 0;

	while (n < PROGRAMS_TURNS && p->program[i][n])
		n++;
	for (int k = 0; k < n && !hook->error; k++) {
		/* Of the programs on a function the one that was attached last runs first. */
		int turn = is_trampoline(hook->name) ? n - 1 - k : k;

		if (!starts(hook->name, "cgroup/"))
			p->link[i][turn] = bpf_program__attach(p->program[i][turn]);
		else if (cgroup >= 0)
			p->link[i][turn] = bpf_program__attach_cgroup(p->program[i][turn], cgroup);
		else
			errno = -cgroup;
		hook->error = p->link[i][turn] ? 0 : -errno;
	}
	hook->attached = !hook->error;
}

int programs_attach(struct programs *p, void (*known)(void *arg), void *arg)
{
	int cgroup = cgroup_root_open(), err = 0;

	for (unsigned i = 0; i < p->n && !err; i++) {
		struct probe_hook *hook = &p->hook[i];

		if (hook->error || starts(hook->name, "iter/"))
			hook->attached = !hook->error;
		else
			attach(p, i, cgroup);
		if (strcmp(hook->name, "iter/task") == 0 && hook->attached)
			known(arg);
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

void programs_detach(struct programs *p)
{
	for (unsigned i = 0; i < p->n; i++)
		for (int turn = 0; turn < PROGRAMS_TURNS; turn++)
			bpf_link__destroy(p->link[i][turn]);
	memset(p->link, 0, sizeof(p->link));
}

/* How often the kernel has passed over a program, since it was loaded. */
static uint64_t passed_over(const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len) ? 0 : info.recursion_misses;
}

/* What was passed over without a stand-in, or at most so much of it; with one, in *first. */
static uint64_t look(struct programs *p, uint64_t *first)
{
	uint64_t lost = 0;

	*first = 0;
	for (unsigned i = 0; i < p->n; i++) {
		bool many = p->program[i][2];
		uint64_t misses, again;

		if (!p->hook[i].attached)
			continue;
		misses = passed_over(p->program[i][0]);
		if (!many && misses && p->program[i][1]) {
			again = passed_over(p->program[i][1]);
			misses = again < misses ? again : misses;
		}
		*(many ? first : &lost) += misses;
		/* Of those that have stand-ins: the last of them, too. */
		if (many && misses)
			misses = passed_over(p->program[i][PROGRAMS_TURNS - 1]);
		if (misses > p->misses[i])
			p->missing = i;
		p->misses[i] = misses;
	}
	return lost;
}

void programs_begin(struct programs *p, uint64_t stood_in)
{
	look(p, &p->passed_over);
	p->stood_in = stood_in;
}

uint64_t programs_missed(struct programs *p, uint64_t stood_in)
{
	uint64_t first, lost = look(p, &first), passed, stood, now;

	passed = first - p->passed_over;
	stood = stood_in - p->stood_in;
	now = lost + (passed > stood ? passed - stood : 0);
	/* A stand-in may be at work just now: what it has not done by the next look is lost. */
	if (p->maybe_missed < now)
		now = p->maybe_missed;
	p->maybe_missed = lost + (passed > stood ? passed - stood : 0);
	if (now > p->missed)
		p->missed = now;
	return p->missed;
}

const char *programs_missing(const struct programs *p)
{
	return p->hook[p->missing].name;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes as the kernel side writes them, decoded. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/text.h"
#include "core/capture/decode.h"
#include "tests/tap.h"

static const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7};
static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

struct pair {
	struct wire_flow_key key;
	struct wire_flow flow;
};

static struct pair example(uint16_t family, const uint8_t laddr[16], const uint8_t raddr[16])
{
	struct pair p = {
	    .key = {.image = {77, 42, 3}, .uid = 1000, .netns = 4026531840, .family = family, .protocol = 17},
	    .flow = {1000, UINT64_MAX, 5},
	};

	p.key.lport = 65535;
	p.key.rport = 53;
	memcpy(p.key.laddr, laddr, 16);
	memcpy(p.key.raddr, raddr, 16);
	return p;
}

static void addresses(uint16_t family, const uint8_t laddr[16], const uint8_t raddr[16], int want_family,
                      const char *want_local, const char *want_remote, const char *what)
{
	struct pair p = example(family, laddr, raddr);
	char local[TEXT_ADDR_SIZE], remote[TEXT_ADDR_SIZE];
	struct observation o;

	is_int(decode_flow(&o, &p, sizeof(p)), 0, "%s is a flow", what);
	is_int(o.family, want_family, "%s: family", what);
	is_str(text_addr(local, &o.laddr), want_local, "%s: local address", what);
	is_str(text_addr(remote, &o.raddr), want_remote, "%s: remote address", what);
}

static void test_flows(void)
{
	static const uint8_t zero[16], v4[16] = {192, 0, 2, 7}, any_mapped[16] = {[10] = 0xff, [11] = 0xff};
	struct pair p = example(AF_INET, v4, v4);
	struct observation o;

	is_int(decode_flow(&o, &p, sizeof(p)), 0, "a flow decodes");
	ok(o.image.start == 77 && o.image.tgid == 42 && o.image.exec_id == 3, "the image is taken over");
	ok(o.uid == 1000 && o.netns == 4026531840 && o.protocol == 17, "uid, namespace and protocol are taken over");
	ok(o.lport == 65535 && o.rport == 53, "ports are taken over");
	ok(o.sent == 1000 && o.received == UINT64_MAX && o.calls == 5, "all 64 bits of the counts are taken over");
	addresses(AF_INET, v4, v4, AF_INET, "192.0.2.7", "192.0.2.7", "IPv4");
	addresses(AF_INET6, v6, v6, AF_INET6, "2001:db8::1", "2001:db8::1", "IPv6");
	addresses(AF_INET6, mapped, mapped, AF_INET, "192.0.2.7", "192.0.2.7", "IPv4 mapped into IPv6");
	addresses(AF_INET6, zero, mapped, AF_INET, "", "192.0.2.7", "an unbound IPv6 socket that talks IPv4");
	addresses(AF_INET6, any_mapped, any_mapped, AF_INET6, "", "", "mapped zeros");
	addresses(AF_INET, zero, zero, AF_INET, "", "", "addresses of zeros are not known");
	is_int(decode_flow(&o, &p, sizeof(p) - 1), -EINVAL, "a flow that is cut is refused");
	is_int(decode_flow(&o, &p, sizeof(p) + 1), -EINVAL, "a flow that is too long is refused");
	p.key.family = AF_UNIX;
	is_int(decode_flow(&o, &p, sizeof(p)), -EINVAL, "another address family is refused");
	p.key.family = AF_INET;
	p.key.protocol = 262;
	is_int(decode_flow(&o, &p, sizeof(p)), 0, "MPTCP is a flow");
	is_int(o.protocol, 262, "MPTCP keeps its number");
}

/* An event in memory that the ring buffer would give: of exactly that length, eight bytes aligned. */
static int decode(const void *event, size_t len, struct process_event *out, void **memory)
{
	*memory = aligned_alloc(8, len ? (len + 7) / 8 * 8 : 8);
	memcpy(*memory, event, len);
	return decode_event(out, *memory, len);
}

static void refused(const void *event, size_t len, const char *what)
{
	struct process_event e;
	void *memory;

	is_int(decode(event, len, &e, &memory), -EINVAL, "refused: %s", what);
	free(memory);
}

static void test_cgroups(void)
{
	struct wire_cgroup cgroup = {.event = {WIRE_CGROUP, 0, {0}}, .id = 4711, .path = "/a.slice/b.service"};
	struct wire_move move = {.event = {WIRE_MOVE, 0, {1, 2, 4}}, .cgroup = 4711};
	struct process_event e;
	void *memory;

	is_int(decode(&cgroup, sizeof(cgroup), &e, &memory), 0, "a control group decodes");
	ok(e.cgroup == 4711 && e.path.len == 18 && memcmp(e.path.data, cgroup.path, 18) == 0, "with its number and path");
	free(memory);
	is_int(decode(&move, sizeof(move), &e, &memory), 0, "a move decodes");
	ok(e.cgroup == 4711 && e.image.tgid == 2, "with who and where to");
	free(memory);
	refused(&cgroup, sizeof(cgroup) - 1, "a control group that is cut");
	refused(&move, sizeof(move) - 1, "a move that is cut");
	memset(cgroup.path, 'x', sizeof(cgroup.path));
	refused(&cgroup, sizeof(cgroup), "a path that does not end");
	cgroup.path[WIRE_CGROUP_PATH - 1] = 0;
	is_int(decode(&cgroup, sizeof(cgroup), &e, &memory), 0, "a path that may have been cut decodes");
	ok(e.cgroup == 4711 && e.path.len == 0, "and is not known");
	free(memory);
}

static void test_events(void)
{
	struct wire_fork fork = {
	    .event = {WIRE_FORK, 0, {1, 2, 3}}, .forker = {4, 5, 6}, .parent = {7, 8, 9}, .cgroup = 77};
	struct wire_exec exec = {
	    .event = {WIRE_EXEC, 0, {1, 2, 4}},
	    .cgroup = 78,
	    .time = 99,
	    .root = {.ino = 2},
	    .cwd = {.ino = 3},
	    .comm = "prog",
	    .filename = "./prog",
	    .interpreted = 1,
	    .uid = 7,
	    .gid = 9,
	    .netns = 8,
	    .args_total = 300,
	    .way_len = 10,
	    .way = "c\0bb\0"
	           "aaaa",
	};
	struct wire_args args = {.event = {WIRE_ARGS, 0, {1, 2, 4}}, .offset = 256, .len = 44};
	struct wire_exit exit = {.event = {WIRE_EXIT, 0, {1, 2, 4}}};
	struct process_event e;
	void *memory;

	is_int(decode(&fork, sizeof(fork), &e, &memory), 0, "a fork decodes");
	ok(e.kind == WIRE_FORK && e.image.tgid == 2 && e.forker.tgid == 5 && e.parent.tgid == 8 && e.cgroup == 77,
	   "with who, whose, by whom and where");
	free(memory);

	exec.args_len = WIRE_ARGS_FIRST;
	memset(exec.args, 'a', sizeof(exec.args));
	is_int(decode(&exec, sizeof(exec), &e, &memory), 0, "an exec decodes");
	is_str(e.comm, "prog", "with its name");
	is_str(e.filename, "./prog", "and its file");
	ok(e.cgroup == 78 && e.time_ns == 99 && e.root.ino == 2 && e.cwd.ino == 3 && e.interpreted,
	   "and when, where and by what");
	ok(e.uid == 7 && e.gid == 9 && e.netns == 8, "its user, group and network namespace");
	ok(e.args.len == WIRE_ARGS_FIRST && e.args_total == 300, "and the beginning of its command line");
	is_str(e.way, "/aaaa/bb/c", "and the path of its folder");
	ok(!e.way_of_file, "of the folder");
	free(memory);
	exec.way_of_file = 1;
	is_int(decode(&exec, sizeof(exec), &e, &memory), 0, "one whose mounts end with it");
	ok(e.way_of_file, "has that of its file");
	free(memory);
	exec.way_len = 0;
	is_int(decode(&exec, sizeof(exec), &e, &memory), 0, "without a way");
	is_str(e.way, "", "there is no path");
	free(memory);
	exec.way_len = 9;
	is_int(decode(&exec, sizeof(exec), &e, &memory), 0, "a way that does not end");
	is_str(e.way, "", "is none");
	free(memory);
	exec.way_len = WIRE_WAY + 1;
	is_int(decode(&exec, sizeof(exec), &e, &memory), 0, "one that is too long");
	is_str(e.way, "", "neither");
	free(memory);
	exec.way_len = WIRE_WAY;
	memset(exec.way, 0, sizeof(exec.way));
	is_int(decode(&exec, sizeof(exec), &e, &memory), 0, "a way of nothing but ends");
	is_int((int)strlen(e.way), WIRE_WAY, "is no longer than its room");
	free(memory);

	is_int(decode(&args, sizeof(args), &e, &memory), 0, "a part of a command line decodes");
	ok(e.offset == 256 && e.args.len == 44, "with its place");
	free(memory);
	is_int(decode(&exit, sizeof(exit), &e, &memory), 0, "an exit decodes");
	free(memory);

	refused("", 0, "nothing");
	refused(&fork, sizeof(fork) - 1, "a fork that is cut");
	refused(&exec, sizeof(exec) - 1, "an exec that is cut");
	refused(&args, sizeof(args) - 1, "a part that is cut");
	args.len = WIRE_ARGS_CHUNK + 1;
	refused(&args, sizeof(args), "a part longer than its room");
	args.len = 1;
	args.offset = UINT32_MAX;
	refused(&args, sizeof(args), "a part beyond any command line");
	exec.args_len = WIRE_ARGS_FIRST + 1;
	refused(&exec, sizeof(exec), "more arguments than there is room");
	exec.args_len = 0;
	memset(exec.comm, 'x', sizeof(exec.comm));
	refused(&exec, sizeof(exec), "a name that does not end");
	memset(exec.comm, 0, sizeof(exec.comm));
	memset(exec.filename, 'x', sizeof(exec.filename));
	refused(&exec, sizeof(exec), "a file name that does not end");
	exit.event.kind = 99;
	refused(&exit, sizeof(exit), "an unknown kind");
}

static int evidence(const void *data, size_t len, struct evidence_event *e, void **memory)
{
	*memory = aligned_alloc(8, (len + 7) / 8 * 8);
	memcpy(*memory, data, len);
	return decode_evidence(e, *memory, len);
}

static void test_evidence(void)
{
	struct {
		struct wire_said said;
		char data[8];
	} e = {.said = {.kind = WIRE_DNS, .len = 8, .total = 9, .seq = 7, .stream = 5, .time = 3}, .data = "12345678"};
	struct evidence_event event;
	void *memory;

	e.said.flow.netns = 4;
	e.said.flow.rport = 53;
	is_int(evidence(&e, sizeof(e), &event, &memory), 0, "evidence decodes");
	ok(event.kind == WIRE_DNS && event.netns == 4 && event.rport == 53 && event.stream == 5 && event.seq == 7 &&
	       event.total == 9 && event.time_ns == 3 && event.text.len == 8 && memcmp(event.text.data, "12345678", 8) == 0,
	   "with all that it says");
	free(memory);
	is_int(evidence(&e, sizeof(e) - 1, &event, &memory), -EINVAL, "refused: bytes that are not there");
	free(memory);
	is_int(evidence(&e, sizeof(e.said) - 1, &event, &memory), -EINVAL, "refused: what is cut");
	free(memory);
	e.said.total = 7;
	is_int(evidence(&e, sizeof(e), &event, &memory), -EINVAL, "refused: more bytes than there were");
	free(memory);
	e.said.total = 8;
	e.said.kind = WIRE_TLS;
	is_int(evidence(&e, sizeof(e), &event, &memory), -EINVAL, "refused: a greeting on no connection");
	free(memory);
	e.said.flow.family = AF_INET;
	e.said.flow.protocol = 6;
	e.said.flow.lport = 1000;
	is_int(evidence(&e, sizeof(e), &event, &memory), 0, "a greeting decodes");
	ok(event.flow.protocol == 6 && event.flow.lport == 1000 && event.flow.rport == 53 && event.flow.netns == 4 &&
	       event.flow.direction == PS_DIRECTION_OUT,
	   "with its connection");
	free(memory);
	e.said.kind = 99;
	is_int(evidence(&e, sizeof(e), &event, &memory), -EINVAL, "refused: another kind");
	free(memory);
}

static void test_lookup(void)
{
	struct wire_lookup l = {.kind = WIRE_LOOKUP, .len = 11, .time = 3, .netns = 4, .name = "example.com"};
	struct evidence_event event;
	void *memory;

	l.found[1] = (struct wire_found){AF_INET6, {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7}};
	l.found[2] = (struct wire_found){99, {1}};
	is_int(evidence(&l, sizeof(l), &event, &memory), 0, "a lookup decodes");
	ok(event.kind == WIRE_LOOKUP && event.time_ns == 3 && event.netns == 4 && event.text.len == 11 &&
	       memcmp(event.text.data, "example.com", 11) == 0,
	   "with the name");
	ok(!event.found[0].family && event.found[1].family == AF_INET && event.found[1].bytes[3] == 7 &&
	       !event.found[2].family,
	   "and its addresses");
	free(memory);
	is_int(evidence(&l, sizeof(l) - 1, &event, &memory), -EINVAL, "refused: what is cut");
	free(memory);
	l.len = sizeof(l.name);
	is_int(evidence(&l, sizeof(l), &event, &memory), -EINVAL, "refused: a name that is longer than its place");
	free(memory);
}

int main(void)
{
	test_flows();
	test_events();
	test_cgroups();
	test_evidence();
	test_lookup();
	return tap_done();
}

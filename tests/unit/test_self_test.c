/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the self-test makes of what was moved and what was observed. */
#include <netinet/in.h>
#include <string.h>

#include "core/capture/self_test.h"
#include "tests/tap.h"

enum { NETNS = 4026532100 };

static struct self_moved moved[SELF_PATHS];
static struct self_test test;

/* Everything was moved, and nothing observed yet. */
static void begin(enum hooks door)
{
	test = (struct self_test){.state = SELF_RUNNING, .door = door, .netns = (uint32_t)NETNS};
	for (int i = 0; i < SELF_PATHS; i++)
		moved[i] = (struct self_moved){.sent = self_paths[i].bytes, .received = self_paths[i].bytes};
}

/* One end of a path, as the kernel side would tell it. */
static struct observation seen(enum self_path path, int end, uint64_t sent, uint64_t received)
{
	const struct self_path_info *info = &self_paths[path];
	struct observation o = {.netns = (uint32_t)NETNS,
	                        .family = (uint8_t)info->family,
	                        .protocol = info->protocol,
	                        .lport = info->ports ? SELF_PORT(path, end) : -1,
	                        .rport = info->ports ? SELF_PORT(path, !end) : -1,
	                        .sent = sent,
	                        .received = received,
	                        .calls = 1};

	o.raddr.family = o.family;
	if (o.family == AF_INET6)
		o.raddr.bytes[15] = 1;
	else
		memcpy(o.raddr.bytes, (uint8_t[]){127, 0, 0, 1}, 4);
	return o;
}

static void observe_all_but(int left_out)
{
	for (int i = 0; i < SELF_PATHS; i++) {
		struct observation from = seen((enum self_path)i, 0, self_paths[i].bytes, 0);
		struct observation to = seen((enum self_path)i, 1, 0, self_paths[i].bytes);

		if (i == left_out)
			continue;
		self_test_observe(&test, &from);
		self_test_observe(&test, &to);
	}
}

static void test_whole(void)
{
	struct observation other = seen(SELF_TCP4, 0, 1, 0);

	begin(HOOKS_TRACEPOINT);
	other.netns++;
	ok(!self_test_observe(&test, &other), "what others do is left to the ledger");
	observe_all_but(-1);
	self_test_judge(&test, moved, "");
	is_int(test.state, SELF_PASSED, "every path counted: passed");
	is_int(test.n[SELF_COUNTED], SELF_PATHS, "and each is said to be counted");
	other.netns--;
	ok(!self_test_observe(&test, &other), "after the judgement the namespace is anybody's");
}

static void test_missing(void)
{
	for (int i = 0; i < SELF_PATHS; i++) {
		char text[256];

		begin(HOOKS_FEXIT);
		observe_all_but(i);
		self_test_judge(&test, moved, "");
		ok(test.state == SELF_FAILED && test.n[SELF_NOT_COUNTED] == 1 && test.results[i].verdict == SELF_NOT_COUNTED,
		   "%s that nobody counts is found", self_paths[i].name);
		self_result_text(text, sizeof(text), &test, (enum self_path)i);
		ok(strncmp(text, self_paths[i].name, strlen(self_paths[i].name)) == 0, "and named: %s", text);
	}
}

static void test_wrong(void)
{
	struct observation o;

	begin(HOOKS_FEXIT);
	observe_all_but(-1);
	o = seen(SELF_TCP_PEEK, 1, 0, 1);
	self_test_observe(&test, &o);
	self_test_judge(&test, moved, "");
	is_int(test.results[SELF_TCP_PEEK].verdict, SELF_NOT_COUNTED, "a byte too much is not exact");

	begin(HOOKS_FEXIT);
	observe_all_but(SELF_MPTCP);
	o = seen(SELF_MPTCP, 0, self_paths[SELF_MPTCP].bytes, self_paths[SELF_MPTCP].bytes);
	o.protocol = IPPROTO_TCP;
	self_test_observe(&test, &o);
	self_test_judge(&test, moved, "");
	is_int(test.results[SELF_MPTCP].verdict, SELF_NOT_COUNTED, "another protocol's bytes are not this one's");
}

static void test_peers(void)
{
	static const enum hooks doors[] = {HOOKS_FEXIT, HOOKS_TRACEPOINT};

	for (int i = 0; i < 2; i++) {
		struct observation from = seen(SELF_UDP_RECV, 0, self_paths[SELF_UDP_RECV].bytes, 0);
		struct observation to = seen(SELF_UDP_RECV, 1, 0, self_paths[SELF_UDP_RECV].bytes);

		begin(doors[i]);
		observe_all_but(SELF_UDP_RECV);
		to.raddr = (struct ps_addr){0};
		to.rport = 0;
		self_test_observe(&test, &from);
		self_test_observe(&test, &to);
		self_test_judge(&test, moved, "");
		is_int(test.results[SELF_UDP_RECV].verdict, i ? SELF_COUNTED : SELF_NO_PEER, "a peer that was not asked for %s",
		       i ? "may be missing behind tracepoints" : "is known behind fexit");
		is_str(self_result_peer(&test.results[SELF_UDP_RECV]), "sending", "and only one way has it");
	}
	begin(HOOKS_TRACEPOINT);
	observe_all_but(SELF_UDP4);
	struct observation from = seen(SELF_UDP4, 0, self_paths[SELF_UDP4].bytes, 0);
	struct observation to = seen(SELF_UDP4, 1, 0, self_paths[SELF_UDP4].bytes);

	from.rport = 9;
	self_test_observe(&test, &from);
	self_test_observe(&test, &to);
	self_test_judge(&test, moved, "");
	is_int(test.results[SELF_UDP4].verdict, SELF_NO_PEER, "a wrong peer is found");
}

static void test_untried(void)
{
	begin(HOOKS_FEXIT);
	observe_all_but(SELF_SCTP);
	moved[SELF_SCTP] = (struct self_moved){.why = "this kernel does not have it"};
	self_test_judge(&test, moved, "");
	ok(test.state == SELF_PASSED && test.n[SELF_NOT_TRIED] == 1, "what the kernel does not have is no failure");

	begin(HOOKS_FEXIT);
	self_test_judge(&test, NULL, "it hung");
	ok(test.state == SELF_BROKEN && strcmp(test.why, "it hung") == 0, "a child that said nothing is no success");
}

int main(void)
{
	test_whole();
	test_missing();
	test_wrong();
	test_peers();
	test_untried();
	return tap_done();
}

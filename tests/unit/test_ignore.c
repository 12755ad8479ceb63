/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What [log] leaves out: each rule at its edges, and many of them. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/ledger/ignore.h"
#include "tests/tap.h"

enum { NETNS = 7 };

static struct log_settings words(enum ignore_list list, const char *text)
{
	struct log_settings log = {true, true, true, false, {0}};
	char *copy = mem_strdup(text), *rest = copy, *word;

	while ((word = lists_word(&rest)))
		if (lists_add(&log.ignore, list, word))
			abort();
	free(copy);
	return log;
}

static struct ignore *rules(enum ignore_list list, const char *text)
{
	struct log_settings log = words(list, text);
	struct ignore *ig = ignore_open(&log);

	lists_done(&log.ignore);
	return ig;
}

static struct ps_addr addr(const char *text)
{
	struct ps_addr a = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};

	if (!*text)
		a.family = 0;
	else if (inet_pton(a.family, text, a.bytes) != 1)
		abort();
	return a;
}

static bool ports(const struct ignore *ig, int64_t lport, int64_t rport)
{
	struct ignore_flow f = {.lport = lport, .rport = rport};

	return ignore_flow(ig, &f);
}

static bool ends(const struct ignore *ig, const char *laddr, const char *raddr)
{
	struct ignore_flow f = {NETNS, 5, 6, addr(laddr), addr(raddr)};

	return ignore_flow(ig, &f);
}

static bool domain(const struct ignore *ig, const char *text)
{
	return ignore_domain(ig, (struct ps_text){text, (uint32_t)strlen(text)});
}

static void test_ports(void)
{
	struct ignore *ig = rules(IGNORE_PORTS, "443, 6000-6063 65535");

	ok(ports(ig, 40000, 443) && ports(ig, 443, 40000), "a port, at either end");
	ok(!ports(ig, 40000, 442) && !ports(ig, 40000, 444), "not its neighbours");
	ok(ports(ig, 1, 6000) && ports(ig, 1, 6063) && !ports(ig, 1, 5999) && !ports(ig, 1, 6064),
	   "a range, both ends in it");
	ok(ports(ig, 1, 65535), "the last port");
	ok(!ports(ig, 0, 0) && !ports(ig, -1, -1), "what has no ports, or none that is known");
	ok(!ports(ig, 1, 65536 + 443), "a port of vsock beyond 65535 is another");
	ok(!ends(ig, "0.0.1.187", "0.0.1.187"), "a port is not taken for an address");
	ignore_close(ig);
	ig = rules(IGNORE_PORTS, "");
	ok(!ig && !ports(ig, 443, 443) && !domain(ig, "com"), "no rules ignore nothing");
}

static void test_domains(void)
{
	char deep[300] = "com.example";
	struct ignore *ig = rules(IGNORE_DOMAINS, "com.example ARPA,org.a.b");

	ok(domain(ig, "com.example") && domain(ig, "com.example.www") && domain(ig, "com.example.a.b.c"),
	   "a domain, and all below it");
	ok(!domain(ig, "com.examples") && !domain(ig, "com.example-x.www") && !domain(ig, "com.exampl"),
	   "not one that begins with the same letters");
	ok(!domain(ig, "com") && !domain(ig, "com.other.example") && !domain(ig, "org.a"),
	   "not what is above or beside it");
	ok(domain(ig, "arpa.in-addr.7") && domain(ig, "arpa"), "a first level");
	ok(domain(ig, "COM.Example.WWW"), "in either case");
	ok(!domain(ig, "") && !domain(ig, ".") && !domain(ig, "com..example"), "not known, or no name");
	while (strlen(deep) < 252)
		strcat(deep, ".a");
	ok(strlen(deep) == 253 && domain(ig, deep), "the longest name");
	strcat(deep, ".a");
	ok(!domain(ig, deep), "what is longer is none");
	ok(!ends(ig, "", "127.0.0.1") && !ports(ig, 1, 1), "domains are not looked for elsewhere");
	ignore_close(ig);
}

static void test_subnets(void)
{
	struct ignore *ig =
	    rules(IGNORE_SUBNETS, "192.168.1.5/24 10.0.0.0/8 10.1.0.0/16 172.16.0.1 fd00::/8 2001:db8::7/127");

	ok(ends(ig, "", "192.168.1.0") && ends(ig, "", "192.168.1.255"), "host bits do not count");
	ok(!ends(ig, "", "192.168.0.255") && !ends(ig, "", "192.168.2.0"), "and its neighbours are others");
	ok(ends(ig, "", "10.0.0.0") && ends(ig, "", "10.1.2.3") && ends(ig, "", "10.255.255.255") &&
	       !ends(ig, "", "11.0.0.0") && !ends(ig, "", "9.255.255.255"),
	   "a network with another in it");
	ok(ends(ig, "", "172.16.0.1") && !ends(ig, "", "172.16.0.0") && !ends(ig, "", "172.16.0.2"), "one address");
	ok(ends(ig, "", "fd12::1") && !ends(ig, "", "fc12::1") && !ends(ig, "", "fe80::1"), "IPv6");
	ok(ends(ig, "", "2001:db8::6") && ends(ig, "", "2001:db8::7") && !ends(ig, "", "2001:db8::8"), "a prefix of 127");
	ok(!ends(ig, "10.0.0.1", "11.0.0.1") && !ends(ig, "10.0.0.1", ""), "the local address is not looked at");
	ignore_close(ig);

	/* Records have such addresses as IPv4: so must the rules. */
	ig = rules(IGNORE_SUBNETS, "::ffff:192.0.2.1, ::ffff:10.0.0.0/104");
	ok(ends(ig, "", "192.0.2.1") && !ends(ig, "", "192.0.2.2"), "an address of IPv4 that is mapped into IPv6");
	ok(ends(ig, "", "10.9.9.9") && !ends(ig, "", "11.0.0.1"), "and a network");
	ignore_close(ig);

	ig = rules(IGNORE_SUBNETS, "::/0");
	ok(ends(ig, "", "2001:db8::1") && ends(ig, "", "::1") && !ends(ig, "", "192.0.2.1") && !ends(ig, "", ""),
	   "all of IPv6 is not IPv4, nor what is not known");
	ignore_close(ig);
	ig = rules(IGNORE_SUBNETS, "0.0.0.0/0");
	ok(ends(ig, "", "0.0.0.1") && ends(ig, "", "255.255.255.255") && !ends(ig, "", "2001:db8::1"), "all of IPv4");
	ignore_close(ig);
}

static void test_many(void)
{
	struct log_settings log = {true, true, true, false, {0}};
	unsigned wrong = 0;
	struct ignore *ig;
	char text[80];

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.4/30", i / 256, i % 256);
		lists_add(&log.ignore, IGNORE_SUBNETS, text);
		snprintf(text, sizeof(text), "com.n%u", i);
		lists_add(&log.ignore, IGNORE_DOMAINS, text);
		snprintf(text, sizeof(text), "%064x", i);
		lists_add(&log.ignore, IGNORE_HASHES, text);
	}
	ig = ignore_open(&log);
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t hash[32] = {[30] = (uint8_t)(i >> 8), [31] = (uint8_t)i};
		char in[32], below[32], above[32];

		snprintf(in, sizeof(in), "10.%u.%u.7", i / 256, i % 256);
		snprintf(below, sizeof(below), "10.%u.%u.3", i / 256, i % 256);
		snprintf(above, sizeof(above), "10.%u.%u.8", i / 256, i % 256);
		snprintf(text, sizeof(text), "com.n%u.www.x", i);
		wrong += !ends(ig, "", in) || ends(ig, "", below) || ends(ig, "", above) || !domain(ig, text) ||
		         !ignore_hash(ig, hash);
		hash[0] = 1;
		wrong += ignore_hash(ig, hash);
	}
	is_int(wrong, 0, "20,000 networks, domains and hashes, each found");
	ok(!domain(ig, "com.n20000") && !domain(ig, "com.n"), "and no others");
	lists_done(&log.ignore);
	ignore_close(ig);
}

static void test_hashes(void)
{
	struct ignore *ig = rules(IGNORE_HASHES, "27125F0331490b7fbf4da11f2bd913ce1b94e071367b2fa8e535ce8c5526e29c "
	                                         "27125f0331490b7fbf4da11f2bd913ce1b94e071367b2fa8e535ce8c5526e29c");
	uint8_t hash[32] = {0x27, 0x12, 0x5f, 0x03, 0x31, 0x49, 0x0b, 0x7f, 0xbf, 0x4d, 0xa1, 0x1f, 0x2b, 0xd9, 0x13, 0xce,
	                    0x1b, 0x94, 0xe0, 0x71, 0x36, 0x7b, 0x2f, 0xa8, 0xe5, 0x35, 0xce, 0x8c, 0x55, 0x26, 0xe2, 0x9c};

	ok(ignore_hash(ig, hash), "a hash, given twice");
	hash[31] ^= 1;
	ok(!ignore_hash(ig, hash), "not another one");
	ignore_close(ig);
}

static void test_local(void)
{
	struct log_settings log = {true, true, true, true, {0}};
	struct own_address own[] = {{NETNS, addr("192.0.2.1")}, {NETNS, addr("fd00::1")}, {NETNS, addr("192.0.2.1")}};
	struct ignore_flow vsock = {.raddr = {AF_VSOCK, {0, 0, 0, 1}}};
	struct ignore *ig = ignore_open(&log);
	struct ignore_flow elsewhere = {NETNS + 1, 1, 1, {0}, addr("192.0.2.1")};

	ok(ignore_wants_addresses(ig), "it asks for addresses");
	ok(ends(ig, "", "127.0.0.1") && ends(ig, "", "127.255.0.9") && ends(ig, "", "::1"), "loopback");
	ok(!ends(ig, "127.0.0.1", "") && !ends(ig, "", ""), "not when the other end is not known");
	ok(!ends(ig, "", "128.0.0.1") && !ends(ig, "", "::2") && !ends(ig, "", "fe80::1"), "nor what is near");
	ok(ends(ig, "198.51.100.1", "198.51.100.1") && ends(ig, "fd00::9", "fd00::9"), "equal ends");
	ok(!ends(ig, "198.51.100.1", "198.51.100.2"), "a neighbour");
	ok(!ends(ig, "", "192.0.2.1"), "an address that is not known to be here");
	ignore_set_addresses(ig, own, 3);
	ok(ends(ig, "", "192.0.2.1") && ends(ig, "10.0.0.1", "fd00::1"), "one that an interface has");
	ok(!ignore_flow(ig, &elsewhere), "but not in another namespace");
	ok(!ends(ig, "192.0.2.1", "198.51.100.2"), "from there to elsewhere");
	ignore_set_addresses(ig, own + 1, 1);
	ok(!ends(ig, "", "192.0.2.1") && ends(ig, "", "fd00::1"), "until it has it no longer");
	ok(ignore_flow(ig, &vsock), "vsock, to oneself");
	vsock.raddr.bytes[3] = 2;
	ok(!ignore_flow(ig, &vsock), "vsock, to the host");
	ignore_close(ig);
}

int main(void)
{
	test_ports();
	test_domains();
	test_subnets();
	test_many();
	test_hashes();
	test_local();
	return tap_done();
}

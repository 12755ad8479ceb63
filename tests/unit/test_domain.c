/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of addresses: which evidence counts, for how long, and within which memory. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/identify/domain.h"
#include "tests/tap.h"

#define S NS_PER_S

static const struct wire_image me = {1, 100, 1}, other = {2, 200, 1};

static struct ps_addr addr(const char *text)
{
	struct ps_addr a = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};

	inet_pton(a.family, text, a.bytes);
	return a;
}

static void learn_in(struct domains *d, uint32_t netns, struct wire_image who, enum ps_domain_source source,
                     const char *name, const char *address, uint32_t ttl, int64_t at)
{
	struct domain_seen seen = {source, who, netns, addr(address), {name, (uint32_t)strlen(name)}, ttl, at};

	domains_learn(d, &seen);
}

static void learn(struct domains *d, struct wire_image who, enum ps_domain_source source, const char *name,
                  const char *address, uint32_t ttl, int64_t at)
{
	learn_in(d, 1, who, source, name, address, ttl, at);
}

static struct domain_flow flow(const char *address, int64_t opened)
{
	return (struct domain_flow){
	    .image = me,
	    .netns = 1,
	    .protocol = 6,
	    .direction = PS_DIRECTION_OUT,
	    .lport = 40000,
	    .rport = 443,
	    .laddr = addr("192.0.2.100"),
	    .raddr = addr(address),
	    .opened_ns = opened,
	    .first_ns = opened,
	};
}

/* "name source rivals". */
static const char *find(struct domains *d, const struct domain_flow *f, int64_t now)
{
	static const char *const sources[] = {
	    [PS_DOMAIN_NONE] = "none", [PS_DOMAIN_DNS] = "dns",     [PS_DOMAIN_GETADDRINFO] = "getaddrinfo",
	    [PS_DOMAIN_SNI] = "sni",   [PS_DOMAIN_HOSTS] = "hosts", [PS_DOMAIN_PTR] = "ptr",
	};
	static char text[600];
	struct domain_answer a;

	domains_find(d, f, now, &a);
	snprintf(text, sizeof(text), "%.*s %s %u", (int)a.name.len, a.name.data, sources[a.source], a.rivals);
	return text;
}

static const char *find_new(struct domains *d, const char *address, int64_t opened)
{
	struct domain_flow f = flow(address, opened);

	f.closed = true; /* so that nothing is kept of it */
	return find(d, &f, opened);
}

static void test_order(void)
{
	struct domains *d = domains_open();

	is_str(find_new(d, "192.0.2.1", 50 * S), " none 0", "an address that nobody asked for has no name");
	learn(d, other, PS_DOMAIN_DNS, "com.a", "192.0.2.1", 60, 10 * S);
	is_str(find_new(d, "192.0.2.1", 50 * S), "com.a dns 0", "an answer names its address");
	is_str(find_new(d, "192.0.2.2", 50 * S), " none 0", "and no other");
	learn(d, other, PS_DOMAIN_DNS, "com.b", "192.0.2.1", 60, 20 * S);
	learn(d, other, PS_DOMAIN_GETADDRINFO, "com.b", "192.0.2.1", 0, 15 * S);
	learn(d, other, PS_DOMAIN_DNS, "com.c", "192.0.2.1", 60, 5 * S);
	is_str(find_new(d, "192.0.2.1", 50 * S), "com.b dns 2", "of several the newest, and the others are rivals");
	is_str(find_new(d, "192.0.2.1", 12 * S), "com.a dns 1", "that was there when the connection was opened");
	is_str(find_new(d, "192.0.2.1", 2 * S), " none 0", "what came long after is none");
	is_str(find_new(d, "192.0.2.1", 4 * S), "com.c dns 0", "what came right after it is taken");
	learn(d, me, PS_DOMAIN_DNS, "com.mine", "192.0.2.1", 60, 11 * S);
	is_str(find_new(d, "192.0.2.1", 50 * S), "com.mine dns 0", "what the program asked for itself is better");
	learn(d, me, PS_DOMAIN_GETADDRINFO, "mine", "192.0.2.1", 0, 11 * S);
	is_str(find_new(d, "192.0.2.1", 50 * S), "mine getaddrinfo 0", "and what it gave to getaddrinfo() best");
	domains_close(d);
}

static void test_bounds_of_evidence(void)
{
	struct domain_flow f = flow("192.0.2.1", 0);
	struct domains *d = domains_open();

	learn(d, me, PS_DOMAIN_DNS, "com.a", "192.0.2.1", 60, 10 * S);
	f.netns = 2;
	f.first_ns = 20 * S;
	is_str(find(d, &f, 20 * S), " none 0", "another namespace's evidence is none");
	f.netns = 1;
	f.direction = PS_DIRECTION_IN;
	is_str(find(d, &f, 20 * S), " none 0", "who calls in was not asked for");
	f.direction = PS_DIRECTION_UNKNOWN;
	is_str(find(d, &f, 20 * S), "com.a dns 0", "who may have been called was");
	domains_hosts_begin(d, 1);
	for (int i = 0; i < 2; i++) {
		const struct ps_addr a = addr("192.0.2.1"), b = addr("192.0.2.9");

		domains_hosts_add(d, &a, (struct ps_text){"first", 5});
		domains_hosts_add(d, &b, (struct ps_text){i ? "second" : "first", i ? 6 : 5});
	}
	is_str(find_new(d, "192.0.2.1", 20 * S), "com.a dns 0", "an answer is better than the hosts file");
	is_str(find_new(d, "192.0.2.9", 20 * S), "first hosts 1", "which is better than nothing");
	f = flow("192.0.2.9", 20 * S);
	f.netns = 2;
	is_str(find(d, &f, 20 * S), " none 0", "in its own namespace");
	domains_hosts_begin(d, 2);
	is_str(find_new(d, "192.0.2.9", 20 * S), "first hosts 1", "whatever another's says");
	domains_hosts_begin(d, 1);
	is_str(find_new(d, "192.0.2.9", 20 * S), " none 0", "until it is read anew");
	learn(d, (struct wire_image){0}, PS_DOMAIN_PTR, "com.ptr", "192.0.2.9", 60, 30 * S);
	f = flow("192.0.2.9", 20 * S);
	f.direction = PS_DIRECTION_IN;
	f.first_ns = f.opened_ns = 40 * S;
	is_str(find(d, &f, 40 * S), "com.ptr ptr 0", "who calls in may have a name by PTR");
	learn(d, (struct wire_image){0}, PS_DOMAIN_PTR, "com.later", "192.0.2.10", 60, 90 * S);
	is_str(find_new(d, "192.0.2.10", 50 * S), "com.later ptr 0", "which may come at any time");
	domains_close(d);
}

static void test_time(void)
{
	struct domain_flow f = flow("192.0.2.1", 20 * S), udp = flow("192.0.2.1", 0);
	struct domains *d = domains_open();

	learn(d, other, PS_DOMAIN_DNS, "com.a", "192.0.2.1", 60, 10 * S);
	learn(d, other, PS_DOMAIN_DNS, "com.b", "192.0.2.2", 3600, 10 * S);
	is_str(find_new(d, "192.0.2.1", 309 * S), "com.a dns 0", "a short TTL is stretched to five minutes");
	is_str(find_new(d, "192.0.2.1", 311 * S), " none 0", "then it has expired");
	is_str(find_new(d, "192.0.2.2", 3609 * S), "com.b dns 0", "a longer one is kept to");
	is_str(find_new(d, "192.0.2.2", 3611 * S), " none 0", "as long as it is");
	learn(d, me, PS_DOMAIN_DNS, "com.a", "192.0.2.1", 60, 12 * S);
	is_str(find_new(d, "192.0.2.1", 9999 * S), "com.a dns 0", "a program knows for longer what it was told itself");

	is_str(find(d, &f, 30 * S), "com.a dns 0", "a connection gets its name");
	learn(d, me, PS_DOMAIN_DNS, "com.z", "192.0.2.1", 60, 3000 * S);
	is_str(find(d, &f, 5000 * S), "com.a dns 0", "and keeps it when the TTL is over and there are newer ones");
	f.opened_ns = f.first_ns = 3200 * S;
	is_str(find(d, &f, 5000 * S), "com.z dns 0", "the next one between the same ends has its own");

	udp.protocol = 17;
	udp.lport = 5;
	udp.raddr = addr("192.0.2.2");
	udp.first_ns = 100 * S;
	is_str(find(d, &udp, 100 * S), "com.b dns 0", "so does what has no beginning");
	for (int64_t now = 200; now < 9000; now += 200) {
		udp.first_ns = now * S;
		find(d, &udp, now * S);
	}
	learn(d, other, PS_DOMAIN_DNS, "com.y", "192.0.2.2", 3600, 9000 * S);
	udp.first_ns = 9010 * S;
	is_str(find(d, &udp, 9010 * S), "com.b dns 0", "as long as it goes on");
	udp.first_ns = 9500 * S;
	is_str(find(d, &udp, 9500 * S), "com.y dns 0", "after a pause it is another");
	domains_close(d);
}

static void test_late(void)
{
	struct domain_flow f = flow("192.0.2.1", 20 * S);
	struct domains *d = domains_open();

	is_str(find(d, &f, 21 * S), " none 0", "a connection without evidence has no name");
	learn(d, other, PS_DOMAIN_DNS, "com.a", "192.0.2.1", 60, 19 * S);
	is_str(find(d, &f, 31 * S), "com.a dns 0", "evidence that is told late counts from then on");
	learn(d, me, PS_DOMAIN_GETADDRINFO, "com.mine", "192.0.2.1", 0, 19 * S);
	is_str(find(d, &f, 41 * S), "com.mine getaddrinfo 0", "better evidence takes the place of what was there");
	learn(d, me, PS_DOMAIN_DNS, "com.late", "192.0.2.1", 60, 50 * S);
	is_str(find(d, &f, 61 * S), "com.mine getaddrinfo 0", "and nothing else does");
	/* The same name again: the connection that began before must still find it. */
	for (int i = 0; i < 5; i++)
		learn(d, other, PS_DOMAIN_DNS, "com.again", "192.0.2.7", 60, (19 + 10 * i) * S);
	is_str(find_new(d, "192.0.2.7", 22 * S), "com.again dns 0", "a name that is asked for again was there before");
	domains_close(d);
}

static void test_greeted(void)
{
	struct domain_flow f = flow("192.0.2.1", 20 * S), g;
	struct domains *d = domains_open();

	learn(d, me, PS_DOMAIN_GETADDRINFO, "com.a", "192.0.2.1", 0, 19 * S);
	domains_greeted(d, &f, (struct ps_text){"com.said", 8});
	is_str(find(d, &f, 30 * S), "com.said sni 0", "what was said on the connection itself is best");
	is_str(find(d, &f, 40 * S), "com.said sni 0", "and stays");
	g = f;
	g.lport++;
	is_str(find(d, &g, 40 * S), "com.a getaddrinfo 0", "it says nothing of another");
	g.lport = f.lport;
	g.opened_ns = g.first_ns = 50 * S;
	is_str(find(d, &g, 60 * S), "com.a getaddrinfo 0", "nor of the next between the same ends");
	domains_close(d);
}

static void test_room(void)
{
	struct domains_stats stats;
	struct domains *d = domains_open();
	char name[300], address[64];

	learn_in(d, 2, other, PS_DOMAIN_DNS, "com.quiet", "192.0.2.77", 3600, S);
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "com.n%d", i);
		learn(d, other, PS_DOMAIN_DNS, name, "192.0.2.1", 3600, (2 + i) * NS_PER_MS);
	}
	domains_get_stats(d, &stats);
	ok(stats.pairs == DOMAINS_OF_ADDRESS + 1 && stats.names <= stats.pairs + 1,
	   "10,000 names of one address: %zu are kept", stats.pairs);
	is_int(stats.evicted, 10000 - DOMAINS_OF_ADDRESS, "the others are counted");
	is_str(find_new(d, "192.0.2.1", 15 * S), "com.n9999 dns 63", "the newest counts");

	for (int i = 0; i < 10000; i++) {
		snprintf(address, sizeof(address), "10.1.%d.%d", i / 256, i % 256);
		learn(d, other, PS_DOMAIN_DNS, "com.one", address, 3600, 20 * S);
	}
	domains_get_stats(d, &stats);
	is_int(stats.addresses, 10002, "one name of 10,000 addresses is known of each");
	is_int(stats.names, DOMAINS_OF_ADDRESS + 2, "and kept once");
	is_str(find_new(d, "10.1.39.15", 22 * S), "com.one dns 0", "the last of them");

	for (int i = 0; i < 50000; i++) {
		snprintf(name, sizeof(name), "com.%0240d", i);
		snprintf(address, sizeof(address), "2001:db8::%x:%x", i / 65536, i % 65536);
		learn(d, other, PS_DOMAIN_DNS, name, address, 3600, 30 * S);
	}
	domains_get_stats(d, &stats);
	ok(stats.pairs <= DOMAINS_MAX && stats.text <= DOMAINS_TEXT_MAX, "a flood stays within its bounds: %zu, %zu bytes",
	   stats.pairs, stats.text);
	learn_in(d, 3, other, PS_DOMAIN_DNS, "com.new", "192.0.2.78", 3600, 31 * S);
	for (int i = 0; i < 20000; i++) {
		snprintf(address, sizeof(address), "2001:db8:1::%x", i);
		learn(d, other, PS_DOMAIN_DNS, "com.two", address, 3600, 32 * S);
	}
	domains_get_stats(d, &stats);
	is_int(stats.pairs, DOMAINS_MAX, "so does one of addresses");
	for (uint32_t netns = 2; netns <= 3; netns++) {
		struct domain_flow f = flow(netns == 2 ? "192.0.2.77" : "192.0.2.78", 40 * S);

		f.netns = netns;
		is_str(find(d, &f, 40 * S), netns == 2 ? "com.quiet dns 0" : "com.new dns 0",
		       "and leaves the other namespaces what they have");
	}
	for (int i = 0; i < 20000; i++) {
		struct domain_flow f = flow("2001:db8:1::4e1f", 40 * S);

		f.rport = 1 + i % 60000;
		domains_greeted(d, &f, (struct ps_text){name, (uint32_t)(10 + i % 200)});
	}
	domains_get_stats(d, &stats);
	is_int(stats.flows, DOMAINS_FLOWS_MAX, "connections whose name is kept are bounded, too");
	domains_close(d);
}

int main(void)
{
	test_order();
	test_bounds_of_evidence();
	test_time();
	test_late();
	test_greeted();
	test_room();
	return tap_done();
}

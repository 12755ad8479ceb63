/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers of DNS, and names in reverse notation. */
#include <errno.h>
#include <stdlib.h>

#include "core/base/text.h"
#include "core/identify/dns_message.h"
#include "core/identify/domain_name.h"
#include "tests/tap.h"
#include "tests/unit/dns_builder.h"

static char told[65536];

static void tell(void *arg, const struct dns_found *f)
{
	size_t n = strlen(told);
	char name[1024], addr[TEXT_ADDR_SIZE];

	(void)arg;
	text_show(name, sizeof(name), f->name, PS_SHOW_PATH);
	snprintf(told + n, sizeof(told) - n, "%s%s %s %u", n ? ", " : "", name, text_addr(addr, &f->addr), f->ttl);
}

/* What a message tells, as text. */
static const char *read_kind(const struct buf *m, enum dns_kind kind, int *result)
{
	uint8_t *exact = malloc(m->len ? m->len : 1);

	told[0] = 0;
	memcpy(exact, m->data, m->len);
	*result = dns_message_read(exact, m->len, kind, tell, NULL);
	free(exact);
	return told;
}

static const char *read_plain(const struct buf *m)
{
	int result;

	return read_kind(m, DNS_PLAIN, &result);
}

static void test_answers(struct buf *m)
{
	dns_begin(m, 0x8180, 2, "www.Example.com", DNS_A);
	dns_address(m, "@12", "192.0.2.1", 300);
	dns_address(m, "@12", "192.0.2.2", 60);
	is_str(read_plain(m), "com.example.www 192.0.2.1 300, com.example.www 192.0.2.2 60", "each address of a name");

	dns_begin(m, 0x8180, 1, "v6.example", DNS_AAAA);
	dns_address(m, "@12", "2001:db8::7", 5);
	is_str(read_plain(m), "example.v6 2001:db8::7 5", "IPv6");
	dns_begin(m, 0x8180, 1, "mapped.example", DNS_AAAA);
	dns_address(m, "@12", "::ffff:192.0.2.9", 5);
	is_str(read_plain(m), "example.mapped 192.0.2.9 5", "IPv4 in IPv6 is IPv4");
	dns_begin(m, 0x8180, 2, "blocked.example", DNS_A);
	dns_address(m, "@12", "0.0.0.0", 5);
	dns_address(m, "@12", "::", 5);
	is_str(read_plain(m), "", "the address of nobody is none");

	dns_begin(m, 0x8180, 2, "a.example", DNS_A);
	dns_address(m, "b.example", "192.0.2.1", 5);
	dns_address(m, "A.EXAMPLE", "192.0.2.2", 5);
	is_str(read_plain(m), "example.a 192.0.2.2 5", "what nobody asked for is left out; case does not matter");
	dns_begin(m, 0x8180, 1, "big.example", DNS_A);
	dns_address(m, "@12", "192.0.2.2", 0x80000001);
	is_str(read_plain(m), "example.big 192.0.2.2 0", "a TTL with the highest bit is none");
}

static void test_chains(struct buf *m)
{
	char name[64];

	dns_begin(m, 0x8180, 4, "www.shop.example", DNS_A);
	dns_alias(m, "@12", "shop.cdn.example", 60);
	dns_alias(m, "shop.cdn.example", "edge7.cdn.example", 600);
	dns_address(m, "edge7.cdn.example", "192.0.2.1", 300);
	dns_address(m, "edge7.cdn.example", "192.0.2.2", 20);
	is_str(read_plain(m), "example.shop.www 192.0.2.1 60, example.shop.www 192.0.2.2 20",
	       "aliases lead to the addresses; the least TTL holds");

	dns_begin(m, 0x8180, 3, "c0.example", DNS_A);
	dns_address(m, "c2.example", "192.0.2.1", 9);
	dns_alias(m, "c1.example", "c2.example", 9);
	dns_alias(m, "c0.example", "c1.example", 9);
	is_str(read_plain(m), "example.c0 192.0.2.1 9", "in any order");

	dns_begin(m, 0x8180, 3, "loop.example", DNS_A);
	dns_alias(m, "@12", "pool.example", 9);
	dns_alias(m, "pool.example", "loop.example", 9);
	dns_address(m, "pool.example", "192.0.2.1", 9);
	is_str(read_plain(m), "example.loop 192.0.2.1 9", "aliases in a circle end");

	dns_begin(m, 0x8180, 101, "n0.example", DNS_A);
	for (int i = 0; i < 100; i++) {
		char next[64];

		snprintf(name, sizeof(name), "n%d.example", i);
		snprintf(next, sizeof(next), "n%d.example", i + 1);
		dns_alias(m, name, next, 9);
	}
	dns_address(m, "n100.example", "192.0.2.1", 9);
	is_str(read_plain(m), "", "a chain beyond reason leads nowhere");
}

static void test_services(struct buf *m)
{
	size_t at;

	dns_begin(m, 0x8180, 1, "svc.example", DNS_HTTPS);
	at = dns_record(m, "@12", DNS_HTTPS, 1, 77);
	dns_u16(m, 1);
	dns_name(m, "");
	dns_u16(m, 1); /* alpn */
	dns_u16(m, 3);
	buf_put(m, "\2h3", 3);
	dns_u16(m, 4);
	dns_u16(m, 8);
	buf_put(m, "\300\0\2\1\300\0\2\2", 8);
	dns_u16(m, 6);
	dns_u16(m, 16);
	buf_put(m, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\5", 16);
	dns_end(m, at);
	is_str(read_plain(m), "example.svc 192.0.2.1 77, example.svc 192.0.2.2 77, example.svc 2001:db8::5 77",
	       "the hints of HTTPS records");
	m->data[at + 2 + 2 + 1 + 7 + 3] = 200; /* the hints' length */
	is_str(read_plain(m), "", "hints longer than their record are none");

	dns_begin(m, 0x8180, 2, "apex.example", DNS_HTTPS);
	at = dns_record(m, "@12", DNS_HTTPS, 1, 77);
	dns_u16(m, 0);
	dns_name(m, "real.example");
	dns_end(m, at);
	dns_address(m, "real.example", "192.0.2.1", 9);
	is_str(read_plain(m), "example.apex 192.0.2.1 9", "an HTTPS record can be an alias");
}

static void test_refused(struct buf *m)
{
	int result;

	dns_begin(m, 0x0100, 1, "q.example", DNS_A);
	dns_address(m, "@12", "192.0.2.1", 9);
	read_kind(m, DNS_PLAIN, &result);
	is_int(result, -EINVAL, "a query is no answer");
	dns_begin(m, 0x8183, 1, "q.example", DNS_A);
	dns_address(m, "@12", "192.0.2.1", 9);
	read_kind(m, DNS_PLAIN, &result);
	is_int(result, -EINVAL, "nor is an error");
	dns_begin(m, 0x8180, 1, NULL, 0);
	dns_address(m, "q.example", "192.0.2.1", 9);
	read_kind(m, DNS_PLAIN, &result);
	is_int(result, -EINVAL, "nor what repeats no question");
	dns_begin(m, 0x8180, 1, "", DNS_A);
	dns_address(m, "", "192.0.2.1", 9);
	read_kind(m, DNS_PLAIN, &result);
	is_int(result, -EINVAL, "nor what asks for the root");

	dns_begin(m, 0x8380, 3, "cut.example", DNS_A);
	dns_address(m, "@12", "192.0.2.1", 9);
	dns_address(m, "@12", "192.0.2.2", 9);
	m->len -= 3;
	is_str(read_plain(m), "example.cut 192.0.2.1 9", "what is cut is read as far as it goes");
	for (m->len = 0; m->len < 40; m->len++)
		read_kind(m, DNS_PLAIN, &result);
	ok(1, "however short it is");

	dns_begin(m, 0x8180, 1, "@12", DNS_A);
	dns_address(m, "@12", "192.0.2.1", 9);
	is_str(read_plain(m), "", "a name that points at itself ends");
	dns_begin(m, 0x8180, 1, "@40", DNS_A);
	dns_address(m, "a.example.long.enough.to.be.there", "192.0.2.1", 9);
	is_str(read_plain(m), "", "and one that points forward");
}

static void test_names(struct buf *m)
{
	char longest[260] = "", name[DOMAIN_NAME_SIZE], dotted[DOMAIN_NAME_MAX + 8];

	for (int i = 0; i < 3; i++)
		sprintf(longest + strlen(longest), "%063d.", i);
	sprintf(longest + strlen(longest), "%061d", 3);
	is_int(strlen(longest), 253, "the longest name has 253 bytes");
	dns_begin(m, 0x8180, 1, longest, DNS_A);
	dns_address(m, "@12", "192.0.2.1", 1);
	is_int(strcspn(read_plain(m), " "), 253, "and comes out whole");
	strcat(longest, "4");
	dns_begin(m, 0x8180, 1, longest, DNS_A);
	dns_address(m, "@12", "192.0.2.1", 1);
	is_str(read_plain(m), "", "a longer one is none");

	dns_begin(m, 0x8180, 1, NULL, 0);
	m->data[5] = 1;
	buf_put(m, "\4a.\\\n\1\0\7example\0\0\1\0\1", 4 + 1 + 2 + 8 + 1 + 4);
	dns_address(m, "@12", "192.0.2.1", 1);
	is_str(read_plain(m), "example.\\x00.a\\\\.\\\\\\\\\\x0a 192.0.2.1 1", "labels of any bytes can be told apart");

	is_int(domain_name_from_text(name, "WWW.Example.com.", 16), 15, "a name in the usual notation");
	is_str(name, "com.example.www", "is turned round");
	is_int(domain_name_from_text(name, "localhost", 9), 9, "one label is a name");
	is_str(name, "localhost", "as it is");
	is_int(domain_name_from_text(name, "192.0.2.1", 9), 0, "an address is none");
	is_int(domain_name_from_text(name, "fe80::1%eth0", 12), 0, "nor one of IPv6");
	is_int(domain_name_from_text(name, "a..b", 4), 0, "nor an empty label");
	is_int(domain_name_from_text(name, ".", 1), 0, "nor a dot");
	is_int(domain_name_from_text(name, "", 0), 0, "nor nothing");
	memset(dotted, '.', sizeof(dotted));
	for (size_t i = 0; i < sizeof(dotted); i += 2)
		dotted[i] = '\\';
	is_int(domain_name_from_text(name, dotted, 253), 253 + 127, "127 labels that have to be told from others");
	is_int(domain_name_from_text(name, dotted, 255), 0, "are the most");
}

static void test_link(struct buf *m)
{
	int result;

	dns_begin(m, 0x8400, 3, NULL, 0);
	dns_address(m, "printer.local", "192.0.2.1", 120);
	dns_address(m, "bank.example", "192.0.2.2", 120);
	buf_put(m, m->data + 12, 0);
	dns_address(m, "box.sub.local", "2001:db8::1", 120);
	is_str(read_kind(m, DNS_MULTICAST, &result), "local.printer 192.0.2.1 120, local.sub.box 2001:db8::1 120",
	       "mDNS is believed within its domain");
	m->data[12 + 15 + 2] = 0x80; /* the first record's class: flush the cache */
	is_str(read_kind(m, DNS_MULTICAST, &result), "local.printer 192.0.2.1 120, local.sub.box 2001:db8::1 120",
	       "with its own bit in the class");
	dns_begin(m, 0x8000, 1, "box", DNS_A);
	dns_address(m, "@12", "192.0.2.1", 30);
	is_str(read_kind(m, DNS_LINK_LOCAL, &result), "box 192.0.2.1 30", "LLMNR is believed for plain names");
	dns_begin(m, 0x8000, 1, "bank.example", DNS_A);
	dns_address(m, "@12", "192.0.2.1", 30);
	is_str(read_kind(m, DNS_LINK_LOCAL, &result), "", "and for no others");
}

int main(void)
{
	struct buf m;

	buf_init(&m);
	test_answers(&m);
	test_chains(&m);
	test_services(&m);
	test_refused(&m);
	test_names(&m);
	test_link(&m);
	buf_done(&m);
	return tap_done();
}

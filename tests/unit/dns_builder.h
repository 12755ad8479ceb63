/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of DNS, put together record by record, for tests. */
#ifndef PS_TESTS_UNIT_DNS_BUILDER_H
#define PS_TESTS_UNIT_DNS_BUILDER_H

#include <arpa/inet.h>
#include <string.h>

#include "core/base/buf.h"

enum { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28, DNS_OPT = 41, DNS_SVCB = 64, DNS_HTTPS = 65 };

static inline void dns_u16(struct buf *m, unsigned v)
{
	buf_put_u8(m, (uint8_t)(v >> 8));
	buf_put_u8(m, (uint8_t)v);
}

/* "www.example.com" as labels; "@12" as a pointer to byte 12, also after labels: "www.@20". */
static inline void dns_name(struct buf *m, const char *name)
{
	while (*name && *name != '@') {
		size_t n = strcspn(name, ".");

		buf_put_u8(m, (uint8_t)n);
		buf_put(m, name, n);
		name += n + (name[n] == '.');
	}
	if (*name == '@')
		dns_u16(m, 0xc000u | (unsigned)strtoul(name + 1, NULL, 10));
	else
		buf_put_u8(m, 0);
}

/* The header, and the question if there is one. */
static inline void dns_begin(struct buf *m, unsigned flags, unsigned answers, const char *question, unsigned type)
{
	m->len = 0;
	dns_u16(m, 0x1234);
	dns_u16(m, flags);
	dns_u16(m, question != NULL);
	dns_u16(m, answers);
	dns_u16(m, 0);
	dns_u16(m, 0);
	if (!question)
		return;
	dns_name(m, question);
	dns_u16(m, type);
	dns_u16(m, 1);
}

/* A record up to its data; returns where the length of it is, for dns_end(). */
static inline size_t dns_record(struct buf *m, const char *owner, unsigned type, unsigned class, uint32_t ttl)
{
	dns_name(m, owner);
	dns_u16(m, type);
	dns_u16(m, class);
	dns_u16(m, ttl >> 16);
	dns_u16(m, ttl & 0xffff);
	dns_u16(m, 0);
	return m->len - 2;
}

static inline void dns_end(struct buf *m, size_t at)
{
	size_t n = m->len - at - 2;

	m->data[at] = (uint8_t)(n >> 8);
	m->data[at + 1] = (uint8_t)n;
}

static inline void dns_alias(struct buf *m, const char *owner, const char *target, uint32_t ttl)
{
	size_t at = dns_record(m, owner, DNS_CNAME, 1, ttl);

	dns_name(m, target);
	dns_end(m, at);
}

/* An A or AAAA record, as the address is. */
static inline void dns_address(struct buf *m, const char *owner, const char *address, uint32_t ttl)
{
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	size_t at = dns_record(m, owner, family == AF_INET ? DNS_A : DNS_AAAA, 1, ttl);
	uint8_t bytes[16];

	inet_pton(family, address, bytes);
	buf_put(m, bytes, family == AF_INET ? 4 : 16);
	dns_end(m, at);
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/special.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct range {
	uint8_t bytes[16];
	unsigned bits;
	const char *word; /* NULL: in the world after all */
};

/* The first that fits holds. */
static const struct range ipv4[] = {
    {{0}, 8, "reserved"}, /* 0.0.0.0/8: this network */
    {{10}, 8, "private"},
    {{172, 16}, 12, "private"},
    {{192, 168}, 16, "private"},
    {{127}, 8, "loopback"},
    {{169, 254}, 16, "link-local"},
    {{100, 64}, 10, "shared"},   /* a provider's own, behind its NAT */
    {{192, 0, 0, 9}, 32, NULL},  /* anycast of PCP ... */
    {{192, 0, 0, 10}, 32, NULL}, /* ... and TURN */
    {{192, 0, 0}, 24, "reserved"},
    {{192, 0, 2}, 24, "documentation"},
    {{198, 51, 100}, 24, "documentation"},
    {{203, 0, 113}, 24, "documentation"},
    {{198, 18}, 15, "benchmark"},
    {{224}, 4, "multicast"},
    {{255, 255, 255, 255}, 32, "broadcast"},
    {{240}, 4, "reserved"},
};

static const struct range ipv6[] = {
    {{[15] = 1}, 128, "loopback"},
    {{0xfc}, 7, "private"},
    {{0xfe, 0x80}, 10, "link-local"},
    {{0xfe, 0xc0}, 10, "private"}, /* site-local, as it once was */
    {{0xff}, 8, "multicast"},
    {{0x00, 0x64, 0xff, 0x9b, 0, 1}, 48, "private"}, /* translation within a network */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
    {{0x3f, 0xff}, 20, "documentation"},
    {{0x20, 0x01, 0, 2}, 48, "benchmark"},
    {{0x20, 0x01, 0, 0}, 32, NULL},        /* Teredo */
    {{0x20, 0x01, 0, 1}, 32, NULL},        /* anycast */
    {{0x20, 0x01, 0, 3}, 32, NULL},        /* AMT */
    {{0x20, 0x01, 0, 4, 1, 12}, 48, NULL}, /* AS112 */
    {{0x20, 0x01}, 23, "reserved"},
    {{0x20}, 3, NULL}, /* what has been given to the world */
    {{0}, 0, "reserved"},
};

static bool fits(const struct range *r, const uint8_t *bytes)
{
	unsigned whole = r->bits / 8, rest = r->bits % 8;

	return memcmp(r->bytes, bytes, whole) == 0 && (!rest || (r->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0);
}

bool special_parse(struct ps_addr *addr, struct ps_text text)
{
	static const struct range carriers[] = {
	    {{[10] = 0xff, 0xff}, 96, NULL}, {{0x00, 0x64, 0xff, 0x9b}, 96, NULL}, {{0x20, 0x02}, 16, NULL}};

	*addr = (struct ps_addr){0};
	if (memchr(text.data, 0, text.len))
		return false;
	if (inet_pton(AF_INET, text.data, addr->bytes) == 1) {
		addr->family = AF_INET;
		return true;
	}
	if (inet_pton(AF_INET6, text.data, addr->bytes) != 1)
		return false;
	addr->family = AF_INET6;
	for (size_t i = 0; i < COUNT(carriers); i++)
		if (fits(&carriers[i], addr->bytes)) {
			struct ps_addr inner = {.family = AF_INET};

			memcpy(inner.bytes, addr->bytes + (carriers[i].bits == 16 ? 2 : 12), 4);
			*addr = inner;
			break;
		}
	return true;
}

const char *special_word(const struct ps_addr *addr)
{
	const struct range *ranges = addr->family == AF_INET ? ipv4 : ipv6;
	size_t n = addr->family == AF_INET ? COUNT(ipv4) : COUNT(ipv6);

	for (size_t i = 0; i < n; i++)
		if (fits(&ranges[i], addr->bytes))
			return ranges[i].word;
	return NULL;
}

bool special_is_word(const char *word)
{
	for (size_t i = 0; i < COUNT(ipv4); i++)
		if (ipv4[i].word && strcmp(ipv4[i].word, word) == 0)
			return true;
	return false;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/config/lists.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/mem.h"
#include "core/base/text.h"

/* The list with room for one more; it doubles, so that its length says how much room it has. */
static void *grow(void *list, size_t n, size_t size)
{
	return n & (n - 1) ? list : mem_resize(list, (n ? 2 * n : 1) * size);
}

/* A decimal number of at most `most`, up to `end`; -1: it is not one. */
static long number(const char *s, const char *end, long most)
{
	long n = 0;

	if (s == end || end - s > 5)
		return -1;
	for (; s < end; s++) {
		if (!isdigit((unsigned char)*s))
			return -1;
		n = 10 * n + (*s - '0');
	}
	return n <= most ? n : -1;
}

static const char *add_ports(struct ignore_lists *l, const char *word)
{
	const char *end = word + strlen(word), *dash = strchr(word, '-');
	long first = number(word, dash ? dash : end, UINT16_MAX), last = dash ? number(dash + 1, end, UINT16_MAX) : first;

	if (first < 1 || last < 1)
		return "is not a port, 1 to 65535, or a range of them, such as 6000-6063";
	if (first > last)
		return "is a range that ends before it begins";
	l->ports = grow(l->ports, l->n_ports, sizeof(*l->ports));
	l->ports[l->n_ports++] = (struct port_range){(uint16_t)first, (uint16_t)last};
	return NULL;
}

/* A name of 253 bytes at most, of labels of 1 to 63: what a resolver may answer, reversed. */
static const char *add_domain(struct ignore_lists *l, const char *word)
{
	static const char bad[] = "is not a domain in reverse notation, such as com.example for example.com and all below";
	size_t len = strlen(word), label = 0, first = strcspn(word, ".");
	char *name;

	if (len > 253)
		return "is longer than the 253 bytes that a domain may have";
	/* No domain of the first level is a number: it is an address, or is not reversed. */
	if (strspn(word, "0123456789") >= first)
		return bad;
	for (size_t i = 0; i <= len; i++) {
		unsigned char c = (unsigned char)word[i];

		if (c == '.' || !c) {
			if (!label || label > 63)
				return bad;
			label = 0;
			continue;
		}
		if (!isalnum(c) && c != '-' && c != '_' && c < 0x80)
			return bad;
		label++;
	}
	name = mem_strdup(word);
	for (char *c = name; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
	l->domains = grow(l->domains, l->n_domains, sizeof(*l->domains));
	l->domains[l->n_domains++] = name;
	return NULL;
}

static const char *add_subnet(struct ignore_lists *l, const char *word)
{
	static const char bad[] = "is not an address or a network, such as 10.0.0.0/8 or fd00::/8";
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const char *slash = strchr(word, '/');
	size_t len = slash ? (size_t)(slash - word) : strlen(word), size;
	char text[INET6_ADDRSTRLEN];
	struct subnet s = {0};
	long bits;

	if (len >= sizeof(text))
		return bad;
	memcpy(text, word, len);
	text[len] = 0;
	s.addr.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(s.addr.family, text, s.addr.bytes) != 1)
		return bad;
	size = s.addr.family == AF_INET6 ? 16 : 4;
	bits = slash ? number(slash + 1, slash + strlen(slash), 8 * (long)size) : 8 * (long)size;
	if (bits < 0)
		return size == 16 ? "has a prefix that is not between 0 and 128" : "has a prefix that is not between 0 and 32";
	/* An address of IPv4 in the guise of IPv6 is one of IPv4. */
	if (size == 16 && bits >= 96 && memcmp(s.addr.bytes, mapped, sizeof(mapped)) == 0) {
		s.addr.family = AF_INET;
		memmove(s.addr.bytes, s.addr.bytes + 12, 4);
		memset(s.addr.bytes + 4, 0, 12);
		size = 4;
		bits -= 96;
	}
	s.bits = (uint8_t)bits;
	for (size_t i = 0; i < size; i++, bits -= 8)
		s.addr.bytes[i] &= (uint8_t)(bits >= 8 ? 0xff : bits > 0 ? 0xff << (8 - bits) : 0);
	l->subnets = grow(l->subnets, l->n_subnets, sizeof(*l->subnets));
	l->subnets[l->n_subnets++] = s;
	return NULL;
}

static const char *add_hash(struct ignore_lists *l, const char *word)
{
	struct hash_value h;

	if (!text_unhex(h.sha256, sizeof(h.sha256), word, strlen(word)))
		return "is not a SHA-256, which has 64 hexadecimal digits";
	l->hashes = grow(l->hashes, l->n_hashes, sizeof(*l->hashes));
	l->hashes[l->n_hashes++] = h;
	return NULL;
}

const char *lists_add(struct ignore_lists *l, enum ignore_list list, const char *word)
{
	switch (list) {
	case IGNORE_PORTS:
		return add_ports(l, word);
	case IGNORE_DOMAINS:
		return add_domain(l, word);
	case IGNORE_SUBNETS:
		return add_subnet(l, word);
	case IGNORE_HASHES:
		return add_hash(l, word);
	}
	return NULL;
}

char *lists_word(char **text)
{
	static const char between[] = ", \t";
	char *word = *text + strspn(*text, between), *end = word + strcspn(word, between);

	*text = *end ? end + 1 : end;
	*end = 0;
	return *word ? word : NULL;
}

void lists_done(struct ignore_lists *l)
{
	for (size_t i = 0; i < l->n_domains; i++)
		free(l->domains[i]);
	free(l->ports);
	free(l->subnets);
	free(l->domains);
	free(l->hashes);
	*l = (struct ignore_lists){0};
}

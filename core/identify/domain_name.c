/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/domain_name.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

static size_t put_label(char *out, struct ps_text label)
{
	size_t n = 0;

	for (uint32_t i = 0; i < label.len; i++) {
		char c = label.data[i];

		if (c == '.' || c == '\\')
			out[n++] = '\\';
		out[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return n;
}

size_t domain_name_join(char out[DOMAIN_NAME_SIZE], const struct ps_text *labels, size_t n)
{
	size_t len = 0;

	while (n) {
		len += put_label(out + len, labels[--n]);
		if (n)
			out[len++] = '.';
	}
	out[len] = 0;
	return len;
}

/* Whether it is an address, as getaddrinfo() and hosts files have them beside names. */
static bool is_address(const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN + 32], *scope;
	struct in6_addr addr;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = 0;
	scope = strchr(copy, '%');
	if (scope)
		*scope = 0;
	/* inet_aton() knows the short forms too, such as 127.1. */
	return inet_aton(copy, (struct in_addr *)&addr) || inet_pton(AF_INET6, copy, &addr) == 1;
}

size_t domain_name_from_text(char out[DOMAIN_NAME_SIZE], const char *text, size_t len)
{
	struct ps_text labels[DOMAIN_LABELS];
	size_t n = 0, start = 0;

	if (len && text[len - 1] == '.')
		len--;
	if (!len || len > DOMAIN_NAME_MAX || is_address(text, len))
		return 0;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != '.')
			continue;
		if (i == start || i - start > 63)
			return 0;
		labels[n++] = (struct ps_text){text + start, (uint32_t)(i - start)};
		start = i + 1;
	}
	return domain_name_join(out, labels, n);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/hosts_file.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "core/identify/domain_name.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* The next word of a line, or nothing at its end. */
static struct ps_text word(const char **at, const char *end)
{
	const char *start;

	while (*at < end && is_blank(**at))
		++*at;
	start = *at;
	while (*at < end && !is_blank(**at))
		++*at;
	return (struct ps_text){start, (uint32_t)(*at - start)};
}

/* False: it is none, or that of nobody. */
static bool address_of(struct ps_addr *addr, struct ps_text text)
{
	static const uint8_t zeros[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
	char copy[INET6_ADDRSTRLEN + 32], *scope;

	if (!text.len || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = 0;
	scope = strchr(copy, '%');
	if (scope)
		*scope = 0;
	*addr = (struct ps_addr){0};
	if (inet_pton(AF_INET, copy, addr->bytes) == 1) {
		addr->family = AF_INET;
	} else if (inet_pton(AF_INET6, copy, addr->bytes) == 1) {
		addr->family = AF_INET6;
		if (memcmp(addr->bytes, mapped, sizeof(mapped)) == 0) {
			addr->family = AF_INET;
			memmove(addr->bytes, addr->bytes + 12, 4);
			memset(addr->bytes + 4, 0, 12);
		}
	}
	return addr->family && memcmp(addr->bytes, zeros, sizeof(zeros)) != 0;
}

static size_t read_line(const char *at, const char *end, size_t most, hosts_file_each each, void *arg)
{
	struct ps_addr addr;
	struct ps_text text;
	size_t n = 0;

	if (!address_of(&addr, word(&at, end)))
		return 0;
	while (n < most && (text = word(&at, end)).len) {
		char name[DOMAIN_NAME_SIZE];
		size_t len = domain_name_from_text(name, text.data, text.len);

		if (len) {
			each(arg, &addr, (struct ps_text){name, (uint32_t)len});
			n++;
		}
	}
	return n;
}

size_t hosts_file_read(const char *text, size_t len, hosts_file_each each, void *arg)
{
	const char *end = text + len;
	size_t n = 0;

	while (text < end && n < HOSTS_FILE_NAMES) {
		const char *stop = memchr(text, '\n', (size_t)(end - text)), *comment;

		stop = stop ? stop : end;
		comment = memchr(text, '#', (size_t)(stop - text));
		n += read_line(text, comment ? comment : stop, HOSTS_FILE_NAMES - n, each, arg);
		text = stop + 1;
	}
	return n;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/tls_hello.h"

#include <stdbool.h>

#include "core/base/buf.h"

enum {
	RECORD_HANDSHAKE = 22,
	CLIENT_HELLO = 1,
	RANDOM_SIZE = 32,
	EXTENSION_SERVER_NAME = 0,
	NAME_IS_HOST = 0,
};

/* TLS has the larger byte first. */
static uint32_t number(struct cursor *c, unsigned bytes)
{
	uint32_t n = 0;

	while (bytes--)
		n = n << 8 | cursor_u8(c);
	return n;
}

/* Passes over what has its length before it. */
static void pass(struct cursor *c, unsigned bytes)
{
	cursor_take(c, number(c, bytes));
}

/* The first host name of the extension: there may be one of each type. */
static size_t name_of(char out[DOMAIN_NAME_SIZE], struct cursor *c, size_t size)
{
	const uint8_t *text;
	uint32_t len;

	if (number(c, 2) + 2 != size || number(c, 1) != NAME_IS_HOST)
		return 0;
	len = number(c, 2);
	text = len + 5 <= size ? cursor_take(c, len) : NULL;
	return text ? domain_name_from_text(out, (const char *)text, len) : 0;
}

/* To the extensions of a hello. */
static bool find_extensions(struct cursor *c)
{
	if (number(c, 1) != RECORD_HANDSHAKE || number(c, 1) != 3)
		return false;
	number(c, 1); /* the lower half of the version says nothing */
	number(c, 2);
	if (number(c, 1) != CLIENT_HELLO)
		return false;
	number(c, 3);
	number(c, 2);
	cursor_take(c, RANDOM_SIZE);
	pass(c, 1); /* session */
	pass(c, 2); /* ciphers */
	pass(c, 1); /* compression */
	number(c, 2);
	return !c->bad;
}

size_t tls_hello_name(char out[DOMAIN_NAME_SIZE], const void *data, size_t len)
{
	struct cursor c;

	out[0] = 0;
	cursor_init(&c, data, len);
	if (!find_extensions(&c))
		return 0;
	while (!c.bad && cursor_left(&c) >= 4) {
		uint32_t type = number(&c, 2), size = number(&c, 2);

		if (type == EXTENSION_SERVER_NAME)
			return name_of(out, &c, size);
		cursor_take(&c, size);
	}
	return 0;
}

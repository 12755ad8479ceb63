/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The name in the first message of TLS. */
#include "core/identify/tls_hello.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "tests/tap.h"

struct hello {
	uint8_t record, handshake, session;
	const char *name; /* NULL: no such extension */
	size_t name_len;  /* 0: strlen() */
	uint8_t name_type;
	uint16_t before, behind; /* bytes of other extensions */
	int off;                 /* is added to the length of the list of names */
};

static void put(struct buf *b, size_t n, unsigned bytes)
{
	while (bytes--)
		buf_put_u8(b, (uint8_t)(n >> 8 * bytes));
}

static void fill(struct buf *b, size_t n)
{
	memset(buf_add(b, n), 0, n);
}

static void put_other(struct buf *b, unsigned type, size_t n)
{
	if (!n)
		return;
	put(b, type, 2);
	put(b, n, 2);
	fill(b, n);
}

static void make(struct buf *out, const struct hello *h)
{
	size_t len = !h->name ? 0 : h->name_len ? h->name_len : strlen(h->name);
	struct buf body = {0}, extensions = {0};

	put_other(&extensions, 0xfe0d, h->before);
	if (h->name) {
		put(&extensions, 0, 2);
		put(&extensions, len + 5, 2);
		put(&extensions, len + 3 + (size_t)h->off, 2);
		put(&extensions, h->name_type, 1);
		put(&extensions, len, 2);
		buf_put(&extensions, h->name, len);
	}
	put_other(&extensions, 51, h->behind);
	put(&body, 0x303, 2);
	fill(&body, 32);
	put(&body, h->session, 1);
	fill(&body, h->session);
	put(&body, 4, 2);
	fill(&body, 4);
	put(&body, 1, 1);
	fill(&body, 1);
	put(&body, extensions.len, 2);
	buf_put(&body, extensions.data, extensions.len);
	put(out, h->record, 1);
	put(out, 0x301, 2);
	put(out, body.len + 4, 2);
	put(out, h->handshake, 1);
	put(out, body.len, 3);
	buf_put(out, body.data, body.len);
	buf_done(&body);
	buf_done(&extensions);
}

/* Reads the first `len` bytes (0: all) in memory of exactly that length. */
static void check(const struct hello *h, size_t len, const char *want, const char *what)
{
	char name[DOMAIN_NAME_SIZE];
	struct buf made = {0};
	uint8_t *exact;
	size_t n;

	make(&made, h);
	len = len ? len : made.len;
	exact = malloc(len);
	memcpy(exact, made.data, len);
	n = tls_hello_name(name, exact, len);
	is_str(name, want, "%s", what);
	is_int(n, strlen(want), "%s: its length", what);
	free(exact);
	buf_done(&made);
}

int main(void)
{
	struct hello plain = {.record = 22, .handshake = 1, .session = 32, .name = "www.Example.com"}, h = plain;
	struct buf made = {0};
	char name[DOMAIN_NAME_SIZE], text[300];
	unsigned with = 0;

	check(&h, 0, "com.example.www", "the name");
	h.before = 1200;
	h.behind = 1300;
	check(&h, 0, "com.example.www", "among others");
	check(&h, 5 + 4 + 34 + 33 + 6 + 2 + 2 + 1204 + 9 + 15, "com.example.www", "cut behind it");
	check(&h, 5 + 4 + 34 + 33 + 6 + 2 + 2 + 1204 + 9 + 14, "", "cut within it");
	h = plain;
	h.session = 0;
	check(&h, 0, "com.example.www", "without a session");
	h.session = 255;
	check(&h, 0, "com.example.www", "with a long one");
	h = plain;
	h.name = NULL;
	check(&h, 0, "", "no extensions");
	h.behind = 40;
	check(&h, 0, "", "others only");
	h = plain;
	h.record = 23;
	check(&h, 0, "", "another record");
	h = plain;
	h.handshake = 2;
	check(&h, 0, "", "another message");
	h = plain;
	h.name_type = 1;
	check(&h, 0, "", "another type of name");
	h = plain;
	h.off = 1;
	check(&h, 0, "", "a list that is longer than its extension");
	h = plain;
	h.name = "192.0.2.1";
	check(&h, 0, "", "an address is no name");
	h.name = "www..example";
	check(&h, 0, "", "nor is what has an empty label");
	h.name = "";
	check(&h, 0, "", "nor is nothing");
	memset(text, 'a', sizeof(text));
	for (size_t i = 50; i < sizeof(text); i += 51)
		text[i] = '.';
	h.name = text;
	h.name_len = 254;
	check(&h, 0, "", "nor is what is too long");

	make(&made, &plain);
	for (size_t len = 0; len <= made.len; len++) {
		uint8_t *exact = malloc(len ? len : 1);

		memcpy(exact, made.data, len);
		with += tls_hello_name(name, exact, len) > 0;
		free(exact);
	}
	is_int(with, 1, "of all its beginnings only the whole has a name");
	buf_done(&made);
	return tap_done();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

size_t text_utf8(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned long c;
	size_t n;

	if (!len)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2, c = p[0] & 0x1f;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3, c = p[0] & 0x0f;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4, c = p[0] & 0x07;
	else
		return 0;
	if (len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if ((n == 3 && (c < 0x800 || (c >= 0xd800 && c <= 0xdfff))) || (n == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	return n;
}

/* Counts everything, as snprintf() does, and keeps what fits up to the first piece that does not,
 * so that no character and no escape is cut in two. */
struct out {
	char *at;
	size_t size, len, kept;
};

static void put(struct out *o, const char *s, size_t n)
{
	if (o->kept == o->len && o->len + n < o->size) {
		memcpy(o->at + o->len, s, n);
		o->kept += n;
	}
	o->len += n;
}

static void put_byte(struct out *o, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char hex[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};

	put(o, hex, 4);
}

/* Length of the character at s if it can be shown as it is: valid, not a control character (C0,
 * DEL, C1), and none of those that turn the direction of text or end a line. */
static size_t showable(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = text_utf8(s, len);

	if (n == 1 && (p[0] < 0x20 || p[0] == 0x7f))
		return 0;
	if (n == 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return 0;
	if (n == 3 && p[0] == 0xe2) {
		/* U+200E..F, U+2028..E, U+2066..9: marks, separators, embeddings, isolates */
		if (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae)))
			return 0;
		if (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)
			return 0;
	}
	if (n == 2 && p[0] == 0xd8 && p[1] == 0x9c) /* U+061C */
		return 0;
	return n;
}

static void show_escaped(struct out *o, const char *s, size_t len, char quote)
{
	while (len) {
		size_t n = showable(s, len);

		if (!n) {
			put_byte(o, (unsigned char)*s);
			n = 1;
		} else if (*s == '\\' || (quote && *s == quote)) {
			char pair[2] = {'\\', *s};

			put(o, pair, 2);
		} else {
			put(o, s, n);
		}
		s += n;
		len -= n;
	}
}

/* True for what bash takes for something else than a command's name at the start of a line. */
static bool is_special(const char *s, size_t len)
{
	static const char *const words[] = {"if",    "then",  "else", "elif", "fi", "case",     "esac", "for",   "select",
	                                    "while", "until", "do",   "done", "in", "function", "time", "coproc"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == len && memcmp(words[i], s, len) == 0)
			return true;
	return memchr(s, '=', len); /* an assignment */
}

static void show_argument(struct out *o, const char *s, size_t len, bool first)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_";
	bool plain = len > 0 && !(first && is_special(s, len)), printable = true;

	for (size_t i = 0, n; i < len; i += n) {
		n = showable(s + i, len - i);
		if (!n) {
			printable = false;
			break;
		}
		if (n > 1 || !strchr(safe, s[i]))
			plain = false;
	}
	if (!printable) {
		put(o, "$'", 2);
		show_escaped(o, s, len, '\'');
		put(o, "'", 1);
		return;
	}
	if (!plain)
		put(o, "'", 1);
	for (size_t i = 0, n; i < len; i += n) {
		n = text_utf8(s + i, len - i);
		if (s[i] == '\'')
			put(o, "'\\''", 4);
		else
			put(o, s + i, n);
	}
	if (!plain)
		put(o, "'", 1);
}

size_t text_show(char *out, size_t size, struct ps_text text, enum ps_show how)
{
	struct out o = {out, size, 0, 0};

	if (how == PS_SHOW_ARGV) {
		const char *s = text.data, *end = text.data + text.len;

		while (s < end) {
			const char *nul = memchr(s, 0, (size_t)(end - s));
			const char *stop = nul ? nul : end;

			if (s != text.data)
				put(&o, " ", 1);
			show_argument(&o, s, (size_t)(stop - s), s == text.data);
			s = stop + 1;
		}
	} else {
		show_escaped(&o, text.data, text.len, 0);
	}
	if (size)
		out[o.kept] = 0;
	return o.len;
}

void text_clean(char *s, size_t len)
{
	for (size_t n; len; s += n, len -= n) {
		n = showable(s, len);
		if (!n) {
			*s = '?';
			n = 1;
		}
	}
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

long text_unshow(char *out, size_t size, const char *shown, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; n++) {
		char c = shown[i++];

		if (c == '\\') {
			if (i < len && shown[i] == '\\') {
				i++;
			} else if (len - i >= 3 && shown[i] == 'x' && digit(shown[i + 1]) >= 0 && digit(shown[i + 2]) >= 0) {
				c = (char)(digit(shown[i + 1]) << 4 | digit(shown[i + 2]));
				i += 3;
			} else {
				return -EINVAL;
			}
		}
		if (n < size)
			out[n] = c;
	}
	return n <= size ? (long)n : -EINVAL;
}

char *text_addr(char out[TEXT_ADDR_SIZE], const struct ps_addr *addr)
{
	out[0] = 0;
	if (addr->family == AF_VSOCK) {
		uint32_t cid;

		memcpy(&cid, addr->bytes, sizeof(cid));
		snprintf(out, TEXT_ADDR_SIZE, "%u", ntohl(cid));
	}
	if (addr->family == AF_INET || addr->family == AF_INET6)
		inet_ntop(addr->family, addr->bytes, out, TEXT_ADDR_SIZE);
	return out;
}

char *text_hex(char *out, const uint8_t *data, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[data[i] >> 4];
		out[2 * i + 1] = digits[data[i] & 15];
	}
	out[2 * n] = 0;
	return out;
}

bool text_unhex(uint8_t *out, size_t n, const char *hex, size_t len)
{
	if (len != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = digit((char)tolower((unsigned char)hex[2 * i]));
		int low = digit((char)tolower((unsigned char)hex[2 * i + 1]));

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

unsigned text_distance(const char *a, const char *b)
{
	enum { LONGEST = 64 };
	size_t n = strnlen(a, LONGEST), m = strnlen(b, LONGEST);
	unsigned rows[3][LONGEST + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *next = before;

		before = above;
		above = row;
		row = next;
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return row[m];
}

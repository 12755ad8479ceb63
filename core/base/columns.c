/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/columns.h"

#include <string.h>
#include <wchar.h>

#include "core/base/text.h"

enum { DOTS = 3, DOTS_FROM = 8, MARKS_MOST = 2 };

/* The character at s, which is n bytes of UTF-8 long. */
static wchar_t decode(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	wchar_t c = (wchar_t)(p[0] & (0xff >> (n + 1)));

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

unsigned columns_char(const char *s, size_t *n)
{
	int w;

	*n = text_utf8(s, strlen(s));
	if (*n <= 1) {
		*n = 1;
		return 1;
	}
	w = wcwidth(decode(s, *n));
	return w < 0 ? 1 : (unsigned)w;
}

unsigned columns_text(const char *s)
{
	unsigned width = 0;

	for (size_t n; *s; s += n)
		width += columns_char(s, &n);
	return width;
}

static void spaces(struct buf *out, unsigned n)
{
	if (n)
		memset(buf_add(out, n), ' ', n);
}

void columns_put(struct buf *out, const char *text, unsigned width, enum columns_side side)
{
	unsigned needed = columns_text(text), dots = width < DOTS_FROM ? 0 : DOTS, room = width - dots, used = 0, tail = 0;
	const char *stop;
	size_t n = 0;

	if (needed <= width) {
		if (side == COLUMNS_RIGHT)
			spaces(out, width - needed);
		buf_put_str(out, text);
		if (side != COLUMNS_RIGHT)
			spaces(out, width - needed);
		return;
	}
	if (side == COLUMNS_MIDDLE)
		room -= tail = room / 2;
	else if (side == COLUMNS_TAIL)
		tail = room, room = 0;
	for (stop = text; *stop && side != COLUMNS_TAIL; stop += n) {
		unsigned w = columns_char(stop, &n);

		if (used + w > room)
			break;
		used += w;
	}
	buf_put(out, text, (size_t)(stop - text));
	buf_put(out, "...", dots);
	if (tail) {
		/* A mark without a column goes with what stood before it. */
		for (; needed > tail || (*text && !columns_char(text, &n)); text += n)
			needed -= columns_char(text, &n);
		buf_put_str(out, text);
		used += needed;
	}
	spaces(out, room + tail - used);
}

/* What joins others, changes what stands before it, or is as wide as the terminal likes. */
static bool is_joiner(wchar_t c)
{
	return c == 0xad || c == 0x34f || (c >= 0x1160 && c <= 0x11ff) || (c >= 0x180b && c <= 0x180f) ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2060 && c <= 0x206f) || (c >= 0xfe00 && c <= 0xfe0f) ||
	       c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) || (c >= 0x1f1e6 && c <= 0x1f1ff) ||
	       (c >= 0x1f3fb && c <= 0x1f3ff) || c >= 0xe0000;
}

static bool is_tame(const char *s, size_t n, unsigned *marks)
{
	wchar_t c = decode(s, n);
	int w = wcwidth(c);

	if (w < 0 || is_joiner(c))
		return false;
	*marks = w ? 0 : *marks + 1;
	return *marks <= MARKS_MOST;
}

void columns_tame(char *s, bool utf8)
{
	unsigned marks = MARKS_MOST; /* the first stands on nothing */
	char *to = s;

	text_clean(s, strlen(s));
	for (size_t n; *s; s += n) {
		n = text_utf8(s, strlen(s));
		if (n == 1) {
			*to++ = *s;
			marks = 0;
		} else if (utf8 && is_tame(s, n, &marks)) {
			memmove(to, s, n);
			to += n;
		} else {
			*to++ = '?';
			marks = 0;
		}
	}
	*to = 0;
}

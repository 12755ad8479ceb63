/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/notify/toast.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

#define HEAD 180 /* what stays of a line that is too long: its beginning and its end */
#define TAIL 100

static const struct {
	const char *one, *many;
} words[] = {
    [TOAST_NEW] = {"new program", "new programs"},
    [TOAST_NAME] = {"new name of a program", "new names of programs"},
    [TOAST_CHANGED] = {"changed program", "changed programs"},
    [TOAST_REPLACED] = {"program replaced while it runs", "programs replaced while they run"},
    [TOAST_VERDICT] = {"suspicious program", "suspicious programs"},
    [TOAST_ERROR] = {"error", "errors"},
    [TOAST_NEWS] = {"message", "messages"},
};

void toast_begin(struct toast *t)
{
	memset(t, 0, sizeof(*t));
}

/* FNV-1a */
static uint64_t key_of(enum toast_what what, struct ps_text text)
{
	uint64_t h = (0xcbf29ce484222325u ^ what) * 0x100000001b3u;

	for (uint32_t i = 0; i < text.len; i++)
		h = (h ^ (unsigned char)text.data[i]) * 0x100000001b3u;
	return h;
}

/* Where a piece of at most n bytes of s ends, so that no character is cut in two. */
static size_t whole(const char *s, size_t n)
{
	while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* One line that is valid UTF-8, without what could move a cursor or turn the direction of text; a long one loses
 * its middle. */
static void put_line(char out[TOAST_LINE], struct ps_text text)
{
	size_t len = text.len, head = len, tail = len;

	if (len > HEAD + TAIL) {
		head = whole(text.data, HEAD);
		tail = len - TAIL;
		while (tail < len && ((unsigned char)text.data[tail] & 0xc0) == 0x80)
			tail++;
	}
	memcpy(out, text.data, head);
	text_clean(out, head);
	if (tail < len) {
		memcpy(out + head, "\u2026", 3);
		memcpy(out + head + 3, text.data + tail, len - tail);
		text_clean(out + head + 3, len - tail);
		head += 3 + len - tail;
	}
	out[head] = 0;
}

bool toast_add(struct toast *t, enum toast_what what, struct ps_text line, int64_t now_ms)
{
	uint64_t key = key_of(what, line);

	for (unsigned i = 0; i < t->n_keys && i < TOAST_KEYS; i++)
		if (t->keys[i] == key)
			return false;
	t->keys[t->n_keys++ % TOAST_KEYS] = key;
	if (t->n_lines < TOAST_LINES)
		put_line(t->lines[t->n_lines++], line);
	t->count[what]++;
	t->total++;
	t->last_ms = now_ms;
	t->dirty = true;
	return true;
}

void toast_headline(const struct toast *t, char *out, size_t size)
{
	size_t n = 0;

	*out = 0;
	for (int i = 0; i < TOAST_WHATS; i++)
		if (t->count[i] && n < size)
			n += (size_t)snprintf(out + n, size - n, "%s%u %s", n ? ", " : "", t->count[i],
			                      t->count[i] == 1 ? words[i].one : words[i].many);
}

void toast_body(const struct toast *t, bool markup, char *out, size_t size)
{
	size_t n = 0;

	for (unsigned i = 0; i < t->n_lines; i++) {
		if (i && n + 1 < size)
			out[n++] = '\n';
		for (const char *c = t->lines[i]; *c; c++) {
			char plain[2] = {*c, 0};
			const char *piece = !markup ? plain : *c == '&' ? "&amp;" : *c == '<' ? "&lt;" : *c == '>' ? "&gt;" : plain;
			size_t len = strlen(piece);

			if (n + len < size) {
				memcpy(out + n, piece, len);
				n += len;
			}
		}
	}
	out[n] = 0;
	if (t->total > t->n_lines)
		snprintf(out + n, size - n, "\nand %u more", t->total - t->n_lines);
}

uint8_t toast_urgency(const struct toast *t)
{
	return t->count[TOAST_ERROR] || t->count[TOAST_VERDICT] ? 2 : 1;
}

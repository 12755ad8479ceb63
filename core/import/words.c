/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/import/words.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void put(struct buf *out, char c)
{
	if (c)
		buf_put_u8(out, (uint8_t)c);
}

static bool split(struct ps_text line, struct buf *out)
{
	bool word = false;
	char quote = 0;

	for (uint32_t i = 0; i < line.len; i++) {
		char c = line.data[i];

		if (!quote && is_blank(c)) {
			if (word)
				buf_put_u8(out, 0);
			word = false;
			continue;
		}
		word = true;
		if (c == '\\' && quote != '\'') {
			if (++i == line.len)
				return false;
			/* Within double quotes it stands for itself, unless it is before one of these two. */
			if (quote && line.data[i] != '"' && line.data[i] != '\\')
				put(out, c);
			put(out, line.data[i]);
		} else if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? 0 : c;
		} else {
			put(out, c);
		}
	}
	if (word)
		buf_put_u8(out, 0);
	return !quote;
}

bool words_split(struct ps_text line, struct buf *out)
{
	size_t start = out->len;

	if (split(line, out))
		return true;
	out->len = start;
	for (uint32_t i = 0; i < line.len; i++)
		put(out, line.data[i]);
	buf_put_u8(out, 0);
	return false;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/target.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place, up to *end. False: it is no text. */
static int decode(char *at, char *end)
{
	char *out = at;
	size_t len, n;

	for (const char *in = at; in < end; in++) {
		int high, low;

		if (*in != '%') {
			*out++ = *in == '+' ? ' ' : *in;
			continue;
		}
		if (end - in < 3 || (high = digit(in[1])) < 0 || (low = digit(in[2])) < 0 || !(high | low))
			return 0;
		*out++ = (char)(high << 4 | low);
		in += 2;
	}
	*out = 0;
	len = (size_t)(out - at);
	for (size_t i = 0; i < len; i += n)
		if (!(n = text_utf8(at + i, len - i)))
			return 0;
	return 1;
}

static size_t count(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '&';
	return n;
}

unsigned target_read(struct target *t, const char *raw, const char **why)
{
	size_t len = strnlen(raw, TARGET_MAX + 1);
	char *query, *next;

	*t = (struct target){.path = ""};
	*why = "the address is too long";
	if (len > TARGET_MAX)
		return 414;
	/* With a scheme and a host before it, it would be for a proxy. */
	*why = "the address has to begin with /";
	if (*raw != '/')
		return 400;
	*why = "the address has characters that do not belong there";
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)raw[i] <= ' ' || (unsigned char)raw[i] >= 127 || raw[i] == '#' || raw[i] == '\\')
			return 400;
	t->memory = mem_copy(raw, len + 1);
	t->path = t->memory;
	query = strchr(t->memory, '?');
	if (!query)
		return 0;
	*query++ = 0;
	if (!*query)
		return 0;
	*why = "the address has too many parameters";
	if (count(query) > TARGET_PARAMETERS_MAX)
		return 400;
	t->parameters = mem_alloc(count(query) * sizeof(*t->parameters));
	*why = "the address has a parameter that is not NAME=VALUE, in UTF-8 and with what is special as %HH";
	for (char *at = query; at; at = next) {
		char *end = at + strcspn(at, "&"), *equals = memchr(at, '=', (size_t)(end - at));

		next = *end ? end + 1 : NULL;
		if (!equals || equals == at || !decode(equals + 1, end) || !decode(at, equals))
			return 400;
		t->parameters[t->n++] = (struct parameter){at, equals + 1};
	}
	return 0;
}

const char *target_value(const struct target *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->parameters[i].name, name) == 0)
			return t->parameters[i].value;
	return NULL;
}

void target_done(struct target *t)
{
	free(t->parameters);
	free(t->memory);
	*t = (struct target){.path = ""};
}

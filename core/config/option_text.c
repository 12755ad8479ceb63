/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A list of options as text: "options N", then one line an option, of nine fields between tabs:
 * key, type, flags, min, max; fallback, choices, help, companions, each empty for NULL or with a
 * = before it and escaped as PS_SHOW_PATH. The reader's text comes from a process that has loaded
 * a plugin, so it is not trusted.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/config/option.h"

enum { FIELDS = 9, OPTION_LIMIT = 256, TEXT_LIMIT = 1 << 20 };

static void put_text(struct buf *out, const char *s)
{
	struct ps_text text;
	size_t n;

	buf_put_u8(out, '\t');
	if (!s)
		return;
	buf_put_u8(out, '=');
	text = (struct ps_text){s, (uint32_t)strlen(s)};
	n = text_show(NULL, 0, text, PS_SHOW_PATH);
	text_show(buf_add(out, n + 1), n + 1, text, PS_SHOW_PATH);
	out->len--; /* without the NUL */
}

void option_write(struct buf *out, const struct ps_option *options)
{
	size_t n = 0;

	while (options && options[n].key)
		n++;
	buf_printf(out, "options %zu\n", n);
	for (const struct ps_option *o = options; n; o++, n--) {
		buf_printf(out, "%s\t%d\t%u\t%" PRId64 "\t%" PRId64, o->key, (int)o->type, o->flags, o->min, o->max);
		put_text(out, o->fallback);
		put_text(out, o->choices);
		put_text(out, o->help);
		put_text(out, o->companions);
		buf_put_u8(out, '\n');
	}
}

/* The next run of bytes up to `end`, which is taken too. False: it is not there. */
static bool take_until(struct cursor *c, char end, const char **s, size_t *len)
{
	const char *stop;

	*s = (const char *)c->data + c->at;
	stop = memchr(*s, end, cursor_left(c));
	if (!stop)
		return false;
	*len = (size_t)(stop - *s);
	c->at += *len + 1;
	return true;
}

static bool read_number(const char *s, size_t len, int64_t min, int64_t max, int64_t *n)
{
	static const struct ps_option whole = {.key = "number", .type = PS_OPTION_INT};
	char text[24];

	if (len >= sizeof(text) || memchr(s, 0, len))
		return false;
	memcpy(text, s, len);
	text[len] = 0;
	return !option_parse(&whole, text, n) && *n >= min && *n <= max;
}

static bool read_text(const char *s, size_t len, const char **out)
{
	char *text;
	long n;

	*out = NULL;
	if (len == 0)
		return true;
	if (*s != '=')
		return false;
	text = mem_alloc(len);
	n = text_unshow(text, len - 1, s + 1, len - 1);
	if (n < 0 || memchr(text, 0, (size_t)n)) {
		free(text);
		return false;
	}
	*out = text;
	return true;
}

static bool read_key(const char *s, size_t len, const char **out)
{
	if (len == 0 || len > 49)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("_.-", s[i]))
			return false;
	if (memchr(s, 0, len))
		return false;
	*out = memcpy(mem_alloc(len + 1), s, len);
	return true;
}

/* Fills o, whose key stays NULL if the line is not one of an option. */
static bool read_option(struct cursor *c, struct ps_option *o)
{
	const char *s[FIELDS];
	size_t len[FIELDS];
	int64_t type, flags;

	for (int i = 0; i < FIELDS; i++) {
		if (!take_until(c, i < FIELDS - 1 ? '\t' : '\n', &s[i], &len[i]))
			return false;
		if (memchr(s[i], '\n', len[i]))
			return false;
	}
	if (!read_number(s[1], len[1], PS_OPTION_TEXT, PS_OPTION_USERS, &type) ||
	    !read_number(s[2], len[2], 0, PS_OPTION_SECRET | PS_OPTION_REQUIRED, &flags) ||
	    !read_number(s[3], len[3], INT64_MIN, INT64_MAX, &o->min) ||
	    !read_number(s[4], len[4], INT64_MIN, INT64_MAX, &o->max) || o->min > o->max)
		return false;
	o->type = (enum ps_option_type)type;
	o->flags = (unsigned)flags;
	return read_key(s[0], len[0], &o->key) && read_text(s[5], len[5], &o->fallback) &&
	       read_text(s[6], len[6], &o->choices) && read_text(s[7], len[7], &o->help) &&
	       read_text(s[8], len[8], &o->companions) && (o->choices || o->type != PS_OPTION_CHOICE);
}

struct ps_option *option_read(const void *data, size_t len)
{
	static const char head[] = "options ";
	struct ps_option *options = NULL;
	struct cursor c;
	const char *s;
	size_t n;
	int64_t count;

	cursor_init(&c, data, len);
	if (len > TEXT_LIMIT || !take_until(&c, '\n', &s, &n) || n < sizeof(head) - 1 ||
	    memcmp(s, head, sizeof(head) - 1) != 0 ||
	    !read_number(s + sizeof(head) - 1, n - (sizeof(head) - 1), 0, OPTION_LIMIT, &count))
		return NULL;
	options = mem_alloc(((size_t)count + 1) * sizeof(*options));
	for (int64_t i = 0; i < count; i++) {
		struct ps_option o = {0};
		bool good = read_option(&c, &o);

		good = good && !option_find(options, o.key);
		options[i] = o;
		if (!good) {
			/* A half-read option may have text but no key, where option_free() would stop. */
			if (!o.key)
				options[i].key = mem_strdup("");
			option_free(options);
			return NULL;
		}
	}
	if (cursor_left(&c)) {
		option_free(options);
		return NULL;
	}
	return options;
}

/* The text of a list that option_read() made is the list's own. */
static void free_text(const char *s)
{
	union {
		const char *in;
		char *out;
	} u = {s};

	free(u.out);
}

void option_free(struct ps_option *options)
{
	for (struct ps_option *o = options; o && o->key; o++) {
		free_text(o->key);
		free_text(o->fallback);
		free_text(o->choices);
		free_text(o->help);
		free_text(o->companions);
	}
	free(options);
}

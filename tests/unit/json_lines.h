/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of the live feed, understood. */
#ifndef PS_TESTS_JSON_LINES_H
#define PS_TESTS_JSON_LINES_H

#include <jansson.h>
#include <string.h>

#include "core/base/buf.h"
#include "tests/tap.h"

/* An array; each line must be JSON, and the last one whole. */
static inline json_t *lines_of(const struct buf *text)
{
	const char *line = (const char *)text->data, *stop = line + text->len, *end;
	json_t *all = json_array();

	for (; line < stop && (end = memchr(line, '\n', (size_t)(stop - line))); line = end + 1) {
		json_error_t error;
		json_t *object = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, &error);

		if (!object)
			ok(0, "no JSON (%s): %.*s", error.text, (int)(end - line), line);
		json_array_append_new(all, object);
	}
	ok(line == stop, "the last line is whole");
	return all;
}

static inline const char *str(const json_t *all, size_t i, const char *key)
{
	const char *s = json_string_value(json_object_get(json_array_get(all, i), key));

	return s ? s : "(none)";
}

static inline int64_t num(const json_t *all, size_t i, const char *key)
{
	const json_t *n = json_object_get(json_array_get(all, i), key);

	return json_is_integer(n) ? json_integer_value(n) : -2;
}

#endif

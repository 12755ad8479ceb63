/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/json.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/query/names.h"
#include "core/query/value_word.h"

static int append(const char *data, size_t n, void *out)
{
	buf_put(out, data, n);
	return 0;
}

void json_put_new(struct buf *out, json_t *value)
{
	if (!value || json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY))
		abort();
	json_decref(value);
}

json_t *json_count(uint64_t n)
{
	return json_integer((json_int_t)(n > JSON_NUMBER_MAX ? JSON_NUMBER_MAX : n));
}

json_t *json_text(struct ps_text text)
{
	json_t *value = json_stringn(text.data ? text.data : "", text.data ? text.len : 0);
	char *copy;

	if (value)
		return value;
	copy = mem_copy(text.data, text.len);
	text_clean(copy, text.len);
	value = json_stringn(copy, text.len);
	free(copy);
	return value ? value : json_string("?");
}

json_t *json_time(int64_t seconds)
{
	return seconds == INT64_MIN || seconds == INT64_MAX ? json_null() : json_integer(seconds);
}

json_t *json_value(enum ps_dimension dimension, struct ps_text value)
{
	char out[VALUE_WORD_SIZE];
	const char *word;
	long long number;

	if (!names_is_number(dimension))
		return json_text(value);
	number = value.data ? strtoll(value.data, NULL, 10) : 0;
	word = value_word(out, dimension, number);
	return word ? json_string(word) : json_integer(number);
}

json_t *json_loss(const struct ps_answer_loss *loss)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "stage", json_text(loss->stage), "text",
	                 json_text(loss->text), "count", json_count(loss->count), "sent", json_count(loss->sent),
	                 "received", json_count(loss->received), "rows", json_count(loss->rows), "first",
	                 (json_int_t)loss->first, "last", (json_int_t)loss->last);
}

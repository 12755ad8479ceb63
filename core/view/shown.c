/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/view/shown.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/count.h"
#include "core/base/text.h"
#include "core/query/names.h"
#include "core/query/value_word.h"
#include "core/query/when.h"
#include "core/view/rows.h"

static const char *word(struct arena *memory, const char *text)
{
	return arena_copy(memory, text, strlen(text));
}

/* Of what is too long, the beginning and the end. */
const char *shown_text(struct arena *memory, struct ps_text text)
{
	const uint32_t half = VIEW_SHOWN_MAX / 2 - 2;
	char *shown;

	if (text.len < VIEW_SHOWN_MAX) {
		shown = arena_copy(memory, text.data ? text.data : "", text.len);
	} else {
		shown = arena_alloc(memory, VIEW_SHOWN_MAX);
		snprintf(shown, VIEW_SHOWN_MAX, "%.*s...", (int)half, text.data);
		memcpy(shown + half, "...", 3);
		memcpy(shown + half + 3, text.data + text.len - half, half);
		text.len = half + 3 + half;
		memcpy(shown, text.data, half);
	}
	text_clean(shown, text.len);
	return shown;
}

const char *shown_value(struct arena *memory, enum ps_dimension dimension, struct ps_text value)
{
	char time[WHEN_TEXT_SIZE], name[VALUE_WORD_SIZE];
	const char *known;
	long long number;

	if (!value.len)
		return "-";
	if (!names_is_number(dimension))
		return shown_text(memory, value);
	number = strtoll(value.data, NULL, 10);
	if (dimension == PS_BY_TIME)
		return word(memory, when_text(time, number));
	if (dimension == PS_BY_LPORT || dimension == PS_BY_RPORT) {
		if (number == -2)
			return "ports of clients";
		if (number <= 0)
			return "-";
	}
	known = value_word(name, dimension, number);
	return known ? word(memory, known) : shown_text(memory, value);
}

const char *shown_verdict(struct arena *memory, const struct ps_answer_event *event, bool *alarming)
{
	uint64_t bad = count_add(event->malicious, event->suspicious);
	uint64_t all = count_add(bad, count_add(event->harmless, event->undetected));
	char text[VIEW_BESIDE_MAX];

	*alarming = event->what.len == strlen("suspicious") && memcmp(event->what.data, "suspicious", event->what.len) == 0;
	if (*alarming)
		snprintf(text, sizeof(text), "SUSPICIOUS %" PRIu64 "/%" PRIu64, bad, all);
	else
		snprintf(text, sizeof(text), "%.*s", (int)event->what.len, event->what.data ? event->what.data : "");
	text_clean(text, strlen(text));
	return word(memory, text);
}

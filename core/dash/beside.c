/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/beside.h"

#include <stdlib.h>
#include <string.h>

enum { HASH_DIGITS = 64 };

static void set(json_t *holder, size_t at, json_t *value)
{
	if (json_is_array(holder))
		json_array_set_new(holder, at, value);
	else
		json_object_set_new(holder, "beside", value);
}

static json_t *country(const struct asking *a, struct ps_text address)
{
	char code[COUNTRY_SIZE];

	return a->countries ? json_pack("{s:s}", "country", country_of(a->countries, address, code)) : json_null();
}

void beside_put(struct beside *b, json_t *holder, size_t at, enum ps_dimension d, struct ps_text value)
{
	int hash = d == PS_BY_SHA256 || d == PS_BY_PSHA256 || d == PS_BY_GPSHA256 || d == PS_BY_SCRIPT_SHA256;

	if (json_is_array(holder))
		json_array_append_new(holder, json_null());
	set(holder, at, d == PS_BY_RADDR || d == PS_BY_LADDR ? country(b->asking, value) : json_null());
	if (!hash || value.len != HASH_DIGITS || b->n == BESIDE_HASHES_MAX)
		return;
	if (!b->places)
		b->places = mem_alloc(BESIDE_HASHES_MAX * sizeof(*b->places));
	b->places[b->n++] = (struct beside_place){holder, at, mem_copy(value.data, value.len + 1)};
}

/* The latest comes first: what has one keeps it. */
static int take_verdict(void *arg, const struct ps_answer_event *e)
{
	struct beside *b = arg;

	for (size_t i = 0; i < b->n; i++) {
		struct beside_place *p = &b->places[i];

		if (!p->hash || e->sha256.len != HASH_DIGITS || memcmp(p->hash, e->sha256.data, HASH_DIGITS) != 0)
			continue;
		set(p->list, p->at,
		    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "verdict", json_text(e->what), "malicious",
		              json_count(e->malicious), "suspicious", json_count(e->suspicious), "harmless",
		              json_count(e->harmless), "undetected", json_count(e->undetected), "link", json_text(e->link)));
		free(p->hash);
		p->hash = NULL;
	}
	return 0;
}

int beside_end(struct beside *b)
{
	struct ps_question q = {.from = INT64_MIN, .to = INT64_MAX, .kinds = PS_VERDICT, .limit = 10 * BESIDE_HASHES_MAX};
	struct ps_answer to = {.arg = b, .event = take_verdict};
	struct ps_filter *filters;
	int r;

	if (!b->n)
		return 0;
	filters = mem_alloc(b->n * sizeof(*filters));
	for (size_t i = 0; i < b->n; i++)
		filters[i] = (struct ps_filter){PS_BY_SHA256, 0, {b->places[i].hash, HASH_DIGITS}};
	q.filters = filters;
	q.n_filters = (uint32_t)b->n;
	r = answer_ask(b->asking, &q, &to);
	free(filters);
	return r;
}

void beside_done(struct beside *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->places[i].hash);
	free(b->places);
}

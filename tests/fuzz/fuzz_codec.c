/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes: refused, or a batch all of which can be read, and which encodes to the same bytes. */
#include <string.h>

#include "core/base/sha256.h"
#include "core/delivery/codec.h"
#include "tests/fuzz/target.h"

/* Reads every byte, which a sanitizer judges. */
static void touch(struct ps_text text)
{
	volatile char byte = 0;

	must(text.data && text.data[text.len] == 0);
	for (uint32_t i = 0; i < text.len; i++)
		byte = text.data[i];
	(void)byte;
}

static void touch_all(const struct ps_batch *b)
{
	touch(b->hostname);
	for (uint32_t i = 0; i < b->n_exes; i++) {
		touch(b->exes[i].path);
		touch(b->exes[i].name);
		touch(b->exes[i].cmdline);
		touch(b->exes[i].script);
	}
	for (uint32_t i = 0; i < b->n_places; i++) {
		touch(b->places[i].cgroup);
		touch(b->places[i].unit);
		touch(b->places[i].slice);
		touch(b->places[i].session);
		touch(b->places[i].engine);
		touch(b->places[i].container);
		touch(b->places[i].pod);
	}
	for (uint32_t i = 0; i < b->n_texts; i++)
		touch(b->texts[i]);
	for (uint32_t i = 0; i < b->n_records; i++) {
		const struct ps_record *r = &b->records[i];

		must(r->kind == PS_TRAFFIC || r->kind == PS_PROGRAM || r->kind == PS_ALERT || r->kind == PS_AUDIT ||
		     r->kind == PS_VERDICT);
		if (r->kind == PS_TRAFFIC) {
			must(r->traffic.exe < b->n_exes && r->traffic.parent < b->n_exes && r->traffic.grandparent < b->n_exes);
			must(r->traffic.domain < b->n_texts && r->traffic.place < b->n_places);
			must(r->traffic.direction <= PS_DIRECTION_IN);
		} else if (r->kind == PS_PROGRAM) {
			must(r->program.exe < b->n_exes && r->program.parent < b->n_exes && r->program.grandparent < b->n_exes);
			must(r->program.text < b->n_texts && r->program.place < b->n_places);
		} else if (r->kind == PS_ALERT) {
			must(r->alert.text < b->n_texts);
		} else if (r->kind == PS_VERDICT) {
			must(r->finding.service < b->n_texts && r->finding.path < b->n_texts && r->finding.text < b->n_texts &&
			     r->finding.link < b->n_texts);
		}
	}
}

/* What was of an older version comes back as one of this. */
static void again_from_old(const struct buf *again)
{
	struct arena arena;
	const char *why;

	arena_init(&arena);
	must(codec_decode_unchecked(again->data, again->len, &arena, &why) != NULL);
	arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ps_batch *b;
	struct arena arena;
	const char *why = NULL;
	struct buf again;

	arena_init(&arena);
	buf_init(&again);
	(void)codec_count(data, size);
	b = codec_decode_unchecked(data, size, &arena, &why);
	must(b || why);
	if (b) {
		struct codec_totals totals;

		touch_all(b);
		codec_totals(b, &totals);
		must(totals.records == b->n_records);
		codec_encode(&again, b);
		if (data[4] == again.data[4]) {
			/* All but what codec_seal() sets. */
			must(again.len == size);
			must(memcmp(again.data, data, 40) == 0);
			must(memcmp(again.data + 80, data + 80, size - 80 - PS_DIGEST_SIZE - SHA256_SIZE) == 0);
		} else {
			again_from_old(&again);
		}
	}
	(void)codec_decode(data, size, &arena, &why);
	buf_done(&again);
	arena_done(&arena);
	return 0;
}

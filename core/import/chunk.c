/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/import/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "core/delivery/codec.h"
#include "core/query/rows.h"

/* Instead of a machine's name, which says nothing about where the rows were recorded, and may change between two
 * imports of the same file. */
#define HOSTNAME "(imported)"

/* What stands behind a key of an index. */
struct number {
	uint32_t at;
};

static const struct ps_place nowhere = {
    .cgroup = {"", 0},
    .unit = {"", 0},
    .slice = {"", 0},
    .session = {"", 0},
    .engine = {"", 0},
    .container = {"", 0},
    .pod = {"", 0},
    .owner = -1,
};

/* Index 0 is the empty one. */
static void begin(struct chunk *c)
{
	static const struct ps_exe nobody = {.path = {"", 0}, .name = {"", 0}, .cmdline = {"", 0}, .script = {"", 0}};

	arena_init(&c->arena);
	arena_init(&c->decoded);
	table_init(&c->exe_index);
	table_init(&c->text_index);
	c->exes[0] = nobody;
	c->texts[0] = (struct ps_text){"", 0};
	c->n_exes = c->n_texts = 1;
	c->n_records = 0;
	c->bytes = 0;
	c->encoded.len = 0;
}

static void end(struct chunk *c)
{
	arena_done(&c->arena);
	arena_done(&c->decoded);
	table_done(&c->exe_index);
	table_done(&c->text_index);
}

void chunk_init(struct chunk *c)
{
	/* A row has three images and one text. */
	*c = (struct chunk){
	    .exes = mem_alloc((3 * CHUNK_ROWS + 1) * sizeof(*c->exes)),
	    .texts = mem_alloc((CHUNK_ROWS + 1) * sizeof(*c->texts)),
	    .records = mem_alloc(CHUNK_ROWS * sizeof(*c->records)),
	};
	buf_init(&c->encoded);
	begin(c);
}

void chunk_done(struct chunk *c)
{
	end(c);
	buf_done(&c->encoded);
	free(c->exes);
	free(c->texts);
	free(c->records);
}

void chunk_clear(struct chunk *c)
{
	end(c);
	begin(c);
}

bool chunk_is_full(const struct chunk *c)
{
	return c->n_records == CHUNK_ROWS || c->bytes >= CHUNK_BYTES;
}

static struct ps_text keep(struct chunk *c, struct ps_text text)
{
	c->bytes += text.len;
	return (struct ps_text){arena_copy(&c->arena, text.data, text.len), text.len};
}

static void note(struct chunk *c, struct table *index, struct ps_text key, uint32_t at)
{
	struct number *n = arena_alloc(&c->arena, sizeof(*n));

	n->at = at;
	table_add(index, key.data, key.len, n);
}

uint32_t chunk_text(struct chunk *c, struct ps_text text)
{
	const struct number *known = text.len ? table_get(&c->text_index, text.data, text.len) : NULL;

	if (known || !text.len)
		return known ? known->at : 0;
	text = keep(c, text);
	c->texts[c->n_texts] = text;
	note(c, &c->text_index, text, c->n_texts);
	return c->n_texts++;
}

uint32_t chunk_find_exe(const struct chunk *c, struct ps_text key)
{
	const struct number *known = table_get(&c->exe_index, key.data, key.len);

	return known ? known->at : 0;
}

uint32_t chunk_add_exe(struct chunk *c, struct ps_text key, const struct ps_exe *exe)
{
	struct ps_exe *e = &c->exes[c->n_exes];

	*e = *exe;
	e->path = keep(c, exe->path);
	e->name = keep(c, exe->name);
	e->cmdline = keep(c, exe->cmdline);
	e->script = (struct ps_text){"", 0};
	note(c, &c->exe_index, keep(c, key), c->n_exes);
	return c->n_exes++;
}

void chunk_add(struct chunk *c, const struct ps_record *record)
{
	c->records[c->n_records++] = *record;
}

const struct ps_batch *chunk_seal(struct chunk *c, const uint8_t host[PS_ID_SIZE], uint64_t seq,
                                  const uint8_t previous[PS_DIGEST_SIZE], const char **why)
{
	struct ps_batch batch = {
	    .hostname = {HOSTNAME, sizeof(HOSTNAME) - 1},
	    .n_exes = c->n_exes,
	    .n_places = 1,
	    .n_texts = c->n_texts,
	    .n_records = c->n_records,
	    .exes = c->exes,
	    .places = &nowhere,
	    .texts = c->texts,
	    .records = c->records,
	};
	uint8_t digest[PS_DIGEST_SIZE];

	memcpy(batch.host, host, sizeof(batch.host));
	codec_encode(&c->encoded, &batch);
	codec_seal(c->encoded.data, c->encoded.len, seq, previous, rows_digest, digest);
	return codec_decode(c->encoded.data, c->encoded.len, &c->decoded, why);
}

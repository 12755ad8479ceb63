/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/chain.h"

#include <endian.h>
#include <string.h>

#include "core/base/sha256.h"

static const char tag[] = "picosnitch batch 1";

void chain_init(struct chain *c)
{
	*c = (struct chain){0};
}

void chain_done(struct chain *c)
{
	buf_done(&c->digests);
	buf_done(&c->marks);
	buf_done(&c->scratch);
}

void chain_clear(struct chain *c)
{
	c->digests.len = c->marks.len = c->scratch.len = 0;
	c->rows = 0;
}

static void put_text(struct buf *out, const char *data, size_t len)
{
	buf_put_u32(out, (uint32_t)len);
	buf_put(out, data, len);
}

static void put_value(struct buf *out, const struct row_value *v)
{
	buf_put_u8(out, (uint8_t)v->type);
	if (v->type == ROW_NUMBER)
		buf_put_u64(out, (uint64_t)v->number);
	else if (v->type == ROW_TEXT)
		put_text(out, v->text.data, v->text.len);
	else if (v->type == ROW_ENTRY)
		buf_put(out, v->entry->key, ROW_KEY_SIZE);
}

static void digest_row(struct buf *scratch, const struct row_shape *shape, const struct row_value *values,
                       uint8_t digest[SHA256_SIZE])
{
	scratch->len = 0;
	put_text(scratch, shape->name, strlen(shape->name));
	for (unsigned i = 0; i < shape->n; i++)
		put_value(scratch, &values[i]);
	sha256_bytes(scratch->data, scratch->len, digest);
}

void chain_add(struct chain *c, enum row_table table, const struct row_value *values)
{
	uint8_t digest[SHA256_SIZE];

	digest_row(&c->scratch, &row_tables[table], values, digest);
	buf_put(&c->digests, digest, sizeof(digest));
	buf_put_u8(&c->marks, (uint8_t)table);
	buf_put(&c->marks, digest, CHAIN_MARK_SIZE - 1);
	c->rows++;
}

void chain_digest(struct chain *c, const struct chain_name *name, uint8_t digest[PS_DIGEST_SIZE])
{
	struct buf *b = &c->scratch;

	b->len = 0;
	put_text(b, tag, sizeof(tag) - 1);
	buf_put(b, name->host, sizeof(name->host));
	buf_put(b, name->boot, sizeof(name->boot));
	buf_put_u64(b, name->seq);
	buf_put(b, name->previous, sizeof(name->previous));
	put_text(b, name->hostname.data, name->hostname.len);
	buf_put_u64(b, (uint64_t)name->start);
	buf_put_u64(b, (uint64_t)name->end);
	buf_put_u64(b, c->rows);
	buf_put(b, c->digests.data, c->digests.len);
	sha256_bytes(b->data, b->len, digest);
}

void chain_batch_key(const uint8_t host[PS_ID_SIZE], const uint8_t boot[PS_ID_SIZE], uint64_t seq,
                     uint8_t key[CHAIN_BATCH_KEY_SIZE])
{
	uint8_t name[2 * PS_ID_SIZE + 8], digest[SHA256_SIZE];

	memcpy(name, host, PS_ID_SIZE);
	memcpy(name + PS_ID_SIZE, boot, PS_ID_SIZE);
	seq = htole64(seq);
	memcpy(name + 2 * PS_ID_SIZE, &seq, 8);
	sha256_bytes(name, sizeof(name), digest);
	memcpy(key, digest, CHAIN_BATCH_KEY_SIZE);
}

void chain_entry(struct buf *scratch, enum row_dictionary dictionary, struct row_entry *entry)
{
	if (entry->empty)
		memset(entry->key, 0, sizeof(entry->key));
	else
		digest_row(scratch, &row_dictionaries[dictionary], entry->values, entry->key);
}

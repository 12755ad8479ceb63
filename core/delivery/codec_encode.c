/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a batch to bytes: the format is in codec_format.h. */
#include "core/delivery/codec.h"

#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/sha256.h"
#include "core/delivery/codec_format.h"

static void put8(uint8_t **p, uint8_t v)
{
	*(*p)++ = v;
}

static void put16(uint8_t **p, uint16_t v)
{
	v = htole16(v);
	memcpy(*p, &v, 2);
	*p += 2;
}

static void put32(uint8_t **p, uint32_t v)
{
	v = htole32(v);
	memcpy(*p, &v, 4);
	*p += 4;
}

static void put64(uint8_t **p, uint64_t v)
{
	v = htole64(v);
	memcpy(*p, &v, 8);
	*p += 8;
}

static void put_bytes(uint8_t **p, const void *data, size_t n)
{
	memcpy(*p, data, n);
	*p += n;
}

static void put_addr(uint8_t **p, const struct ps_addr *addr)
{
	size_t n = addr_size(addr->family);

	put8(p, n ? addr->family : 0);
	memcpy(*p, addr->bytes, n);
	memset(*p + n, 0, 16 - n);
	*p += 16;
}

static void encode_text(struct buf *out, struct ps_text text)
{
	uint8_t *p = buf_add(out, (size_t)text.len + TEXT_MIN);

	put32(&p, text.len);
	if (text.len)
		put_bytes(&p, text.data, text.len);
	*p = 0;
}

static void put_hash(uint8_t **p, uint8_t state, const uint8_t sha256[32])
{
	if (state == PS_HASH_OK)
		memcpy(*p, sha256, 32);
	else
		memset(*p, 0, 32);
	*p += 32;
}

static void encode_exe(struct buf *out, const struct ps_exe *exe)
{
	uint8_t *p = buf_add(out, EXE_FIXED);

	put8(&p, exe->hash_state);
	put8(&p, exe->flags);
	put_hash(&p, exe->hash_state, exe->sha256);
	put8(&p, exe->script_state);
	put_hash(&p, exe->script_state, exe->script_sha256);
	encode_text(out, exe->path);
	encode_text(out, exe->name);
	encode_text(out, exe->cmdline);
	encode_text(out, exe->script);
}

static void encode_place(struct buf *out, const struct ps_place *place)
{
	uint8_t *p = buf_add(out, 8);

	put64(&p, (uint64_t)place->owner);
	encode_text(out, place->cgroup);
	encode_text(out, place->unit);
	encode_text(out, place->slice);
	encode_text(out, place->session);
	encode_text(out, place->engine);
	encode_text(out, place->container);
	encode_text(out, place->pod);
}

static void encode_traffic(uint8_t *p, const struct ps_traffic *t)
{
	put32(&p, t->exe);
	put32(&p, t->parent);
	put32(&p, t->grandparent);
	put32(&p, t->domain);
	put32(&p, t->uid);
	put32(&p, t->netns);
	put8(&p, t->family);
	put8(&p, t->direction);
	put16(&p, t->protocol);
	put64(&p, (uint64_t)t->lport);
	put64(&p, (uint64_t)t->rport);
	put_addr(&p, &t->laddr);
	put_addr(&p, &t->raddr);
	put64(&p, (uint64_t)t->opened_ns);
	put64(&p, (uint64_t)t->closed_ns);
	put64(&p, t->sent);
	put64(&p, t->received);
	put64(&p, t->calls);
	put32(&p, t->place);
	put8(&p, t->domain_source);
	put16(&p, t->domain_rivals);
}

static void encode_program(uint8_t *p, const struct ps_program *g)
{
	put32(&p, g->exe);
	put32(&p, g->parent);
	put32(&p, g->grandparent);
	put32(&p, g->place);
	put32(&p, g->text);
	put32(&p, g->uid);
	put8(&p, g->event);
	put8(&p, g->role);
	put8(&p, g->expected);
	put_bytes(&p, g->previous, sizeof(g->previous));
}

static void encode_audit(uint8_t *p, const struct ps_audit *a)
{
	put32(&p, a->netns);
	put32(&p, a->layer);
	put64(&p, a->sent);
	put64(&p, a->received);
	put64(&p, a->packets_sent);
	put64(&p, a->packets_received);
	put64(&p, a->errors);
	put64(&p, a->retransmitted);
	put64(&p, a->forwarded);
	put64(&p, a->own_sent);
	put64(&p, a->own_received);
	put64(&p, a->own_calls);
	put64(&p, (uint64_t)a->rest_sent);
	put64(&p, (uint64_t)a->rest_received);
	put64(&p, (uint64_t)a->rest_packets);
}

static void encode_alert(uint8_t *p, const struct ps_alert *a)
{
	put32(&p, a->stage);
	put32(&p, a->text);
	put64(&p, a->count);
	put64(&p, a->sent);
	put64(&p, a->received);
}

static void encode_finding(uint8_t *p, const struct ps_finding *f)
{
	put_bytes(&p, f->sha256, sizeof(f->sha256));
	put8(&p, f->state);
	put8(&p, f->previous);
	put32(&p, f->service);
	put32(&p, f->path);
	put32(&p, f->text);
	put32(&p, f->link);
	put32(&p, f->malicious);
	put32(&p, f->suspicious);
	put32(&p, f->harmless);
	put32(&p, f->undetected);
	put64(&p, (uint64_t)f->asked_ns);
	put64(&p, (uint64_t)f->analysed_ns);
}

static size_t record_size(uint32_t kind)
{
	switch (kind) {
	case PS_TRAFFIC:
		return TRAFFIC_SIZE;
	case PS_PROGRAM:
		return PROGRAM_SIZE;
	case PS_AUDIT:
		return AUDIT_SIZE;
	case PS_VERDICT:
		return FINDING_SIZE;
	default:
		return ALERT_SIZE;
	}
}

static void encode_record(struct buf *out, const struct ps_record *r)
{
	uint8_t *p = buf_add(out, RECORD_FIXED + record_size(r->kind));

	put32(&p, r->kind);
	put64(&p, (uint64_t)r->start_ns);
	put64(&p, (uint64_t)r->end_ns);
	if (r->kind == PS_TRAFFIC)
		encode_traffic(p, &r->traffic);
	else if (r->kind == PS_PROGRAM)
		encode_program(p, &r->program);
	else if (r->kind == PS_AUDIT)
		encode_audit(p, &r->audit);
	else if (r->kind == PS_VERDICT)
		encode_finding(p, &r->finding);
	else
		encode_alert(p, &r->alert);
}

void codec_encode(struct buf *out, const struct ps_batch *b)
{
	uint8_t *p = buf_add(out, HEAD_SIZE);

	put32(&p, CODEC_MAGIC);
	put32(&p, CODEC_VERSION);
	put_bytes(&p, b->host, PS_ID_SIZE);
	put_bytes(&p, b->boot, PS_ID_SIZE);
	memset(p, 0, 8 + PS_DIGEST_SIZE);
	p += 8 + PS_DIGEST_SIZE;
	put32(&p, b->n_exes);
	put32(&p, b->n_texts);
	put32(&p, b->n_records);
	put32(&p, b->n_places);
	encode_text(out, b->hostname);
	for (uint32_t i = 0; i < b->n_exes; i++)
		encode_exe(out, &b->exes[i]);
	for (uint32_t i = 0; i < b->n_texts; i++)
		encode_text(out, b->texts[i]);
	for (uint32_t i = 0; i < b->n_places; i++)
		encode_place(out, &b->places[i]);
	for (uint32_t i = 0; i < b->n_records; i++)
		encode_record(out, &b->records[i]);
	memset(buf_add(out, PS_DIGEST_SIZE + CHECKSUM_SIZE), 0, PS_DIGEST_SIZE + CHECKSUM_SIZE);
}

static bool is_for_people(const struct ps_record *r)
{
	return r->kind == PS_ALERT || (r->kind == PS_PROGRAM && !r->program.expected) ||
	       (r->kind == PS_VERDICT && r->finding.state == PS_FINDING_SUSPICIOUS);
}

uint32_t codec_seal(uint8_t *data, size_t len, uint64_t seq, const uint8_t previous[PS_DIGEST_SIZE],
                    codec_digest *digest_of, uint8_t digest[PS_DIGEST_SIZE])
{
	uint8_t *p = data + AT_SEQ, *end = data + len - CHECKSUM_SIZE;
	const struct ps_batch *batch;
	struct arena arena;
	uint32_t told = 0;
	const char *why;

	put64(&p, seq);
	put_bytes(&p, previous, PS_DIGEST_SIZE);
	arena_init(&arena);
	batch = codec_decode_unchecked(data, len, &arena, &why);
	if (!batch) {
		log_error("a batch that was encoded cannot be decoded: %s", why);
		abort();
	}
	digest_of(batch, digest);
	for (uint32_t i = 0; i < batch->n_records; i++)
		told += is_for_people(&batch->records[i]);
	arena_done(&arena);
	memcpy(end - PS_DIGEST_SIZE, digest, PS_DIGEST_SIZE);
	sha256_bytes(data, len - CHECKSUM_SIZE, end);
	return told;
}

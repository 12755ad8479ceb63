/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The format, version 2. All numbers are little-endian; nothing is aligned or padded.
 *
 *   head      magic u32 "PSB\1", version u32, host[16], boot[16], seq u64, previous[32],
 *             n_exes u32, n_texts u32, n_records u32
 *   text      len u32, len bytes, one NUL
 *   hostname  a text
 *   exe       hash_state u8, flags u8, sha256[32], path, name, cmdline: texts
 *   record    kind u32, start i64, end i64, and then
 *     traffic exe u32, parent u32, grandparent u32, domain u32, uid u32, netns u32, family u8,
 *             direction u8, protocol u16, lport i64, rport i64, laddr, raddr: family u8 and 16 bytes
 *             each, opened i64, closed i64, sent u64, received u64, calls u64
 *     audit   netns u32, layer u32, and as u64: sent, received, packets sent and received, errors,
 *             retransmitted, forwarded, own sent, received and calls, rest sent, received, packets
 *     alert   stage u32, text u32, count u64, sent u64, received u64
 *   digest    SHA-256 of everything before it: checksum and link of the chain in one
 *
 * A text carries its NUL so that a decoded batch can point into the bytes.
 *
 * Version 1, which may still wait in a journal, is read too: there, traffic had no direction, opened
 * and closed, a protocol u8, and ports i32.
 */
#include "core/delivery/codec.h"

#include <endian.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/sha256.h"

#define MAGIC 0x01425350u
#define VERSION 2u

enum {
	AT_SEQ = 40,
	AT_PREVIOUS = 48,
	AT_N_RECORDS = 88,
	HEAD_SIZE = 92,
	TEXT_MIN = 5,
	EXE_FIXED = 34,
	EXE_MIN = EXE_FIXED + 3 * TEXT_MIN,
	RECORD_FIXED = 20,
	TRAFFIC_SIZE = 118,
	TRAFFIC_SIZE_1 = 92, /* in version 1 */
	ALERT_SIZE = 32,
	AUDIT_SIZE = 8 + 8 * 13,
	RECORD_MIN = RECORD_FIXED + ALERT_SIZE,
};

#define EXE_FLAGS (PS_EXE_CMDLINE_CUT | PS_EXE_PATH_GUESSED)

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

static uint8_t get8(const uint8_t **p)
{
	return *(*p)++;
}

static uint16_t get16(const uint8_t **p)
{
	uint16_t v;

	memcpy(&v, *p, 2);
	*p += 2;
	return le16toh(v);
}

static uint32_t get32(const uint8_t **p)
{
	uint32_t v;

	memcpy(&v, *p, 4);
	*p += 4;
	return le32toh(v);
}

static uint64_t get64(const uint8_t **p)
{
	uint64_t v;

	memcpy(&v, *p, 8);
	*p += 8;
	return le64toh(v);
}

static void get_bytes(const uint8_t **p, void *out, size_t n)
{
	memcpy(out, *p, n);
	*p += n;
}

/* How many of the 16 bytes of an address mean something. */
static size_t addr_size(uint8_t family)
{
	return family == AF_INET || family == AF_VSOCK ? 4 : family == AF_INET6 ? 16 : 0;
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

static void encode_exe(struct buf *out, const struct ps_exe *exe)
{
	uint8_t *p = buf_add(out, EXE_FIXED);

	put8(&p, exe->hash_state);
	put8(&p, exe->flags);
	if (exe->hash_state == PS_HASH_OK)
		memcpy(p, exe->sha256, sizeof(exe->sha256));
	else
		memset(p, 0, sizeof(exe->sha256));
	encode_text(out, exe->path);
	encode_text(out, exe->name);
	encode_text(out, exe->cmdline);
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

static void encode_record(struct buf *out, const struct ps_record *r)
{
	size_t size = r->kind == PS_TRAFFIC ? TRAFFIC_SIZE : r->kind == PS_AUDIT ? AUDIT_SIZE : ALERT_SIZE;
	uint8_t *p = buf_add(out, RECORD_FIXED + size);

	put32(&p, r->kind);
	put64(&p, (uint64_t)r->start_ns);
	put64(&p, (uint64_t)r->end_ns);
	if (r->kind == PS_TRAFFIC)
		encode_traffic(p, &r->traffic);
	else if (r->kind == PS_AUDIT)
		encode_audit(p, &r->audit);
	else
		encode_alert(p, &r->alert);
}

void codec_encode(struct buf *out, const struct ps_batch *b)
{
	uint8_t *p = buf_add(out, HEAD_SIZE);

	put32(&p, MAGIC);
	put32(&p, VERSION);
	put_bytes(&p, b->host, PS_ID_SIZE);
	put_bytes(&p, b->boot, PS_ID_SIZE);
	memset(p, 0, 8 + PS_DIGEST_SIZE);
	p += 8 + PS_DIGEST_SIZE;
	put32(&p, b->n_exes);
	put32(&p, b->n_texts);
	put32(&p, b->n_records);
	encode_text(out, b->hostname);
	for (uint32_t i = 0; i < b->n_exes; i++)
		encode_exe(out, &b->exes[i]);
	for (uint32_t i = 0; i < b->n_texts; i++)
		encode_text(out, b->texts[i]);
	for (uint32_t i = 0; i < b->n_records; i++)
		encode_record(out, &b->records[i]);
	memset(buf_add(out, PS_DIGEST_SIZE), 0, PS_DIGEST_SIZE);
}

void codec_seal(uint8_t *data, size_t len, uint64_t seq, const uint8_t previous[PS_DIGEST_SIZE],
                uint8_t digest[PS_DIGEST_SIZE])
{
	uint8_t *p = data + AT_SEQ;

	put64(&p, seq);
	put_bytes(&p, previous, PS_DIGEST_SIZE);
	sha256_bytes(data, len - PS_DIGEST_SIZE, digest);
	memcpy(data + len - PS_DIGEST_SIZE, digest, PS_DIGEST_SIZE);
}

static int decode_text(struct cursor *c, struct ps_text *text)
{
	uint32_t len = cursor_u32(c);
	const uint8_t *p = cursor_take(c, (size_t)len + 1);

	if (!p || p[len])
		return -1;
	*text = (struct ps_text){(const char *)p, len};
	return 0;
}

static int decode_exe(struct cursor *c, struct ps_exe *exe)
{
	static const uint8_t zero[32];
	const uint8_t *p = cursor_take(c, EXE_FIXED);

	if (!p)
		return -1;
	exe->hash_state = get8(&p);
	exe->flags = get8(&p);
	get_bytes(&p, exe->sha256, sizeof(exe->sha256));
	if (exe->hash_state > PS_HASH_LATE || (exe->flags & ~EXE_FLAGS) ||
	    (exe->hash_state != PS_HASH_OK && memcmp(exe->sha256, zero, sizeof(zero)) != 0))
		return -1;
	if (decode_text(c, &exe->path) || decode_text(c, &exe->name) || decode_text(c, &exe->cmdline))
		return -1;
	return 0;
}

static int decode_addr(const uint8_t **p, struct ps_addr *addr)
{
	size_t n;

	addr->family = get8(p);
	get_bytes(p, addr->bytes, 16);
	n = addr_size(addr->family);
	if (!n && addr->family)
		return -1;
	for (size_t i = n; i < 16; i++)
		if (addr->bytes[i])
			return -1;
	return 0;
}

static int port_good(int64_t port, uint8_t family)
{
	return port >= -1 && port <= (family == AF_VSOCK ? UINT32_MAX : UINT16_MAX);
}

static int decode_traffic(struct cursor *c, uint32_t version, const struct ps_batch *b, struct ps_traffic *t)
{
	const uint8_t *p = cursor_take(c, version == 1 ? TRAFFIC_SIZE_1 : TRAFFIC_SIZE);

	if (!p)
		return -1;
	t->exe = get32(&p);
	t->parent = get32(&p);
	t->grandparent = get32(&p);
	t->domain = get32(&p);
	t->uid = get32(&p);
	t->netns = get32(&p);
	t->family = get8(&p);
	t->direction = version == 1 ? PS_DIRECTION_UNKNOWN : get8(&p);
	t->protocol = version == 1 ? get8(&p) : get16(&p);
	t->lport = version == 1 ? (int32_t)get32(&p) : (int64_t)get64(&p);
	t->rport = version == 1 ? (int32_t)get32(&p) : (int64_t)get64(&p);
	if (decode_addr(&p, &t->laddr) || decode_addr(&p, &t->raddr))
		return -1;
	t->opened_ns = version == 1 ? 0 : (int64_t)get64(&p);
	t->closed_ns = version == 1 ? 0 : (int64_t)get64(&p);
	t->sent = get64(&p);
	t->received = get64(&p);
	t->calls = get64(&p);
	if (t->exe >= b->n_exes || t->parent >= b->n_exes || t->grandparent >= b->n_exes || t->domain >= b->n_texts)
		return -1;
	return t->direction <= PS_DIRECTION_IN && port_good(t->lport, t->family) && port_good(t->rport, t->family) ? 0 : -1;
}

static int decode_alert(const uint8_t *p, const struct ps_batch *b, struct ps_alert *a)
{
	if (!p)
		return -1;
	a->stage = get32(&p);
	a->text = get32(&p);
	a->count = get64(&p);
	a->sent = get64(&p);
	a->received = get64(&p);
	return a->text < b->n_texts ? 0 : -1;
}

static int decode_audit(const uint8_t *p, struct ps_audit *a)
{
	if (!p)
		return -1;
	a->netns = get32(&p);
	a->layer = get32(&p);
	a->sent = get64(&p);
	a->received = get64(&p);
	a->packets_sent = get64(&p);
	a->packets_received = get64(&p);
	a->errors = get64(&p);
	a->retransmitted = get64(&p);
	a->forwarded = get64(&p);
	a->own_sent = get64(&p);
	a->own_received = get64(&p);
	a->own_calls = get64(&p);
	a->rest_sent = (int64_t)get64(&p);
	a->rest_received = (int64_t)get64(&p);
	a->rest_packets = (int64_t)get64(&p);
	return 0;
}

static const char *decode_record(struct cursor *c, uint32_t version, const struct ps_batch *b, struct ps_record *r)
{
	const uint8_t *p = cursor_take(c, RECORD_FIXED);
	int bad;

	if (!p)
		return "the records are cut off";
	r->kind = get32(&p);
	r->start_ns = (int64_t)get64(&p);
	r->end_ns = (int64_t)get64(&p);
	if (r->kind == PS_TRAFFIC)
		bad = decode_traffic(c, version, b, &r->traffic);
	else if (r->kind == PS_ALERT)
		bad = decode_alert(cursor_take(c, ALERT_SIZE), b, &r->alert);
	else if (r->kind == PS_AUDIT && version > 1)
		bad = decode_audit(cursor_take(c, AUDIT_SIZE), &r->audit);
	else
		return "a record is of an unknown kind";
	return bad ? "a record is cut off, or refers to what is not there" : NULL;
}

static const char *decode_body(struct cursor *c, uint32_t version, struct ps_batch *b, struct arena *arena)
{
	struct ps_record *records;
	struct ps_text *texts;
	struct ps_exe *exes;
	const char *why;

	if (decode_text(c, &b->hostname))
		return "the host name is cut off";
	/* The least that each takes is looked at before memory is given for it. */
	if (b->n_exes > cursor_left(c) / EXE_MIN || b->n_texts > cursor_left(c) / TEXT_MIN ||
	    b->n_records > cursor_left(c) / RECORD_MIN)
		return "it says that it has more than its length can hold";
	b->exes = exes = arena_alloc(arena, b->n_exes * sizeof(*exes));
	b->texts = texts = arena_alloc(arena, b->n_texts * sizeof(*texts));
	b->records = records = arena_alloc(arena, b->n_records * sizeof(*records));
	for (uint32_t i = 0; i < b->n_exes; i++)
		if (decode_exe(c, &exes[i]))
			return "an executable is cut off or wrong";
	for (uint32_t i = 0; i < b->n_texts; i++)
		if (decode_text(c, &texts[i]))
			return "a text is cut off or wrong";
	if (!b->n_exes || !b->n_texts || texts[0].len || exes[0].path.len || exes[0].name.len || exes[0].cmdline.len ||
	    exes[0].hash_state != PS_HASH_ABSENT || exes[0].flags)
		return "its first executable or text is not the empty one";
	for (uint32_t i = 0; i < b->n_records; i++)
		if ((why = decode_record(c, version, b, &records[i])))
			return why;
	return cursor_left(c) ? "there is more behind its end" : NULL;
}

const struct ps_batch *codec_decode_unchecked(const void *data, size_t len, struct arena *arena, const char **why)
{
	const uint8_t *p = data;
	struct ps_batch *b;
	uint32_t version;
	struct cursor c;

	if (len < HEAD_SIZE + TEXT_MIN + EXE_MIN + TEXT_MIN + PS_DIGEST_SIZE) {
		*why = "it is too short to be a batch";
		return NULL;
	}
	if (len > CODEC_SIZE_MAX) {
		*why = "it is too long to be a batch";
		return NULL;
	}
	if (get32(&p) != MAGIC) {
		*why = "it does not begin as a batch does";
		return NULL;
	}
	version = get32(&p);
	if (!version || version > VERSION) {
		*why = "it is of a version that this program does not know";
		return NULL;
	}
	b = arena_alloc(arena, sizeof(*b));
	get_bytes(&p, b->host, PS_ID_SIZE);
	get_bytes(&p, b->boot, PS_ID_SIZE);
	b->seq = get64(&p);
	get_bytes(&p, b->previous, PS_DIGEST_SIZE);
	b->n_exes = get32(&p);
	b->n_texts = get32(&p);
	b->n_records = get32(&p);
	memcpy(b->digest, (const uint8_t *)data + len - PS_DIGEST_SIZE, PS_DIGEST_SIZE);
	cursor_init(&c, p, len - HEAD_SIZE - PS_DIGEST_SIZE);
	*why = decode_body(&c, version, b, arena);
	return *why ? NULL : b;
}

const struct ps_batch *codec_decode(const void *data, size_t len, struct arena *arena, const char **why)
{
	const uint8_t *bytes = data;
	uint8_t digest[SHA256_SIZE];

	if (len >= PS_DIGEST_SIZE) {
		sha256_bytes(data, len - PS_DIGEST_SIZE, digest);
		if (memcmp(digest, bytes + len - PS_DIGEST_SIZE, PS_DIGEST_SIZE) != 0) {
			*why = "its checksum is wrong: it was damaged or cut";
			return NULL;
		}
	}
	return codec_decode_unchecked(data, len, arena, why);
}

uint32_t codec_count(const void *data, size_t len)
{
	const uint8_t *p = (const uint8_t *)data + AT_N_RECORDS;

	return len < HEAD_SIZE ? 0 : get32(&p);
}

void codec_totals(const struct ps_batch *b, struct codec_totals *t)
{
	*t = (struct codec_totals){.records = b->n_records};
	for (uint32_t i = 0; i < b->n_records; i++) {
		const struct ps_record *r = &b->records[i];

		if (!i || r->start_ns < t->start_ns)
			t->start_ns = r->start_ns;
		if (!i || r->end_ns > t->end_ns)
			t->end_ns = r->end_ns;
		if (r->kind != PS_TRAFFIC)
			continue;
		t->sent += r->traffic.sent;
		t->received += r->traffic.received;
	}
}

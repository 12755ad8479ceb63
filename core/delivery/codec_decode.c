/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From bytes, which may be anybody's, to a batch: the format is in codec_format.h. */
#include "core/delivery/codec.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/sha256.h"
#include "core/delivery/codec_format.h"

#define EXE_FLAGS                                                                                                      \
	(PS_EXE_CMDLINE_CUT | PS_EXE_PATH_GUESSED | PS_EXE_PATH_ELSEWHERE | PS_EXE_HASH_UNSURE | PS_EXE_SCRIPT_UNSURE)

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

static int decode_text(struct cursor *c, struct ps_text *text)
{
	uint32_t len = cursor_u32(c);
	const uint8_t *p = cursor_take(c, (size_t)len + 1);

	if (!p || p[len])
		return -1;
	*text = (struct ps_text){(const char *)p, len};
	return 0;
}

/* 0 if the hash is one that the state allows. */
static int decode_hash(const uint8_t **p, uint8_t state, uint8_t sha256[32])
{
	static const uint8_t zero[32];

	get_bytes(p, sha256, 32);
	return state > PS_HASH_LATE || (state != PS_HASH_OK && memcmp(sha256, zero, 32) != 0) ? -1 : 0;
}

static int decode_exe(struct cursor *c, uint32_t version, struct ps_exe *exe)
{
	const uint8_t *p = cursor_take(c, version < 3 ? EXE_FIXED_2 : EXE_FIXED);

	if (!p)
		return -1;
	exe->hash_state = get8(&p);
	exe->flags = get8(&p);
	if (decode_hash(&p, exe->hash_state, exe->sha256) || (exe->flags & ~EXE_FLAGS))
		return -1;
	if (version >= 3) {
		exe->script_state = get8(&p);
		if (decode_hash(&p, exe->script_state, exe->script_sha256))
			return -1;
	}
	if (decode_text(c, &exe->path) || decode_text(c, &exe->name) || decode_text(c, &exe->cmdline))
		return -1;
	if (version < 3) {
		exe->script = (struct ps_text){"", 0};
		return 0;
	}
	return decode_text(c, &exe->script);
}

static int decode_place(struct cursor *c, struct ps_place *place)
{
	const uint8_t *p = cursor_take(c, 8);

	if (!p)
		return -1;
	place->owner = (int64_t)get64(&p);
	if (place->owner < -1 || place->owner > UINT32_MAX)
		return -1;
	return decode_text(c, &place->cgroup) || decode_text(c, &place->unit) || decode_text(c, &place->slice) ||
	               decode_text(c, &place->session) || decode_text(c, &place->engine) ||
	               decode_text(c, &place->container) || decode_text(c, &place->pod)
	           ? -1
	           : 0;
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
	const uint8_t *p = cursor_take(c, version == 1 ? TRAFFIC_SIZE_1 : version == 2 ? TRAFFIC_SIZE_2 : TRAFFIC_SIZE);

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
	if (version >= 3) {
		t->place = get32(&p);
		t->domain_source = get8(&p);
		t->domain_rivals = get16(&p);
	}
	if (t->exe >= b->n_exes || t->parent >= b->n_exes || t->grandparent >= b->n_exes || t->domain >= b->n_texts ||
	    t->place >= b->n_places || t->domain_source > PS_DOMAIN_PTR)
		return -1;
	return t->direction <= PS_DIRECTION_IN && port_good(t->lport, t->family) && port_good(t->rport, t->family) ? 0 : -1;
}

static int decode_program(const uint8_t *p, const struct ps_batch *b, struct ps_program *g)
{
	if (!p)
		return -1;
	g->exe = get32(&p);
	g->parent = get32(&p);
	g->grandparent = get32(&p);
	g->place = get32(&p);
	g->text = get32(&p);
	g->uid = get32(&p);
	g->event = get8(&p);
	g->role = get8(&p);
	g->expected = get8(&p);
	get_bytes(&p, g->previous, sizeof(g->previous));
	if (g->exe >= b->n_exes || g->parent >= b->n_exes || g->grandparent >= b->n_exes || g->place >= b->n_places ||
	    g->text >= b->n_texts)
		return -1;
	return g->event && g->event <= PS_PROGRAM_CHANGED && g->role <= PS_ROLE_GRANDPARENT && g->expected <= 1 ? 0 : -1;
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

static int decode_finding(const uint8_t *p, const struct ps_batch *b, struct ps_finding *f)
{
	if (!p)
		return -1;
	get_bytes(&p, f->sha256, sizeof(f->sha256));
	f->state = get8(&p);
	f->previous = get8(&p);
	f->service = get32(&p);
	f->path = get32(&p);
	f->text = get32(&p);
	f->link = get32(&p);
	f->malicious = get32(&p);
	f->suspicious = get32(&p);
	f->harmless = get32(&p);
	f->undetected = get32(&p);
	f->asked_ns = (int64_t)get64(&p);
	f->analysed_ns = (int64_t)get64(&p);
	if (f->service >= b->n_texts || f->path >= b->n_texts || f->text >= b->n_texts || f->link >= b->n_texts)
		return -1;
	return f->state && f->state <= PS_FINDING_FAILED && f->previous <= PS_FINDING_FAILED ? 0 : -1;
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
	else if (r->kind == PS_PROGRAM && version >= 3)
		bad = decode_program(cursor_take(c, PROGRAM_SIZE), b, &r->program);
	else if (r->kind == PS_ALERT)
		bad = decode_alert(cursor_take(c, ALERT_SIZE), b, &r->alert);
	else if (r->kind == PS_AUDIT && version > 1)
		bad = decode_audit(cursor_take(c, AUDIT_SIZE), &r->audit);
	else if (r->kind == PS_VERDICT && version >= 5)
		bad = decode_finding(cursor_take(c, FINDING_SIZE), b, &r->finding);
	else
		return "a record is of an unknown kind";
	return bad ? "a record is cut off, or refers to what is not there" : NULL;
}

static bool is_empty_exe(const struct ps_exe *e)
{
	return !e->path.len && !e->name.len && !e->cmdline.len && !e->script.len && !e->flags &&
	       e->hash_state == PS_HASH_ABSENT && e->script_state == PS_HASH_ABSENT;
}

static bool is_empty_place(const struct ps_place *p)
{
	return !p->cgroup.len && !p->unit.len && !p->slice.len && !p->session.len && !p->engine.len && !p->container.len &&
	       !p->pod.len && p->owner == -1;
}

/* Executables, texts and places. */
static const char *decode_interned(struct cursor *c, uint32_t version, struct ps_batch *b, struct arena *arena)
{
	static const struct ps_place nowhere = {{"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, -1};
	struct ps_place *places;
	struct ps_text *texts;
	struct ps_exe *exes;

	b->exes = exes = arena_alloc(arena, b->n_exes * sizeof(*exes));
	b->texts = texts = arena_alloc(arena, b->n_texts * sizeof(*texts));
	b->places = places = arena_alloc(arena, b->n_places * sizeof(*places));
	for (uint32_t i = 0; i < b->n_exes; i++)
		if (decode_exe(c, version, &exes[i]))
			return "an executable is cut off or wrong";
	for (uint32_t i = 0; i < b->n_texts; i++)
		if (decode_text(c, &texts[i]))
			return "a text is cut off or wrong";
	if (version < 3)
		places[0] = nowhere;
	else
		for (uint32_t i = 0; i < b->n_places; i++)
			if (decode_place(c, &places[i]))
				return "a place is cut off or wrong";
	if (!b->n_exes || !b->n_texts || !b->n_places || texts[0].len || !is_empty_exe(&exes[0]) ||
	    !is_empty_place(&places[0]))
		return "its first executable, place or text is not the empty one";
	return NULL;
}

static const char *decode_body(struct cursor *c, uint32_t version, struct ps_batch *b, struct arena *arena)
{
	struct ps_record *records;
	const char *why;

	if (decode_text(c, &b->hostname))
		return "the host name is cut off";
	/* The least that each takes is looked at before memory is given for it. */
	if (b->n_exes > cursor_left(c) / EXE_MIN || b->n_texts > cursor_left(c) / TEXT_MIN ||
	    (version >= 3 && b->n_places > cursor_left(c) / PLACE_MIN) || b->n_records > cursor_left(c) / RECORD_MIN)
		return "it says that it has more than its length can hold";
	why = decode_interned(c, version, b, arena);
	if (why)
		return why;
	b->records = records = arena_alloc(arena, b->n_records * sizeof(*records));
	for (uint32_t i = 0; i < b->n_records; i++)
		if ((why = decode_record(c, version, b, &records[i])))
			return why;
	return cursor_left(c) ? "there is more behind its end" : NULL;
}

const struct ps_batch *codec_decode_unchecked(const void *data, size_t len, struct arena *arena, const char **why)
{
	const uint8_t *p = data, *end;
	struct ps_batch *b;
	uint32_t version;
	struct cursor c;

	if (len < HEAD_SIZE_2 + TEXT_MIN + EXE_MIN + TEXT_MIN + PS_DIGEST_SIZE) {
		*why = "it is too short to be a batch";
		return NULL;
	}
	if (len > CODEC_SIZE_MAX) {
		*why = "it is too long to be a batch";
		return NULL;
	}
	if (get32(&p) != CODEC_MAGIC) {
		*why = "it does not begin as a batch does";
		return NULL;
	}
	version = get32(&p);
	if (!version || version > CODEC_VERSION) {
		*why = "it is of a version that this program does not know";
		return NULL;
	}
	if (version >= 4 &&
	    len < HEAD_SIZE + TEXT_MIN + EXE_FIXED + 4 * TEXT_MIN + TEXT_MIN + PS_DIGEST_SIZE + CHECKSUM_SIZE) {
		*why = "it is too short to be a batch";
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
	b->n_places = version < 3 ? 1 : get32(&p);
	end = (const uint8_t *)data + len - (version < 4 ? PS_DIGEST_SIZE : PS_DIGEST_SIZE + CHECKSUM_SIZE);
	memcpy(b->digest, end, PS_DIGEST_SIZE);
	cursor_init(&c, p, (size_t)(end - p));
	*why = decode_body(&c, version, b, arena);
	return *why ? NULL : b;
}

const struct ps_batch *codec_decode(const void *data, size_t len, struct arena *arena, const char **why)
{
	const uint8_t *bytes = data;
	uint8_t sum[SHA256_SIZE];

	if (len >= CHECKSUM_SIZE) {
		sha256_bytes(data, len - CHECKSUM_SIZE, sum);
		if (memcmp(sum, bytes + len - CHECKSUM_SIZE, CHECKSUM_SIZE) != 0) {
			*why = "its checksum is wrong: it was damaged or cut";
			return NULL;
		}
	}
	return codec_decode_unchecked(data, len, arena, why);
}

uint32_t codec_count(const void *data, size_t len)
{
	const uint8_t *p = (const uint8_t *)data + AT_N_RECORDS;

	return len < HEAD_SIZE_2 ? 0 : get32(&p);
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The codec: what goes in comes out, and nothing else gets in. */
#include "core/delivery/codec.h"

#include <stdlib.h>

#include "core/base/sha256.h"
#include "core/query/rows.h"
#include "tests/tap.h"
#include "tests/unit/batches.h"

static const uint8_t no_digest[PS_DIGEST_SIZE];
static const struct ps_place nowhere = NOWHERE;

/* Encodes and seals; the caller frees. */
static struct buf sealed(uint32_t n, uint64_t seq, uint8_t digest[PS_DIGEST_SIZE])
{
	struct buf b;

	buf_init(&b);
	batch_make(&b, n, seq * 100);
	codec_seal(b.data, b.len, seq, no_digest, rows_digest, digest);
	return b;
}

static void test_round_trip(void)
{
	uint8_t digest[PS_DIGEST_SIZE];
	struct buf b = sealed(3, 42, digest), again;
	const struct ps_batch *got;
	const char *why = "";
	struct arena arena;

	arena_init(&arena);
	buf_init(&again);
	got = codec_decode(b.data, b.len, &arena, &why);
	if (ok(got != NULL, "a sealed batch is decoded (%s)", got ? "" : why)) {
		const struct ps_traffic *t = &got->records[1].traffic;

		is_int(got->seq, 42, "its number");
		ok(memcmp(got->digest, digest, PS_DIGEST_SIZE) == 0, "its digest");
		is_int(got->host[0] * 10 + got->boot[0], 78, "host and boot");
		is_str(got->hostname.data, "host", "the host's name, with a NUL behind it");
		is_int(got->n_exes * 100 + got->n_texts * 10 + got->n_records, 334, "counts");
		is_int(codec_count(b.data, b.len), 4, "the count of records without decoding");
		ok(memcmp(got->exes[1].cmdline.data, "curl\0-s\0", 9) == 0, "a text with NULs, and the NUL behind it");
		ok(memcmp(got->exes[2].path.data, "/bin/\xff\n", 8) == 0, "a text that is not UTF-8");
		is_int(got->exes[1].sha256[2], 3, "a hash");
		is_int(got->exes[2].hash_state, PS_HASH_GONE, "why there is no hash");
		is_int(t->lport, -1, "a port that is not there");
		is_int(t->rport, 65535, "the highest port");
		is_int(t->protocol, IPPROTO_MPTCP, "a protocol beyond 8 bits");
		is_int(t->direction, PS_DIRECTION_IN, "who opened it");
		ok(t->opened_ns == 900 && t->closed_ns == INT64_MAX, "and when");
		is_int(t->netns, 4026531840u, "an inode beyond 31 bits");
		is_int(t->sent, 4200, "bytes");
		is_int(t->raddr.bytes[15], 9, "an address to its last byte");
		ok(t->place == 1 && memcmp(got->places[1].container.data, "c\xff", 3) == 0 && !got->places[1].owner &&
		       got->places[0].owner == -1,
		   "where it ran");
		ok(t->domain_source == PS_DOMAIN_PTR && t->domain_rivals == 65535, "how the domain is known");
		ok(got->exes[1].script.len == 3 && got->exes[1].script_sha256[0] == 4, "a script and its hash");
		is_int(got->records[3].alert.text, 2, "an alert");
		ok(got->texts[1].data > (char *)b.data && got->texts[1].data < (char *)b.data + b.len, "texts are not copied");
		codec_encode(&again, got);
		codec_seal(again.data, again.len, got->seq, got->previous, rows_digest, digest);
		ok(again.len == b.len && memcmp(again.data, b.data, b.len) == 0, "encoded again, it is the same bytes");
	}
	arena_done(&arena);
	buf_done(&again);
	buf_done(&b);
}

/* A batch of an older version, as it may wait in a journal: one that the fuzzer knows. */
static void test_older(int version)
{
	const char *top = getenv("top_srcdir");
	char *path = mem_printf("%s/tests/fuzz/corpus/codec/version-%d-2-records", top ? top : ".", version);
	FILE *in = fopen(path, "rb");
	const struct ps_batch *got = NULL;
	uint8_t data[4096];
	size_t len = in ? fread(data, 1, sizeof(data), in) : 0;
	const char *why = path;
	struct arena arena;

	arena_init(&arena);
	if (len)
		got = codec_decode(data, len, &arena, &why);
	if (ok(got && data[4] == version, "a batch of version %d is decoded (%s)", version, got ? "" : why)) {
		const struct ps_traffic *t = &got->records[0].traffic;

		is_int(codec_count(data, len) * 10 + got->n_records, 22, "all of it");
		is_int(t->netns, 4026531840u, "its inode");
		is_int(t->protocol, version == 1 ? IPPROTO_TCP : IPPROTO_MPTCP, "its protocol");
		is_int(t->lport, -1, "no port");
		is_int(t->rport, 65535, "a port");
		is_int(t->received * 10 + t->calls, 13, "bytes and calls");
		ok(version > 1 || (!t->direction && !t->opened_ns && !t->closed_ns), "what it did not know");
		ok(version > 2 || (got->n_places == 1 && !t->place && got->places[0].owner == -1 && !got->exes[1].script.len &&
		                   got->exes[1].script.data && !t->domain_source),
		   "no places, scripts and sources");
		is_int(got->records[1].alert.sent, 5, "an alert");
	}
	if (in)
		fclose(in);
	free(path);
	arena_done(&arena);
}

static void test_totals(void)
{
	uint8_t digest[PS_DIGEST_SIZE];
	struct buf b = sealed(3, 1, digest);
	struct codec_totals t;
	struct arena arena;
	const char *why;

	arena_init(&arena);
	codec_totals(codec_decode(b.data, b.len, &arena, &why), &t);
	is_int(t.records, 4, "totals: records");
	is_int(t.sent, 300, "totals: sent");
	is_int(t.received, 3, "totals: received, without what an alert counts");
	is_int(t.start_ns, 500, "totals: the earliest start");
	is_int(t.end_ns, 2002, "totals: the latest end");
	arena_done(&arena);
	buf_done(&b);
}

/* Any one byte changed, and any length, is refused: by the checksum. */
static void test_damage(void)
{
	uint8_t digest[PS_DIGEST_SIZE];
	struct buf b = sealed(2, 7, digest);
	unsigned accepted = 0, cut = 0;
	const char *why;

	for (size_t i = 0; i < b.len; i++) {
		struct arena arena;

		arena_init(&arena);
		b.data[i] ^= 0x20;
		accepted += codec_decode(b.data, b.len, &arena, &why) != NULL;
		b.data[i] ^= 0x20;
		arena_done(&arena);
	}
	is_int(accepted, 0, "a batch with any one byte changed is refused");
	for (size_t len = 0; len < b.len; len++) {
		uint8_t *exact = mem_copy(b.data, len);
		struct arena arena;

		arena_init(&arena);
		cut += codec_decode(exact, len, &arena, &why) != NULL;
		cut += codec_decode_unchecked(exact, len, &arena, &why) != NULL;
		arena_done(&arena);
		free(exact);
	}
	is_int(cut, 0, "a batch cut anywhere is refused, even without a look at the checksum");
	buf_done(&b);
}

/* Changes `n` bytes at `at` from the end or start, makes the checksum right, and decodes. */
static const char *judged(long at, const void *data, size_t n, size_t extra)
{
	uint8_t digest[PS_DIGEST_SIZE];
	struct buf b = sealed(1, 7, digest);
	const char *why = "accepted";
	struct arena arena;

	if (extra) { /* before digest and checksum */
		memset(buf_add(&b, extra), 0, extra);
	}
	memcpy(b.data + (at < 0 ? (long)b.len - (long)extra + at : at), data, n);
	sha256_bytes(b.data, b.len - SHA256_SIZE, b.data + b.len - SHA256_SIZE);
	arena_init(&arena);
	if (codec_decode(b.data, b.len, &arena, &why))
		why = "accepted";
	arena_done(&arena);
	buf_done(&b);
	return why;
}

static void test_hostile(void)
{
	const uint32_t next = 6, huge = 0xffffffff, three = 3, kind = 1 << 5, port = 65536, one = 1;
	/* From the end: checksum 32, digest 32, alert 52, traffic 145. */
	const long alert = -64 - 52, traffic = alert - 145;

	is_str(judged(0, "X", 1, 0), "it does not begin as a batch does", "another magic");
	is_str(judged(4, &next, 4, 0), "it is of a version that this program does not know", "another version");
	is_str(judged(80, &huge, 4, 0), "it says that it has more than its length can hold",
	       "4 thousand million executables");
	is_str(judged(88, &huge, 4, 0), "it says that it has more than its length can hold", "4 thousand million records");
	is_str(judged(96, &huge, 4, 0), "the host name is cut off", "a host name of 4 GiB");
	is_str(judged(96 + 4 + 4, "x", 1, 0), "the host name is cut off", "a text without its NUL");
	is_str(judged(88, &three, 4, 0), "the records are cut off", "a record more than there are");
	is_str(judged(88, &one, 4, 0), "there is more behind its end", "a record less than there are");
	is_str(judged(0, "P", 1, 1), "there is more behind its end", "a byte behind the end");
	is_str(judged(92, &huge, 4, 0), "it says that it has more than its length can hold", "4 thousand million places");
	is_str(judged(traffic + 138, &three, 4, 0), "a record is cut off, or refers to what is not there",
	       "a place that is not there");
	is_str(judged(traffic + 142, "\6", 1, 0), "a record is cut off, or refers to what is not there",
	       "a source of domains that is none");
	is_str(judged(alert, &kind, 4, 0), "a record is of an unknown kind", "a kind that is not known yet");
	is_str(judged(traffic + 20, &three, 4, 0), "a record is cut off, or refers to what is not there",
	       "an executable that is not there");
	is_str(judged(traffic + 20 + 12, &huge, 4, 0), "a record is cut off, or refers to what is not there",
	       "a domain that is not there");
	is_str(judged(alert + 24, &three, 4, 0), "a record is cut off, or refers to what is not there",
	       "an alert's text that is not there");
	is_str(judged(traffic + 20 + 25, "\3", 1, 0), "a record is cut off, or refers to what is not there",
	       "a direction that is none");
	is_str(judged(traffic + 20 + 28, &port, 4, 0), "a record is cut off, or refers to what is not there", "port 65536");
	is_str(judged(traffic + 20 + 44, "\5", 1, 0), "a record is cut off, or refers to what is not there",
	       "an address of no known family");
	is_str(judged(traffic + 20 + 44 + 5, "\1", 1, 0), "a record is cut off, or refers to what is not there",
	       "an IPv4 address with more than four bytes");
	is_str(judged(96 + 9, "\1", 1, 0), "its first executable, place or text is not the empty one",
	       "a first executable that is not empty");
}

/* What is a port in one family is none in another. */
static void test_vsock(void)
{
	static const struct ps_exe exe = {.path = {"", 0}, .name = {"", 0}, .cmdline = {"", 0}, .script = {"", 0}};
	static const struct ps_text text = {"", 0};
	struct ps_record record = {.kind = PS_TRAFFIC};
	struct ps_batch batch = {.hostname = {"", 0},
	                         .n_exes = 1,
	                         .n_places = 1,
	                         .n_texts = 1,
	                         .n_records = 1,
	                         .exes = &exe,
	                         .places = &nowhere,
	                         .texts = &text,
	                         .records = &record};
	static const uint8_t families[] = {AF_VSOCK, AF_INET};

	record.traffic.rport = UINT32_MAX;
	record.traffic.raddr = (struct ps_addr){AF_VSOCK, {0, 1, 2, 3}};
	for (unsigned i = 0; i < 2; i++) {
		const struct ps_batch *got;
		struct arena arena;
		const char *why = "";
		struct buf b;

		record.traffic.family = families[i];
		buf_init(&b);
		arena_init(&arena);
		codec_encode(&b, &batch);
		got = codec_decode_unchecked(b.data, b.len, &arena, &why);
		if (i)
			ok(!got, "a port of 32 bits that is not vsock's is refused");
		else
			ok(got && got->records[0].traffic.rport == UINT32_MAX && got->records[0].traffic.raddr.bytes[3] == 3,
			   "a port and a context id of vsock come back (%s)", why);
		arena_done(&arena);
		buf_done(&b);
	}
}

static void test_audit(void)
{
	static const struct ps_exe exe = {.path = {"", 0}, .name = {"", 0}, .cmdline = {"", 0}, .script = {"", 0}};
	static const struct ps_text text = {"", 0};
	static const struct ps_record record = {.kind = PS_AUDIT,
	                                        .start_ns = 5,
	                                        .end_ns = 6,
	                                        .audit = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, -13, INT64_MIN, -15}};
	struct ps_batch batch = {.hostname = {"", 0},
	                         .n_exes = 1,
	                         .n_places = 1,
	                         .n_texts = 1,
	                         .n_records = 1,
	                         .exes = &exe,
	                         .places = &nowhere,
	                         .texts = &text,
	                         .records = &record};
	const struct ps_batch *got;
	struct codec_totals totals;
	struct arena arena;
	const char *why = "";
	struct buf b;

	buf_init(&b);
	arena_init(&arena);
	codec_encode(&b, &batch);
	got = codec_decode_unchecked(b.data, b.len, &arena, &why);
	if (ok(got && got->records[0].kind == PS_AUDIT, "an audit comes back (%s)", why)) {
		ok(memcmp(&got->records[0].audit, &record.audit, sizeof(record.audit)) == 0, "every number of it");
		codec_totals(got, &totals);
		ok(totals.records == 1 && !totals.sent && !totals.received, "its bytes are none of the batch's");
	}
	b.data[4] = 1;
	ok(!codec_decode_unchecked(b.data, b.len, &arena, &why), "version 1 had none: %s", why);
	arena_done(&arena);
	buf_done(&b);
}

static void test_program(void)
{
	static const struct ps_exe exe = {.path = {"", 0}, .name = {"", 0}, .cmdline = {"", 0}, .script = {"", 0}};
	static const struct ps_text text = {"", 0};
	struct ps_record record = {.kind = PS_PROGRAM, .start_ns = 5, .end_ns = 6};
	struct ps_batch batch = {.hostname = {"", 0},
	                         .n_exes = 1,
	                         .n_places = 1,
	                         .n_texts = 1,
	                         .n_records = 1,
	                         .exes = &exe,
	                         .places = &nowhere,
	                         .texts = &text,
	                         .records = &record};
	/* From the end of the record: where event, role and expected are. */
	static const struct {
		int at;
		uint8_t byte;
	} wrong[] = {{35, 0}, {35, 5}, {34, 3}, {33, 2}, {40, 1}, {44, 1}, {48, 1}, {52, 1}, {56, 1}};
	const struct ps_batch *got;
	struct arena arena;
	const char *why = "";
	struct buf b;

	record.program =
	    (struct ps_program){.uid = 7, .event = PS_PROGRAM_CHANGED, .role = PS_ROLE_GRANDPARENT, .expected = 1};
	memset(record.program.previous, 0xcd, 32);
	buf_init(&b);
	arena_init(&arena);
	codec_encode(&b, &batch);
	got = codec_decode_unchecked(b.data, b.len, &arena, &why);
	if (ok(got && got->records[0].kind == PS_PROGRAM, "a program comes back (%s)", why)) {
		const struct ps_program *g = &got->records[0].program;

		ok(g->uid == 7 && g->event == PS_PROGRAM_CHANGED && g->role == PS_ROLE_GRANDPARENT && g->expected == 1 &&
		       g->previous[31] == 0xcd,
		   "all of it");
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		uint8_t *byte = b.data + b.len - PS_DIGEST_SIZE - SHA256_SIZE - wrong[i].at, was = *byte;

		*byte = wrong[i].byte;
		ok(!codec_decode_unchecked(b.data, b.len, &arena, &why), "byte %d from its end as %d is refused", wrong[i].at,
		   wrong[i].byte);
		*byte = was;
	}
	b.data[4] = 2;
	ok(!codec_decode_unchecked(b.data, b.len, &arena, &why), "version 2 had none: %s", why);
	arena_done(&arena);
	buf_done(&b);
}

static void test_finding(void)
{
	static const struct ps_exe exe = {.path = {"", 0}, .name = {"", 0}, .cmdline = {"", 0}, .script = {"", 0}};
	static const struct ps_text texts[] = {{"", 0}, {"virustotal", 10}};
	static const struct ps_record record = {
	    .kind = PS_VERDICT,
	    .start_ns = 5,
	    .end_ns = 6,
	    .finding = {
	        {1, 2, [31] = 3}, PS_FINDING_FAILED, PS_FINDING_PENDING, 1, 1, 1, 1, 5, 6, 7, UINT32_MAX, 9, INT64_MIN}};
	struct ps_batch batch = {.hostname = {"", 0},
	                         .n_exes = 1,
	                         .n_places = 1,
	                         .n_texts = 2,
	                         .n_records = 1,
	                         .exes = &exe,
	                         .places = &nowhere,
	                         .texts = texts,
	                         .records = &record};
	/* From the end of the record: state, previous, and what must be among the texts. */
	static const struct {
		int at;
		uint8_t byte;
	} wrong[] = {{50, 0}, {50, 7}, {49, 7}, {48, 2}, {44, 2}, {40, 2}, {36, 2}};
	const struct ps_batch *got;
	struct arena arena;
	const char *why = "";
	struct buf b;

	buf_init(&b);
	arena_init(&arena);
	codec_encode(&b, &batch);
	got = codec_decode_unchecked(b.data, b.len, &arena, &why);
	if (ok(got && got->records[0].kind == PS_VERDICT, "a verdict comes back (%s)", why)) {
		const struct ps_finding *f = &got->records[0].finding, *w = &record.finding;

		ok(memcmp(f->sha256, w->sha256, 32) == 0 && f->state == w->state && f->previous == w->previous &&
		       f->service == 1 && f->path == 1 && f->text == 1 && f->link == 1 && f->malicious == 5 &&
		       f->suspicious == 6 && f->harmless == 7 && f->undetected == UINT32_MAX && f->asked_ns == 9 &&
		       f->analysed_ns == INT64_MIN,
		   "all of it");
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		uint8_t *byte = b.data + b.len - PS_DIGEST_SIZE - SHA256_SIZE - wrong[i].at, was = *byte;

		*byte = wrong[i].byte;
		ok(!codec_decode_unchecked(b.data, b.len, &arena, &why), "byte %d from its end as %d is refused", wrong[i].at,
		   wrong[i].byte);
		*byte = was;
	}
	b.data[4] = 4;
	ok(!codec_decode_unchecked(b.data, b.len, &arena, &why), "version 4 had none: %s", why);
	arena_done(&arena);
	buf_done(&b);
}

/* What a record holds beyond its meaning does not reach the bytes. */
static void test_canonical(void)
{
	struct ps_exe exes[2] = {{.path = {"", 0}, .name = {"", 0}, .cmdline = {"", 0}, .script = {"", 0}},
	                         {.path = {"a", 1},
	                          .name = {"a", 1},
	                          .cmdline = {"", 0},
	                          .hash_state = PS_HASH_UNREADABLE,
	                          .sha256 = {1},
	                          .script = {"", 0},
	                          .script_sha256 = {1}}};
	struct ps_text texts[1] = {{"", 0}};
	struct ps_record record = {.kind = PS_TRAFFIC};
	struct ps_batch batch = {.hostname = {"", 0},
	                         .n_exes = 2,
	                         .n_places = 1,
	                         .n_texts = 1,
	                         .n_records = 1,
	                         .exes = exes,
	                         .places = &nowhere,
	                         .texts = texts,
	                         .records = &record};
	const struct ps_batch *got;
	struct arena arena;
	const char *why = "";
	struct buf b;

	memset(record.traffic.laddr.bytes, 0xee, 16);
	record.traffic.raddr = (struct ps_addr){AF_INET, {1, 2, 3, 4, 5}};
	buf_init(&b);
	arena_init(&arena);
	codec_encode(&b, &batch);
	got = codec_decode_unchecked(b.data, b.len, &arena, &why);
	if (ok(got != NULL, "bytes without meaning are left out (%s)", got ? "" : why)) {
		is_int(got->records[0].traffic.laddr.bytes[0], 0, "of an address that is not known");
		is_int(got->records[0].traffic.raddr.bytes[4], 0, "of an IPv4 address");
		is_int(got->exes[1].sha256[0] + got->exes[1].script_sha256[0], 0, "of a hash that is none");
	}
	arena_done(&arena);
	buf_done(&b);
}

/* A note for people, and a generous bound that only a mistake of order would break. */
static void test_speed(void)
{
	const uint32_t n = 20000;
	uint64_t records = 0;
	int64_t start = clock_monotonic_ns(), took;
	uint8_t digest[PS_DIGEST_SIZE];
	const char *why;

	for (int i = 0; i < 20; i++) {
		struct buf b = sealed(n, 1, digest);
		struct arena arena;

		arena_init(&arena);
		records += codec_decode(b.data, b.len, &arena, &why)->n_records;
		arena_done(&arena);
		buf_done(&b);
	}
	took = clock_monotonic_ns() - start;
	printf("# %.0f records/s made, encoded, sealed, checked and decoded\n", (double)records * 1e9 / (double)took);
	ok(took < 60 * NS_PER_S, "batches of %u records go through", n);
}

int main(void)
{
	test_round_trip();
	test_older(1);
	test_older(2);
	test_older(3);
	test_older(4);
	test_totals();
	test_damage();
	test_hostile();
	test_vsock();
	test_audit();
	test_program();
	test_finding();
	test_canonical();
	test_speed();
	return tap_done();
}

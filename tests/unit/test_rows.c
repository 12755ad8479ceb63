/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A batch as rows, and the digests over them. */
#include <string.h>

#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/query/rows.h"
#include "tests/sinks/batches.h"
#include "tests/tap.h"

static void test_values(void)
{
	struct row_value v[ROW_COLUMNS_MAX];
	struct ps_record *r;
	struct rows rows;
	struct made m;

	made_hostile(&m, 7, 1000);
	r = &m.records[0];
	r->traffic.sent = UINT64_MAX;
	r->start_ns = -1;
	rows_init(&rows, &m.batch);
	rows_get(&rows, ROW_CONNECTIONS, r, v);
	is_int(v[0].number, -1, "a time before 1970 is rounded down");
	ok(v[1].number == INT64_MAX && rows.clamped == 1, "a count beyond a column's range stops there, and that is told");
	is_int(v[2].number, 2000, "one within it does not");
	ok(v[4].entry == v[5].entry && !v[4].entry->empty, "an executable is one entry");
	is_str(v[12].entry->values[0].text.data, "192.0.2.1", "an address");
	ok(v[17].entry->empty, "no place is the empty entry");
	is_int(v[21].type, ROW_NULL, "a time that is not known is NULL");
	is_str(v[4].entry->values[1].text.data, "a\\x0ab\\xc3", "a name as it is shown");
	for (unsigned i = 0; i < row_tables[ROW_CONNECTIONS].n; i++) {
		const struct row_column *c = &row_tables[ROW_CONNECTIONS].columns[i];

		ok(v[i].type == c->type || (c->optional && v[i].type == ROW_NULL), "%s is of its type", c->name);
	}
	rows_done(&rows);
	made_done(&m);
}

/* The key of 192.0.2.1, put together from the description in chain.h. */
static void test_format(void)
{
	static const char bytes[] = "\x09\0\0\0addresses\2\x09\0\0\000192.0.2.1";
	static const uint8_t zero[ROW_KEY_SIZE];
	struct row_value v[ROW_COLUMNS_MAX];
	uint8_t want[SHA256_SIZE], got[PS_DIGEST_SIZE];
	struct chain_name name;
	struct chain chain;
	struct buf b;
	struct rows rows;
	struct made m;

	made_init(&m, 5);
	made_alert(&m, 1000, "x");
	made_traffic(&m, 1000);
	rows_init(&rows, &m.batch);
	rows_get(&rows, ROW_CONNECTIONS, &m.records[1], v);
	sha256_bytes(bytes, sizeof(bytes) - 1, want);
	ok(memcmp(v[12].entry->key, want, sizeof(want)) == 0, "the key of an address is what the format says");
	ok(memcmp(v[14].entry->key, zero, sizeof(zero)) == 0, "the key of no domain is zero");

	/* The alert's row, and the batch of both: connections come first. */
	buf_init(&b);
	buf_put_u32(&b, 6);
	buf_put_str(&b, "losses");
	buf_put_u8(&b, 1);
	buf_put_u64(&b, 1000);
	buf_put_u8(&b, 1);
	buf_put_u64(&b, 1010);
	buf_put(&b, "\2\5\0\0\0flows", 10);
	buf_put_u8(&b, 1);
	buf_put_u64(&b, 4);
	buf_put_u8(&b, 1);
	buf_put_u64(&b, 500);
	buf_put_u8(&b, 1);
	buf_put_u64(&b, 600);
	buf_put(&b, "\2\1\0\0\0x", 6);
	sha256_bytes(b.data, b.len, want);
	chain_init(&chain);
	rows_chain(&rows, &chain);
	is_int(chain.rows, 2, "two rows");
	ok(memcmp(chain.digests.data + 32, want, 32) == 0, "a row's digest is what the format says");
	ok(chain.marks.data[0] == ROW_CONNECTIONS && chain.marks.data[CHAIN_MARK_SIZE] == ROW_LOSSES &&
	       memcmp(chain.marks.data + CHAIN_MARK_SIZE + 1, want, CHAIN_MARK_SIZE - 1) == 0,
	   "so are the marks");
	b.len = 0;
	buf_put(&b, "\x12\0\0\0picosnitch batch 1", 22);
	buf_put(&b, m.batch.host, 16);
	buf_put(&b, m.batch.boot, 16);
	buf_put_u64(&b, 5);
	buf_put(&b, m.batch.previous, 32);
	buf_put(&b, "\4\0\0\0test", 8);
	buf_put_u64(&b, 1000);
	buf_put_u64(&b, 1010);
	buf_put_u64(&b, 2);
	buf_put(&b, chain.digests.data, 64);
	sha256_bytes(b.data, b.len, want);
	rows_name(&rows, &name);
	chain_digest(&chain, &name, got);
	ok(memcmp(got, want, 32) == 0, "and the batch's digest");
	chain_done(&chain);
	buf_done(&b);
	rows_done(&rows);
	made_done(&m);
}

/* Whatever is changed, the digest is another. */
static void test_all_counts(void)
{
	uint8_t before[PS_DIGEST_SIZE], after[PS_DIGEST_SIZE];
	unsigned same = 0;
	struct made m;

	made_usual(&m, 1, 3, 1000);
	made_alert(&m, 1000, "a");
	made_audit(&m, 1000);
	made_program(&m, 1000, "p");
	rows_digest(&m.batch, before);
#define CHANGED(what)                                                                                                  \
	do {                                                                                                               \
		(what)++;                                                                                                      \
		rows_digest(&m.batch, after);                                                                                  \
		(what)--;                                                                                                      \
		same += memcmp(before, after, sizeof(before)) == 0;                                                            \
	} while (0)
	CHANGED(m.records[2].traffic.sent);
	CHANGED(m.records[2].traffic.rport);
	CHANGED(m.records[2].traffic.raddr.bytes[0]);
	CHANGED(m.records[2].traffic.direction);
	CHANGED(m.records[2].traffic.domain_rivals);
	CHANGED(m.records[3].alert.count);
	CHANGED(m.records[4].audit.rest_packets);
	CHANGED(m.records[5].program.uid);
	CHANGED(m.exes[m.records[0].traffic.exe].sha256[31]);
	CHANGED(m.exes[m.records[0].traffic.exe].script_state);
	CHANGED(m.batch.seq);
	CHANGED(m.batch.host[0]);
	CHANGED(m.batch.boot[15]);
	CHANGED(m.batch.previous[31]);
	m.batch.n_records--;
	rows_digest(&m.batch, after);
	same += memcmp(before, after, sizeof(before)) == 0;
	m.batch.n_records++;
	is_int(same, 0, "no change leaves the digest as it was");
	rows_digest(&m.batch, after);
	ok(memcmp(before, after, sizeof(before)) == 0, "without a change it is the same");
	made_done(&m);
}

static void test_batch_key(void)
{
	struct ps_batch b = {.seq = 1};
	uint8_t one[CHAIN_BATCH_KEY_SIZE], two[CHAIN_BATCH_KEY_SIZE];

	chain_batch_key(b.host, b.boot, 1, one);
	b.boot[0] = 1;
	chain_batch_key(b.host, b.boot, 1, two);
	ok(memcmp(one, two, sizeof(one)) != 0, "batches of two boots have two keys");
}

int main(void)
{
	test_values();
	test_format();
	test_all_counts();
	test_batch_key();
	return tap_done();
}

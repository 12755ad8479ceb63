/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/import/transfer.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/sha256.h"
#include "core/import/convert.h"
#include "core/import/stored.h"

struct run {
	const struct transfer *t;
	struct report *report;
	struct stored stored;
	struct convert convert;
	struct chunk chunk;
	uint8_t host[PS_ID_SIZE], previous[PS_DIGEST_SIZE];
	uint64_t seq, old; /* of the chunk */
	int64_t first_s, last_s;
};

/* The name of the host that the rows are of. */
static void make_host(uint8_t host[PS_ID_SIZE], int version, const struct old_row *row)
{
	uint8_t digest[SHA256_SIZE];
	struct buf b;

	buf_init(&b);
	buf_put_str(&b, "picosnitch import");
	buf_put_u32(&b, (uint32_t)version);
	buf_put_u64(&b, (uint64_t)row->rowid);
	for (int i = 0; i < OLD_COLUMNS; i++) {
		buf_put_u8(&b, (uint8_t)row->v[i].type);
		buf_put_u64(&b, (uint64_t)row->v[i].number);
		buf_put_u32(&b, row->v[i].text.len);
		buf_put(&b, row->v[i].text.data, row->v[i].text.len);
	}
	sha256_bytes(b.data, b.len, digest);
	memcpy(host, digest, PS_ID_SIZE);
	buf_done(&b);
}

static void begin_chunk(struct run *r)
{
	chunk_clear(&r->chunk);
	memset(r->convert.counts, 0, sizeof(r->convert.counts));
	r->old = 0;
	r->first_s = r->last_s = 0;
}

/* What was counted goes into the report: of rows that are not taken always, of others if they are. */
static void count(struct run *r, bool taken)
{
	struct report *report = r->report;

	for (unsigned i = 0; i < REPORT_REASONS; i++)
		if (taken || i < REPORT_BYTES)
			report->counts[i] += r->convert.counts[i];
	if (!taken || !r->chunk.n_records)
		return;
	report->taken += r->chunk.n_records;
	report->old += r->old;
	report->first_s = !report->last_s || r->first_s < report->first_s ? r->first_s : report->first_s;
	report->last_s = r->last_s > report->last_s ? r->last_s : report->last_s;
}

/* False: it ends here, as the report says. */
static bool finish_chunk(struct run *r)
{
	const struct stored_batch *known = stored_find(&r->stored, r->seq);
	uint64_t next = r->stored.n ? r->stored.list[r->stored.n - 1].seq + 1 : 0;
	const struct ps_batch *batch;
	const char *wrong = NULL;
	char why[OLD_WHY] = "";
	bool taken = false;

	batch = chunk_seal(&r->chunk, r->host, r->seq, r->previous, &wrong);
	if (!batch) {
		report_trouble(r->report, "rows that cannot be stored: %s", wrong);
		return false;
	}
	if (known && memcmp(known->digest, batch->digest, PS_DIGEST_SIZE) != 0) {
		report_trouble(r->report, "its rows are not those that were taken from it earlier: were rows removed from it "
		                          "since, or is TZ another one?");
		return false;
	}
	if (known) {
		r->report->present += r->chunk.n_records;
	} else if (r->seq < next) {
		r->report->retired += r->chunk.n_records;
	} else if (r->t->write && r->t->write(r->t->arg, batch, why)) {
		report_trouble(r->report, "%s", why);
		return false;
	} else {
		taken = true;
	}
	count(r, taken);
	memcpy(r->previous, batch->digest, PS_DIGEST_SIZE);
	r->seq++;
	begin_chunk(r);
	return true;
}

static bool take(struct run *r, const struct old_row *row)
{
	const struct stored_batch *known = stored_find(&r->stored, r->seq);
	int64_t at;

	if (!convert_row(&r->convert, &r->chunk, row))
		return true;
	at = r->convert.last_s;
	r->old += at < r->t->cutoff_s;
	r->first_s = !r->first_s || at < r->first_s ? at : r->first_s;
	r->last_s = at > r->last_s ? at : r->last_s;
	if (known ? r->chunk.n_records == known->rows || r->chunk.n_records == CHUNK_ROWS : chunk_is_full(&r->chunk))
		return finish_chunk(r);
	return true;
}

static void walk(struct run *r, struct old_db *db)
{
	struct old_row row;

	for (unsigned n = 0; old_db_next(db, &row); n++) {
		if (!take(r, &row))
			return;
		if (n % 512 == 0 && r->t->progress)
			r->t->progress(r->t->arg, row.rowid, old_db_last(db));
	}
	if (r->chunk.n_records)
		finish_chunk(r);
	else
		count(r, false);
}

void transfer_run(const struct transfer *t, struct old_db *db, struct report *report)
{
	struct run r = {.t = t, .report = report};
	char why[OLD_WHY];
	struct old_row first;

	if (!old_db_next(db, &first))
		return;
	make_host(r.host, old_db_version(db), &first);
	old_db_rewind(db);
	if (stored_load(&r.stored, t->store, r.host, why)) {
		report_trouble(report, "%s", why);
		return;
	}
	convert_init(&r.convert, t->now_s);
	chunk_init(&r.chunk);
	begin_chunk(&r);
	walk(&r, db);
	chunk_done(&r.chunk);
	convert_done(&r.convert);
	stored_done(&r.stored);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dictionaries: entries are named by their content, so whoever inserts one first has inserted it for all. */
#include <stdio.h>
#include <string.h>

#include "plugins/mariadb/store.h"

static size_t fill(struct store *s, enum row_dictionary d, const struct row_entry *const **list)
{
	struct bulk *b = &s->dictionaries[d];
	size_t n;

	*list = entries_wanted(&s->entries, d, &n);
	bulk_clear(b);
	for (size_t i = 0; i < n; i++) {
		bulk_row(b);
		bulk_bytes(b, 0, (*list)[i]->key, BULK_KEY);
		for (unsigned c = 0; c < row_dictionaries[d].n; c++)
			bulk_value(b, c + 1, &(*list)[i]->values[c]);
	}
	return n;
}

static enum trouble insert_all(struct store *s)
{
	enum trouble trouble = link_run(&s->link, "START TRANSACTION");
	uint64_t inserted = 0;

	for (enum row_dictionary d = 0; d < ROW_DICTIONARIES && trouble == LINK_FINE; d++) {
		const struct row_entry *const *list;
		uint32_t n = (uint32_t)fill(s, d, &list);

		for (uint32_t i = 0; i < n; i++)
			if (!bulk_fits(&s->dictionaries[d], &s->link, i))
				return LINK_ROW;
		trouble = bulk_insert(&s->dictionaries[d], &s->link, 0, n, &inserted);
	}
	return trouble == LINK_FINE ? link_run(&s->link, "COMMIT") : trouble;
}

/* One after the other, each on its own. */
static enum trouble insert_each(struct store *s, char *why, size_t size)
{
	for (enum row_dictionary d = 0; d < ROW_DICTIONARIES; d++) {
		const struct row_entry *const *list;
		uint32_t n = (uint32_t)fill(s, d, &list);

		for (uint32_t i = 0; i < n; i++) {
			bool fits = bulk_fits(&s->dictionaries[d], &s->link, i);
			uint64_t inserted = 0;
			enum trouble trouble = fits ? bulk_insert(&s->dictionaries[d], &s->link, i, i + 1, &inserted) : LINK_ROW;

			if (trouble == LINK_ROW || trouble == LINK_NOWHERE) {
				entries_refuse(&s->entries, list[i]);
				snprintf(why, size, "what it refers to is refused by %s: %s", s->dictionaries[d].table,
				         fits ? s->link.why : "it is longer than max_allowed_packet");
			} else if (trouble != LINK_FINE) {
				return trouble;
			}
		}
	}
	return LINK_FINE;
}

/* The rows that cannot be stored without what was refused. */
static void refuse_rows(struct store *s, struct rows *rows, const char *why)
{
	const struct ps_batch *b = rows->batch;
	struct row_value values[ROW_COLUMNS_MAX];

	for (enum row_table table = 0; table < ROW_TABLES; table++) {
		uint32_t row = 0;

		for (uint32_t i = 0; i < b->n_records; i++) {
			bool refused = false;

			if (b->records[i].kind != row_kind(table))
				continue;
			rows_get(rows, table, &b->records[i], values);
			for (unsigned c = 0; c < row_tables[table].n; c++)
				refused |=
				    row_tables[table].columns[c].type == ROW_ENTRY && entries_refused(&s->entries, values[c].entry);
			if (refused)
				store_refuse(s, table, row, why);
			row++;
		}
	}
}

enum trouble store_entries(struct store *s, struct rows *rows)
{
	char why[sizeof(s->link.why) + 128] = "";
	enum trouble trouble;
	size_t wanted = 0, n;

	for (enum row_dictionary d = 0; d < ROW_DICTIONARIES; d++) {
		entries_wanted(&s->entries, d, &n);
		wanted += n;
	}
	if (!wanted)
		return LINK_FINE;
	trouble = insert_all(s);
	if (trouble == LINK_ROW || trouble == LINK_NOWHERE) {
		trouble = link_run(&s->link, "ROLLBACK");
		if (trouble == LINK_FINE)
			trouble = insert_each(s, why, sizeof(why));
		if (trouble == LINK_FINE)
			refuse_rows(s, rows, why);
	}
	if (trouble == LINK_FINE)
		entries_stored(&s->entries);
	return trouble;
}

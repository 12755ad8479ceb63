/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/writer.h"

#include <stdlib.h>
#include <string.h>

enum {
	BATCH_RECORDS = 16384,
	RECORD_TEXTS = 4,     /* of one record, at most */
	BATCH_TEXT = 8 << 20, /* a batch ends when its texts have come to this */
};

void writer_open(struct writer *w, const struct ledger_origin *origin, ledger_encode encode, bool commands,
                 size_t records)
{
	size_t room = records < BATCH_RECORDS ? records : BATCH_RECORDS;

	*w = (struct writer){.origin = origin, .encode = encode, .commands = commands, .room = room};
	w->records = mem_alloc(room * sizeof(*w->records));
	w->texts = mem_alloc((RECORD_TEXTS * room + 1) * sizeof(*w->texts));
	w->exes = mem_alloc((3 * room + 1) * sizeof(*w->exes));
	w->programs = mem_alloc((3 * room + 1) * sizeof(*w->programs));
	w->places = mem_alloc((room + 1) * sizeof(*w->places));
	w->where = mem_alloc((room + 1) * sizeof(*w->where));
}

void writer_close(struct writer *w)
{
	free(w->records);
	free(w->texts);
	free(w->exes);
	free(w->programs);
	free(w->places);
	free(w->where);
}

void writer_begin(struct writer *w)
{
	w->n_records = 0;
	w->n_exes = w->n_places = w->n_texts = 1;
	w->exes[0] = (struct ps_exe){.path = {"", 0}, .name = {"", 0}, .cmdline = {"", 0}, .script = {"", 0}};
	place_parse(&w->places[0], w->nowhere, "", 0);
	w->texts[0] = (struct ps_text){"", 0};
	w->text_size = 0;
	table_init(&w->index);
	table_init(&w->place_index);
	table_init(&w->names);
	arena_init(&w->arena);
}

void writer_flush(struct writer *w)
{
	struct ps_batch batch = {
	    .hostname = {w->origin->hostname, (uint32_t)strlen(w->origin->hostname)},
	    .n_exes = w->n_exes,
	    .n_texts = w->n_texts,
	    .n_records = w->n_records,
	    .n_places = w->n_places,
	    .exes = w->exes,
	    .places = w->places,
	    .texts = w->texts,
	    .records = w->records,
	};

	if (w->n_records) {
		memcpy(batch.host, w->origin->host, PS_ID_SIZE);
		memcpy(batch.boot, w->origin->boot, PS_ID_SIZE);
		w->out = mem_resize(w->out, (w->n_out + 1) * sizeof(*w->out));
		buf_init(&w->out[w->n_out]);
		w->encode(&w->out[w->n_out++], &batch);
	}
	table_done(&w->index);
	table_done(&w->place_index);
	table_done(&w->names);
	arena_done(&w->arena);
}

struct ps_record *writer_record(struct writer *w)
{
	if (w->n_records == w->room || w->text_size > BATCH_TEXT) {
		writer_flush(w);
		writer_begin(w);
	}
	w->records[w->n_records] = (struct ps_record){0};
	return &w->records[w->n_records++];
}

uint32_t writer_add(struct writer *w, const struct program *p, enum ps_hash_state state, const uint8_t sha256[32])
{
	struct ps_exe *exe = &w->exes[w->n_exes];

	*exe = (struct ps_exe){
	    .path = p->path,
	    .name = p->name,
	    .cmdline = p->cmdline,
	    .flags = p->flags,
	    .hash_state = (uint8_t)state,
	    .script = p->script,
	    .script_state = p->script_file ? (uint8_t)p->script_file->state : PS_HASH_ABSENT,
	};
	if (!w->commands) {
		exe->cmdline = (struct ps_text){"", 0};
		exe->flags &= (uint8_t)~PS_EXE_CMDLINE_CUT;
	}
	if (state == PS_HASH_OK)
		memcpy(exe->sha256, sha256, sizeof(exe->sha256));
	if (exe->script_state == PS_HASH_OK)
		memcpy(exe->script_sha256, p->script_file->sha256, sizeof(exe->script_sha256));
	w->text_size += exe->path.len + exe->name.len + exe->cmdline.len + exe->script.len;
	return w->n_exes++;
}

uint32_t writer_exe(struct writer *w, struct program *p)
{
	uintptr_t at;

	if (!p || (!p->path.len && !p->name.len))
		return 0;
	at = (uintptr_t)table_get(&w->index, &p, sizeof(p));
	if (at)
		return (uint32_t)(at - 1);
	/* The key lives in the array of programs, which does not move while the batch is made. */
	w->programs[w->n_exes] = p;
	table_add(&w->index, &w->programs[w->n_exes], sizeof(p), (void *)(uintptr_t)(w->n_exes + 1));
	return writer_add(w, p, p->file->state, p->file->sha256);
}

uint32_t writer_text(struct writer *w, const void *text, size_t len)
{
	w->texts[w->n_texts] = (struct ps_text){arena_copy(&w->arena, text, len), (uint32_t)len};
	w->text_size += len;
	return w->n_texts++;
}

uint32_t writer_name(struct writer *w, struct ps_text domain)
{
	uintptr_t at = (uintptr_t)table_get(&w->names, domain.data, domain.len);

	if (at || !domain.len)
		return (uint32_t)at;
	at = writer_text(w, domain.data, domain.len);
	table_add(&w->names, w->texts[at].data, domain.len, (void *)at);
	return (uint32_t)at;
}

uint32_t writer_place(struct writer *w, struct place *place)
{
	uintptr_t at;

	if (!place || !place->says.cgroup.len)
		return 0;
	at = (uintptr_t)table_get(&w->place_index, &place, sizeof(place));
	if (at)
		return (uint32_t)(at - 1);
	w->places[w->n_places] = place->says;
	w->text_size += 2 * place->says.cgroup.len;
	w->where[w->n_places] = place;
	table_add(&w->place_index, &w->where[w->n_places], sizeof(place), (void *)(uintptr_t)(w->n_places + 1));
	return w->n_places++;
}

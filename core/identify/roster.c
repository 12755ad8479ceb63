/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/roster.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/identify/proc.h"

/* Command lines together may take TEXT_MAX, and then less each. */
#define TEXT_MAX (64u << 20)
#define CMDLINE_CROWDED 4096u

struct roster {
	struct executables *executables;
	struct table all; /* key text -> struct program */
	size_t text;      /* bytes in keys */
	uint64_t cut;
};

void program_hold(struct program *p)
{
	p->refs++;
}

static void key_free(struct roster *r, struct program *p)
{
	if (p->interned)
		table_remove(&r->all, p->key.data, p->key.len);
	p->interned = false;
	r->text -= p->key.len;
	free((void *)(uintptr_t)p->key.data);
}

void program_drop(struct roster *r, struct program *p)
{
	if (!p || --p->refs)
		return;
	key_free(r, p);
	executable_drop(r->executables, p->file);
	executable_drop(r->executables, p->script_file);
	free(p);
}

/* The key is the description itself. */
static void key_put(struct buf *key, const struct program *is)
{
	const struct ps_text texts[] = {is->path, is->name, is->script, is->cmdline};

	buf_put_u64(key, (uint64_t)(uintptr_t)is->file);
	buf_put_u64(key, (uint64_t)(uintptr_t)is->script_file);
	buf_put_u8(key, is->flags);
	for (size_t i = 0; i < 4; i++) {
		buf_put(key, texts[i].data, texts[i].len);
		buf_put_u8(key, 0);
	}
}

/* Gives p its key, of which its texts become parts. */
static void key_set(struct roster *r, struct program *p, const struct buf *key)
{
	char *at = mem_copy(key->data, key->len);

	p->key = (struct ps_text){at, (uint32_t)key->len};
	p->path.data = at += 17;
	p->name.data = at += p->path.len + 1;
	p->script.data = at += p->name.len + 1;
	p->cmdline.data = at + p->script.len + 1;
	r->text += key->len;
}

static void intern(struct roster *r, struct program *p)
{
	table_add(&r->all, p->key.data, p->key.len, p);
	p->interned = true;
}

static struct program *get(struct roster *r, const struct program *is, bool apart)
{
	uint32_t most = r->text > TEXT_MAX ? CMDLINE_CROWDED : PROC_READ_MAX;
	struct program d = *is, *p;
	struct buf key;

	if (d.cmdline.len > most) {
		d.cmdline.len = most;
		d.flags |= PS_EXE_CMDLINE_CUT;
	}
	if (d.flags & PS_EXE_CMDLINE_CUT)
		r->cut++;
	buf_init(&key);
	key_put(&key, &d);
	p = apart ? NULL : table_get(&r->all, key.data, key.len);
	if (p) {
		executable_drop(r->executables, d.file);
		executable_drop(r->executables, d.script_file);
	} else {
		p = mem_alloc(sizeof(*p));
		*p = (struct program){
		    .path.len = d.path.len,
		    .name.len = d.name.len,
		    .cmdline.len = d.cmdline.len,
		    .script.len = d.script.len,
		    .file = d.file,
		    .script_file = d.script_file,
		    .flags = d.flags,
		};
		key_set(r, p, &key);
		if (!apart)
			intern(r, p);
	}
	buf_done(&key);
	program_hold(p);
	return p;
}

struct program *roster_get(struct roster *r, const struct program *is)
{
	return get(r, is, false);
}

struct program *roster_get_apart(struct roster *r, const struct program *is)
{
	return get(r, is, true);
}

void roster_settle(struct roster *r, struct program *p, struct ps_text script, struct executable *script_file,
                   uint8_t flags)
{
	struct program d = *p;
	struct buf key;

	d.script = script;
	d.script_file = script_file;
	d.flags |= flags;
	buf_init(&key);
	key_put(&key, &d);
	key_free(r, p);
	executable_drop(r->executables, p->script_file);
	p->script.len = script.len;
	p->script_file = script_file;
	p->flags = d.flags;
	key_set(r, p, &key);
	buf_done(&key);
}

struct program *roster_settled(struct roster *r, struct program *p)
{
	struct program *same = table_get(&r->all, p->key.data, p->key.len);

	if (!same) {
		intern(r, p);
		same = p;
	}
	program_hold(same);
	return same;
}

struct program *program_named(struct roster *r, struct program *p, bool with_cmdline)
{
	struct program d = *p;

	/* One whose script is not known yet stays what it is: it is to be settled. */
	if (with_cmdline || !p->interned || !(p->cmdline.len || p->flags & PS_EXE_CMDLINE_CUT)) {
		program_hold(p);
		return p;
	}
	d.cmdline.len = 0;
	d.flags &= (uint8_t)~PS_EXE_CMDLINE_CUT;
	executable_hold(d.file);
	if (d.script_file)
		executable_hold(d.script_file);
	return roster_get(r, &d);
}

struct roster *roster_open(struct executables *executables)
{
	struct roster *r = mem_alloc(sizeof(*r));

	r->executables = executables;
	return r;
}

void roster_close(struct roster *r)
{
	table_done(&r->all);
	free(r);
}

uint64_t roster_count(const struct roster *r)
{
	return r->all.n;
}

uint64_t roster_cut(const struct roster *r)
{
	return r->cut;
}

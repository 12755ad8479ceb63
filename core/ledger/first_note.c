/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A note of something new as text: for people, and for exe.log. */
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/ledger/first_seen.h"

static const char *const events[] = {
    [PS_PROGRAM_NEW_EXE] = "new executable",
    [PS_PROGRAM_NEW_NAME] = "new name",
    [PS_PROGRAM_NEW_HASH] = "new content",
    [PS_PROGRAM_CHANGED] = "changed while it runs",
};
static const char *const script_events[] = {
    [PS_PROGRAM_NEW_EXE] = "new script",
    [PS_PROGRAM_NEW_NAME] = "new name of a script",
    [PS_PROGRAM_NEW_HASH] = "new content of a script",
    [PS_PROGRAM_CHANGED] = "script changed while it runs",
};
/* As the stores have them. */
static const char *const words[] = {
    [PS_PROGRAM_NEW_EXE] = "new_exe",
    [PS_PROGRAM_NEW_NAME] = "new_name",
    [PS_PROGRAM_NEW_HASH] = "new_hash",
    [PS_PROGRAM_CHANGED] = "changed",
};
static const char *const roles[] = {"self", "parent", "grandparent"};

static void put_shown(struct buf *out, struct ps_text text)
{
	size_t n = text_show(NULL, 0, text, PS_SHOW_PATH);

	text_show(buf_add(out, n + 1), n + 1, text, PS_SHOW_PATH);
	out->len--; /* the NUL */
}

static void put_program(struct buf *out, const struct program *p)
{
	put_shown(out, p->path.len ? p->path : p->name);
}

void first_note_text(const struct first_note *note, struct buf *out)
{
	const struct program *p = note->who.self;
	char hex[65];

	buf_put_str(out, (note->script ? script_events : events)[note->event]);
	if (note->role != PS_ROLE_SELF)
		buf_printf(out, ", of a %s", roles[note->role]);
	buf_put_str(out, ": ");
	if (note->script) {
		put_shown(out, p->script);
		buf_put_str(out, ", run by ");
	}
	put_program(out, p);
	if (p->path.len && p->name.len) {
		buf_put_str(out, " (");
		put_shown(out, p->name);
		buf_put_u8(out, ')');
	}
	if (note->who.parent && note->who.parent->path.len) {
		buf_put_str(out, ", started by ");
		put_program(out, note->who.parent);
	}
	if (note->event == PS_PROGRAM_NEW_HASH)
		buf_printf(out, "; its SHA-256 was %s", text_hex(hex, note->previous, 32));
	if (note->event == PS_PROGRAM_CHANGED && note->state == PS_HASH_GONE)
		buf_put_str(out, "; its file is gone");
}

static void put_hash(struct buf *out, const uint8_t sha256[32])
{
	static const uint8_t none[32];
	char hex[65];

	buf_put_str(out, memcmp(sha256, none, 32) == 0 ? "-" : text_hex(hex, sha256, 32));
}

struct ps_text first_note_name(const struct first_note *note)
{
	const struct program *p = note->who.self;
	const char *slash = note->script ? memrchr(p->script.data, '/', p->script.len) : NULL;

	if (slash)
		return (struct ps_text){slash + 1, (uint32_t)(p->script.data + p->script.len - slash - 1)};
	return note->script ? p->script : p->name;
}

void first_note_line(const struct first_note *note, struct buf *out)
{
	const struct program *p = note->who.self, *parent = note->who.parent;
	const struct executable *file = note->script ? p->script_file : p->file;
	static const uint8_t none[32];
	char stamp[CLOCK_TEXT_SIZE];

	buf_printf(out, "%s\t%s\t%s\t", clock_text(stamp, note->at_ns), words[note->event], roles[note->role]);
	put_shown(out, first_note_name(note));
	buf_put_u8(out, '\t');
	put_shown(out, note->script ? p->script : p->path);
	buf_put_u8(out, '\t');
	if (note->event == PS_PROGRAM_CHANGED)
		put_hash(out, note->sha256);
	else
		put_hash(out, file->state == PS_HASH_OK ? file->sha256 : none);
	buf_put_u8(out, '\t');
	put_hash(out, note->previous);
	buf_put_u8(out, '\t');
	if (parent)
		put_shown(out, parent->path);
	buf_printf(out, "\t%u\t%s", note->uid, note->expected ? "expected" : "-");
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The memory as the text of record.json and back. Pure; any thread, one memory at a time.
 *
 * Paths and names are shown as everywhere (text_show(), PS_SHOW_PATH), so that the file is UTF-8 whatever
 * they are, and the bytes can be had back.
 *
 *   {"version": 1,
 *    "Executables": {EXE: [NAME, ...]}, "Names": {NAME: [EXE, ...]},
 *    "Parent Executables", "Parent Names", "Grandparent Executables", "Grandparent Names": likewise,
 *    "SHA256": {EXE: {HASH: VERDICT}},
 *    "Seen": {EXE: {"seen": TIMES, "names": {NAME: TIMES}, "sha256": {HASH: TIMES}}}}
 *   TIMES: [FIRST, LAST] or [FIRST, LAST, "expected"], in seconds since 1970
 *
 * The maps by name say nothing that the others do not: they are for people, and not read. In "Seen" is
 * everything that is known, what was seen longest ago first; what is not there of an executable that another
 * map names was seen at an unknown time.
 */
#ifndef PS_LEDGER_MEMORY_JSON_H
#define PS_LEDGER_MEMORY_JSON_H

#include "core/base/buf.h"
#include "core/ledger/memory.h"

enum { MEMORY_JSON_MAX = 128 << 20, MEMORY_WHY = 200 };

void memory_write(const struct memory *, struct buf *out);

/* 0 and a new memory; -EUCLEAN: damaged, -ENOTSUP: of a version that is not known, with a reason in `why`. */
int memory_read(struct memory **, const void *data, size_t len, char why[MEMORY_WHY]);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a service says of a content: the words for the memory, for people and for exe.log. Pure; any thread.
 */
#ifndef PS_LEDGER_FINDING_H
#define PS_LEDGER_FINDING_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/ledger/memory.h"

struct finding {
	const char *service;
	struct ps_found what;
	struct ps_text path;          /* the file that was seen last with this content; "": none is remembered */
	enum ps_finding_state before; /* 0: nothing was known */
	int64_t at_ns;
};

/* As the memory has it beside the hash: "clean (virustotal)", "suspicious, 3 of 72 (virustotal)",
 * "failed: it timed out (virustotal)". The same words for all that is the same to people. */
void finding_verdict(const struct finding *, char out[MEMORY_VERDICT_MAX]);

/* The state that such a text begins with; 0: none. */
enum ps_finding_state finding_state(const char *verdict);

/* Whether it belongs into the history for people: an answer, not that one is waited for. */
bool finding_is_answer(const struct finding *);

/* One line for people. */
void finding_text(const struct finding *, struct buf *out);

/* Its line of exe.log, as first_note_line(). */
void finding_line(const struct finding *, struct buf *out);

#endif

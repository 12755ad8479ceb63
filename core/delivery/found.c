/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/found.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/delivery/frame.h"

#define SLACK_NS (86400 * NS_PER_S) /* clocks differ */

void found_put(struct buf *out, const struct ps_found *f)
{
	buf_put(out, f->sha256, sizeof(f->sha256));
	buf_put_u8(out, (uint8_t)f->state);
	buf_put_u32(out, f->malicious);
	buf_put_u32(out, f->suspicious);
	buf_put_u32(out, f->harmless);
	buf_put_u32(out, f->undetected);
	buf_put_u64(out, (uint64_t)f->asked_ns);
	buf_put_u64(out, (uint64_t)f->analysed_ns);
	frame_put_text(out, f->reason);
	frame_put_text(out, f->link);
}

/* A text that is not longer than there is room for, nor has a NUL. */
static bool get_text(struct cursor *c, char *out, size_t size)
{
	struct cursor before = *c;
	uint32_t len = cursor_u32(&before);

	frame_text(c, out, size);
	return !c->bad && strlen(out) == len;
}

static bool counts_fit(const struct ps_found *f)
{
	const uint32_t most = PS_FOUND_ENGINES_MAX;
	uint32_t bad, good;

	if (f->malicious > most || f->suspicious > most || f->harmless > most || f->undetected > most)
		return false;
	bad = f->malicious + f->suspicious;
	good = f->harmless + f->undetected;
	switch (f->state) {
	case PS_FINDING_CLEAN:
		return !bad && good;
	case PS_FINDING_SUSPICIOUS:
		return bad;
	default:
		return !bad && !good;
	}
}

/* Nothing that could be more than an address, wherever it is shown. */
static bool is_link(const char *link)
{
	if (!*link)
		return true;
	if (strncmp(link, "https://", 8) != 0)
		return false;
	for (const char *c = link; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("\"'<>\\`", *c))
			return false;
	return true;
}

static bool is_time(int64_t ns, int64_t now_ns)
{
	return ns >= 0 && ns <= now_ns + SLACK_NS;
}

int found_get(struct cursor *body, struct ps_found *f, struct found_texts *texts, int64_t now_ns)
{
	const uint8_t *sha256 = cursor_take(body, sizeof(f->sha256));
	unsigned state = cursor_u8(body);

	*f = (struct ps_found){.state = (enum ps_finding_state)state, .reason = texts->reason, .link = texts->link};
	if (sha256)
		memcpy(f->sha256, sha256, sizeof(f->sha256));
	f->malicious = cursor_u32(body);
	f->suspicious = cursor_u32(body);
	f->harmless = cursor_u32(body);
	f->undetected = cursor_u32(body);
	f->asked_ns = (int64_t)cursor_u64(body);
	f->analysed_ns = (int64_t)cursor_u64(body);
	if (!get_text(body, texts->reason, sizeof(texts->reason)) || !get_text(body, texts->link, sizeof(texts->link)) ||
	    cursor_left(body))
		return -EPROTO;
	text_clean(texts->reason, strlen(texts->reason));
	return state && state <= PS_FINDING_FAILED && counts_fit(f) && is_time(f->asked_ns, now_ns) &&
	               is_time(f->analysed_ns, now_ns) && is_link(texts->link) &&
	               (state == PS_FINDING_FAILED) == (texts->reason[0] != 0)
	           ? 0
	           : -EPROTO;
}

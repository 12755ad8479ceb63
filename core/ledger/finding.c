/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/finding.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"

static const char *const words[] = {
    [PS_FINDING_NO_KEY] = "no key", [PS_FINDING_PENDING] = "pending",       [PS_FINDING_UNKNOWN] = "unknown",
    [PS_FINDING_CLEAN] = "clean",   [PS_FINDING_SUSPICIOUS] = "suspicious", [PS_FINDING_FAILED] = "failed",
};

static uint32_t objecting(const struct ps_found *f)
{
	return f->malicious + f->suspicious;
}

static uint32_t engines(const struct ps_found *f)
{
	return objecting(f) + f->harmless + f->undetected;
}

void finding_verdict(const struct finding *f, char out[MEMORY_VERDICT_MAX])
{
	const char *word = words[f->what.state];

	if (f->what.state == PS_FINDING_SUSPICIOUS)
		snprintf(out, MEMORY_VERDICT_MAX, "%s, %u of %u (%.64s)", word, objecting(&f->what), engines(&f->what),
		         f->service);
	else if (f->what.state == PS_FINDING_FAILED)
		snprintf(out, MEMORY_VERDICT_MAX, "%s: %.*s (%.64s)", word, PS_FOUND_REASON_MAX, f->what.reason, f->service);
	else
		snprintf(out, MEMORY_VERDICT_MAX, "%s (%.64s)", word, f->service);
}

enum ps_finding_state finding_state(const char *verdict)
{
	for (int i = PS_FINDING_NO_KEY; i <= PS_FINDING_FAILED; i++) {
		size_t len = strlen(words[i]);

		if (strncmp(verdict, words[i], len) == 0 && (!verdict[len] || strchr(" ,:", verdict[len])))
			return (enum ps_finding_state)i;
	}
	return 0;
}

bool finding_is_answer(const struct finding *f)
{
	return f->what.state == PS_FINDING_UNKNOWN || f->what.state == PS_FINDING_CLEAN ||
	       f->what.state == PS_FINDING_SUSPICIOUS;
}

static void put_shown(struct buf *out, struct ps_text text)
{
	size_t n = text_show(NULL, 0, text, PS_SHOW_PATH);

	text_show(buf_add(out, n + 1), n + 1, text, PS_SHOW_PATH);
	out->len--; /* the NUL */
}

void finding_text(const struct finding *f, struct buf *out)
{
	const struct ps_found *w = &f->what;
	char hex[65];

	switch (w->state) {
	case PS_FINDING_NO_KEY:
		buf_printf(out, "%s is not asked, as it has no key", f->service);
		break;
	case PS_FINDING_PENDING:
		buf_printf(out, "%s is being asked", f->service);
		break;
	case PS_FINDING_UNKNOWN:
		buf_printf(out, "%s does not know it", f->service);
		break;
	case PS_FINDING_FAILED:
		buf_printf(out, "%s has not said what it is (%s)", f->service, w->reason);
		break;
	default:
		buf_printf(out, "%s: %u of %u engines of %s object", words[w->state], objecting(w), engines(w), f->service);
	}
	buf_put_str(out, ": ");
	if (f->path.len)
		put_shown(out, f->path);
	else
		buf_printf(out, "a file with SHA-256 %s", text_hex(hex, w->sha256, 32));
	if (f->before && f->before != w->state && finding_is_answer(f) && f->before >= PS_FINDING_UNKNOWN &&
	    f->before <= PS_FINDING_SUSPICIOUS)
		buf_printf(out, "; before it was %s", words[f->before]);
}

static struct ps_text base_name(struct ps_text path)
{
	const char *slash = memrchr(path.data, '/', path.len);

	return slash ? (struct ps_text){slash + 1, (uint32_t)(path.data + path.len - slash - 1)} : path;
}

void finding_line(const struct finding *f, struct buf *out)
{
	char stamp[CLOCK_TEXT_SIZE], hex[65];

	buf_printf(out, "%s\tverdict\t%s\t", clock_text(stamp, f->at_ns), words[f->what.state]);
	put_shown(out, base_name(f->path));
	buf_put_u8(out, '\t');
	put_shown(out, f->path);
	buf_printf(out, "\t%s\t%s\t%s\t%u/%u\t%s", text_hex(hex, f->what.sha256, 32), f->before ? words[f->before] : "-",
	           f->service, objecting(&f->what), engines(&f->what), *f->what.link ? f->what.link : "-");
}

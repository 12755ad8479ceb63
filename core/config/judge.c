/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/config/judge.h"

#include <string.h>

#include "core/base/text.h"
#include "core/config/option.h"

/* How much of a value is shown. */
enum { SHOWN = 80 };

void judge_bad(struct mistakes *m, const struct ini_entry *e, const struct ps_option *o, const char *wrong,
               const char *kept)
{
	char value[SHOWN] = "", rest[3 * SHOWN];
	size_t whole;
	bool secret = o->flags & PS_OPTION_SECRET;

	if (!kept || !*kept)
		snprintf(rest, sizeof(rest), "it stays unset");
	else if (secret)
		snprintf(rest, sizeof(rest), "the default is kept");
	else
		snprintf(rest, sizeof(rest), "the default \"%s\" is kept", kept);
	if (secret || !*e->value) {
		mistakes_add(m, e->line, "[%s] %s: the value %s; %s", e->section, e->key, wrong, rest);
		return;
	}
	whole = text_show(value, sizeof(value), (struct ps_text){e->value, (uint32_t)strlen(e->value)}, PS_SHOW_PATH);
	mistakes_add(m, e->line, "[%s] %s: \"%s%s\" %s; %s", e->section, e->key, value, whole < sizeof(value) ? "" : "...",
	             wrong, rest);
}

void judge_word(struct mistakes *m, const struct ini_entry *e, const char *word, const char *wrong)
{
	char shown[SHOWN];
	size_t whole = text_show(shown, sizeof(shown), (struct ps_text){word, (uint32_t)strlen(word)}, PS_SHOW_PATH);

	mistakes_add(m, e->line, "[%s] %s: \"%s%s\" %s; it is left out", e->section, e->key, shown,
	             whole < sizeof(shown) ? "" : "...", wrong);
}

void judge_unknown(struct mistakes *m, const struct ini_entry *e, const struct ps_option *options,
                   const struct ps_option *more)
{
	const char *near = option_nearest(options, e->key);

	if (!near)
		near = option_nearest(more, e->key);
	if (near)
		mistakes_add(m, e->line, "[%s] %s: unknown key; did you mean \"%s\"?", e->section, e->key, near);
	else
		mistakes_add(m, e->line, "[%s] %s: unknown key", e->section, e->key);
}

bool judge_repeated(struct mistakes *m, const struct ini_entry *e, unsigned *line)
{
	if (*line)
		mistakes_add(m, e->line, "[%s] %s: is already in line %u, which counts; this line has no effect", e->section,
		             e->key, *line);
	else
		*line = e->line;
	return *line != e->line;
}
